"""Colorlight i5 v7.0 on MuseLab's extension board: LFE5U-25F, UART and programming through its DAPLink.

amaranth-boards has no platform for it. Pins: the board's documentation by MuseLab (i5_v6.0-extboard.pdf and
i5_extboard_v1.2_pinout.png in wuxx/Colorlight-FPGA-Projects). P2 to P4 and P6 hold two Pmods each, back to back; of P4,
only the one with power next to it is complete.
"""

from typing import Any, ClassVar

from amaranth.build import Attrs, Clock, Connector, Pins, PinsN, Resource
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.resources import UARTResource

from twinbar.boards.bitstream_programmer import open_fpga_loader
from twinbar.boards.board_definition import DAPLINK_BAUD, BoardDefinition

_LVCMOS33 = Attrs(IO_TYPE="LVCMOS33")


class ColorlightI5Platform(LatticeECP5Platform):
    """Amaranth platform of the board."""

    device = "LFE5U-25F"
    package = "BG381"
    speed = "6"
    default_clk = "clk25"
    resources: ClassVar[list[Any]] = [
        Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), _LVCMOS33),
        Resource("led", 0, PinsN("U16", dir="o"), _LVCMOS33),
        UARTResource(0, rx="H18", tx="J17", attrs=_LVCMOS33),
    ]
    connectors: ClassVar[list[Any]] = [
        Connector("pmod", 0, "C17 B18 B20 F20 - - A18 A19 B19 D20 - -"),  # P3 of the extension board, half with pin 1
        Connector("pmod", 1, "H4 G3 F1 F2 - - H3 F3 E4 E1 - -"),  # P4, half with pin 1
        Connector("pmod", 2, "D1 C1 C2 E3 - - E2 D2 B1 A3 - -"),  # P3, the other half
    ]


BOARD = BoardDefinition(
    name="colorlight-i5",
    title="Colorlight i5 v7.0 on MuseLab's extension board",
    platform="twinbar.boards.colorlight_i5:ColorlightI5Platform",
    clock_hz=50_000_000,
    programmer=open_fpga_loader("-b", "colorlight-i5", ftdi=False),
    wiring="colorlight-i5",
    baud=DAPLINK_BAUD,
)
