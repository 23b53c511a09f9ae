"""iCEBreaker (1BitSquared): iCE40UP5K, UART through its FT2232H, three Pmods."""

from twinbar.boards.bitstream_programmer import ICEPROG
from twinbar.boards.board_definition import BoardDefinition

BOARD = BoardDefinition(
    name="icebreaker",
    title="1BitSquared iCEBreaker",
    platform="amaranth_boards.icebreaker:ICEBreakerPlatform",
    clock_hz=12_000_000,
    programmer=ICEPROG,
    wiring="icebreaker",
    buffer_bytes=1024,
    notes="the controller's UART is the second port of the FT2232H; break the section with the buttons off PMOD2",
)
