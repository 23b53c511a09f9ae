"""Programs that write a bitstream to a board, and how to call them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from twinbar.hw.errors import ConfigError

Memory = Literal["flash", "sram"]
"""Where a bitstream is kept: in the board's flash memory, or in the FPGA itself until it loses power."""


@dataclass(frozen=True)
class Programmer:
    """A program that writes a bitstream to a board.

    Parameters
    ----------
    command : tuple of str
        Program and options that it always takes.
    install : str
        How to get it.
    memories : mapping of Memory to tuple of str
        Options by the memory that is to be written; the first memory is the one that is written unless another is
        asked for.
    serial : tuple of str
        Options that choose among boards by serial number, which takes the place of ``{}``; without any, it cannot.
    """

    command: tuple[str, ...]
    install: str
    memories: Mapping[Memory, tuple[str, ...]] = field(default_factory=lambda: {"flash": ()})
    serial: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """Name of the program."""
        return self.command[0]

    @property
    def usual(self) -> Memory:
        """The memory that is written unless another is asked for."""
        return next(iter(self.memories))

    def arguments(self, bitstream: Path, memory: Memory, serial: str | None, options: tuple[str, ...]) -> list[str]:
        """Return the arguments of a call.

        Parameters
        ----------
        bitstream : Path
        memory : {"flash", "sram"}
        serial : str, optional
            Of the board's USB adapter.
        options : tuple of str
            Further ones, as the program takes them.

        Raises
        ------
        ConfigError
            If it cannot write this memory, or cannot choose among boards.
        """
        if memory not in self.memories:
            others = " or ".join(self.memories)
            raise ConfigError(f"{self.program} cannot write this board's {memory}; choose --memory {others}")
        if serial is not None and not self.serial:
            raise ConfigError(
                f"{self.program} cannot choose a board by its serial number; disconnect the others, or give its own "
                "option with --option"
            )
        chosen = [option.replace("{}", serial) for option in self.serial] if serial is not None else []
        return [*self.command[1:], *self.memories[memory], *chosen, *options, str(bitstream)]


# iceprog -h: -d selects a USB device as libftdi writes it, here the FT2232H by its serial number.
_ICEPROG_SERIAL = ("-d", "s:0x0403:0x6010:{}")
ICEPROG = Programmer(("iceprog",), "apt install fpga-icestorm", {"flash": ()}, _ICEPROG_SERIAL)
ICEPROG_WITH_SRAM = Programmer(
    ("iceprog",), "apt install fpga-icestorm", {"flash": (), "sram": ("-S",)}, _ICEPROG_SERIAL
)
ICESPROG = Programmer(("icesprog",), "build it from the repository wuxx/icesugar, folder tools")


def open_fpga_loader(*options: str, ftdi: bool = True) -> Programmer:
    """Return openFPGALoader with the options of a board, whose adapter is a chip of FTDI or not."""
    return Programmer(
        ("openFPGALoader", *options),
        "apt install openfpgaloader",
        {"flash": ("-f",), "sram": ("-m",)},
        ("--ftdi-serial", "{}") if ftdi else (),
    )
