"""Icepi Zero (LFE5U-25F): UART through its FT231X, 28 pins on the header of a Raspberry Pi."""

from importlib.resources import files

from twinbar.boards.bitstream_programmer import open_fpga_loader
from twinbar.boards.board_definition import BoardDefinition

BOARD = BoardDefinition(
    name="icepi-zero",
    title="Icepi Zero v1.3",
    platform="amaranth_boards.icepi_zero:IcepiZero1_3Platform",
    clock_hz=50_000_000,
    programmer=open_fpga_loader("-b", "icepi-zero"),
    wiring=str(files(__package__) / "icepi-zero.toml"),
)
