"""Sipeed Tang Nano 9K: GW1NR-9C, UART and programming through its BL702.

The platform of amaranth-boards has no connectors, and Amaranth's build script calls a nextpnr that is no more. Headers
and voltages of pins: litex_boards/platforms/sipeed_tang_nano_9k.py of LiteX-Boards, after Sipeed's schematic; what lies
in the bank of 1.8 V (LEDs, buttons, pins 79 to 86 of J7) has no place on a connector here.
"""

from typing import Any, ClassVar

from amaranth.build import Attrs, Connector
from amaranth_boards.resources import ButtonResources, LEDResources
from amaranth_boards.tang_nano_9k import TangNano9kPlatform as _TangNano9kPlatform

from twinbar.boards.bitstream_programmer import open_fpga_loader
from twinbar.boards.board_definition import BoardDefinition

_CLOCK_HZ = 27_000_000
_LVCMOS18 = Attrs(IO_TYPE="LVCMOS18")
_PLACE_AND_ROUTE = r"""
{{invoke_tool("nextpnr-himbaechel-gowin")}}
    {{quiet("--quiet")}}
    {{get_override("nextpnr_opts")|options}}
    --log {{name}}.tim
    --device {{platform.part}}
    --vopt family={{platform._chipdb_device}}
    --vopt cst={{name}}.cst
    --freq {{platform.clock_mhz}}
    --json {{name}}.syn.json
    --write {{name}}.pnr.json
"""


class TangNano9kPlatform(_TangNano9kPlatform):
    """Amaranth platform of the board, whose script calls nextpnr-himbaechel."""

    device = "GW1NR-9C"
    clock_mhz = _CLOCK_HZ / 1e6
    _apicula_required_tools: ClassVar[list[str]] = ["yosys", "nextpnr-himbaechel-gowin", "gowin_pack"]
    resources: ClassVar[list[Any]] = [
        *(found for found in _TangNano9kPlatform.resources if found.name not in ("button", "led")),
        *ButtonResources(pins="3 4", invert=True, attrs=_LVCMOS18),
        *LEDResources(pins="10 11 13 14 15 16", invert=True, attrs=_LVCMOS18),
    ]
    connectors: ClassVar[list[Any]] = [
        Connector("j", 6, "38 37 36 39 25 26 27 28 29 30 33 34 40 35 41 42 51 53 54 55 56 57 68 69"),
        Connector("j", 7, "63 - - - - - - - - 77 76 75 74 73 72 71 70 - 48 49 31 32 - -"),
    ]

    @property
    def command_templates(self) -> list[str]:
        """Commands of a build: Yosys, place and route, and the packer."""
        synthesis, _, pack = self._apicula_command_templates
        return [synthesis, _PLACE_AND_ROUTE, pack]


BOARD = BoardDefinition(
    name="tang-nano-9k",
    title="Sipeed Tang Nano 9K",
    platform="twinbar.boards.tang_nano_9k:TangNano9kPlatform",
    clock_hz=_CLOCK_HZ,
    programmer=open_fpga_loader("-b", "tangnano9k", ftdi=False),
    wiring="tang-nano-9k",
    # The firmware of the BL702 names no limit; 1,000,000 and 3,000,000 are what the clock makes exactly.
    baud=115_200,
    notes="the headers are no Pmods; the first button is the emergency stop",
)
