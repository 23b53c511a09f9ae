"""What Twinbar must know of an FPGA board beyond what its platform in amaranth-boards says."""

import importlib
from dataclasses import dataclass
from typing import Any, Final

DEFAULT_BAUD: Final = 2_000_000


@dataclass(frozen=True)
class Programmer:
    """A program that writes a bitstream to a board.

    Parameters
    ----------
    command : tuple of str
        With ``{}`` where the path of the bitstream goes.
    install : str
        How to get it.
    """

    command: tuple[str, ...]
    install: str


ICEPROG = Programmer(("iceprog", "{}"), "apt install fpga-icestorm")
ICESPROG = Programmer(("icesprog", "{}"), "build it from the repository wuxx/icesugar, folder tools")


def open_fpga_loader(*options: str) -> Programmer:
    """Give openFPGALoader with the options of a board."""
    return Programmer(("openFPGALoader", *options, "{}"), "apt install openfpgaloader")


@dataclass(frozen=True)
class Board:
    """An FPGA board.

    Parameters
    ----------
    name : str
        As users write it.
    title : str
        Name of the product.
    platform : str
        ``module:class`` of its Amaranth platform.
    clock_hz : int
        Clock of the controller. Where it is not the board's own, a PLL makes it.
    programmer : Programmer
    baud : int
        Rate of its UART, where nothing else is asked for: one that its USB adapter and its clock both make.
    wiring : str
        Name of the wiring file that its builds take where no other is asked for.
    buffer_bytes : int
        Of the link, in each direction.
    notes : str
        What a user should know: which connector, which jumper.
    """

    name: str
    title: str
    platform: str
    clock_hz: int
    programmer: Programmer
    wiring: str
    baud: int = DEFAULT_BAUD
    buffer_bytes: int = 2048
    notes: str = ""

    def make_platform(self) -> Any:
        """Make its Amaranth platform."""
        module, _, name = self.platform.partition(":")
        return getattr(importlib.import_module(module), name)()
