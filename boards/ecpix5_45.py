"""ECPIX-5 with LFE5UM5G-45F (LambdaConcept): UART through its FT2232, eight Pmods."""

from twinbar.boards.bitstream_programmer import open_fpga_loader
from twinbar.boards.board_definition import BoardDefinition

BOARD = BoardDefinition(
    name="ecpix5-45",
    title="LambdaConcept ECPIX-5, LFE5UM5G-45F",
    platform="amaranth_boards.ecpix5:ECPIX545Platform",
    clock_hz=50_000_000,
    programmer=open_fpga_loader("-c", "ft2232"),
    wiring="ecpix5",
)
