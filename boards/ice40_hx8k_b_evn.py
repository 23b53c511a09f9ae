"""iCE40-HX8K breakout board (Lattice): UART through its FT2232H, four headers."""

from twinbar.boards.bitstream_programmer import ICEPROG_WITH_SRAM
from twinbar.boards.board_definition import BoardDefinition

BOARD = BoardDefinition(
    name="ice40-hx8k-b-evn",
    title="Lattice iCE40-HX8K-B-EVN",
    platform="amaranth_boards.ice40_hx8k_b_evn:ICE40HX8KBEVNPlatform",
    clock_hz=12_000_000,
    programmer=ICEPROG_WITH_SRAM,
    wiring="ice40-hx8k-b-evn",
    notes="jumpers J6 and J7 choose what is programmed, the FPGA itself (--memory sram) or the flash",
)
