"""iCESugar v1.5 (MuseLab): iCE40UP5K, UART through its on-board microcontroller, four Pmods."""

from twinbar.boards.bitstream_programmer import ICESPROG
from twinbar.boards.board_definition import DAPLINK_BAUD, BoardDefinition

BOARD = BoardDefinition(
    name="icesugar",
    title="MuseLab iCESugar v1.5",
    platform="amaranth_boards.icesugar:ICESugarPlatform",
    clock_hz=12_000_000,
    programmer=ICESPROG,
    wiring="icesugar",
    baud=DAPLINK_BAUD,
    buffer_bytes=1024,
    notes="PMOD1 shares pins with the UART and the USB connector, PMOD4 with the switches",
)
