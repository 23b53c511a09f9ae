"""ULX3S with LFE5U-45F (Radiona): UART through its FT231X, 28 pairs on two headers."""

from twinbar.boards.bitstream_programmer import open_fpga_loader
from twinbar.boards.board_definition import BoardDefinition

BOARD = BoardDefinition(
    name="ulx3s-45f",
    title="Radiona ULX3S, LFE5U-45F",
    platform="amaranth_boards.ulx3s:ULX3S_45F_Platform",
    clock_hz=50_000_000,
    programmer=open_fpga_loader("-b", "ulx3s"),
    wiring="ulx3s",
)
