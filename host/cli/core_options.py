"""The core that ``board build`` puts on an FPGA and ``board virtual`` runs: the options that say what it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from twinbar.boards.board_definition import BoardDefinition
    from twinbar.boards.wiring import Wiring
    from twinbar.emulator.crossbar.configuration import CrossbarConfig
    from twinbar.hw.gateware.board_core import CoreConfig

BoardName = Annotated[
    str, typer.Argument(metavar="BOARD", help="A board of `twinbar board list`, or package.module:NAME.")
]
WiringName = Annotated[
    str | None,
    typer.Option("--wiring", metavar="NAME|FILE.toml", help="Where the front end is. [default: that of the board]"),
]
Size = Annotated[int | None, typer.Option(metavar="N", help="Instead of what the wiring file says.")]
BuiltBaud = Annotated[int | None, typer.Option(metavar="N", help="Baud rate. [default: that of the board]")]
LinkBuffer = Annotated[
    int | None,
    typer.Option(metavar="BYTES", help="Buffer of the link in each direction. [default: that of the board]"),
]
Linger = Annotated[
    float | None,
    typer.Option(metavar="MS", help="Time after which the link sends what is ready. [default: 1]"),
]


@dataclass(frozen=True)
class CoreRequest:
    """What a user asked for.

    Parameters
    ----------
    board : BoardDefinition
    wiring : str, optional
        Name or file, instead of the board's.
    baud : int, optional
        Instead of the board's.
    sizes : dict of str to int
        Parameters of the controller, instead of what the wiring says; those that are None are left as they are.
    file : Path, optional
        A run whose cells they are.
    settings : sequence of str
        ``section.key=value`` of that run.
    asked : sequence of (option, key, text)
        Options that stand for a key of it.
    buffer_bytes : int, optional
        Of the link, in each direction, instead of the board's.
    linger_ms : float, optional
        Instead of the link's.
    """

    board: "BoardDefinition"
    wiring: str | None
    baud: int | None
    sizes: dict[str, int | None]
    file: Path | None
    settings: Sequence[str]
    asked: Sequence[tuple[str, str, str]] = ()
    buffer_bytes: int | None = None
    linger_ms: float | None = None

    def wired(self) -> tuple["CoreConfig", "Wiring"]:
        """Return a core whose front end has pins, and where they are.

        Raises
        ------
        ConfigError
            If there is no such core.
        """
        from twinbar.boards.core_of_board import core_of
        from twinbar.boards.wiring import find_wiring
        from twinbar.host.cli.parameter_options import naming_options

        wiring = find_wiring(self.wiring or self.board.wiring)
        with naming_options():
            return core_of(self.board, wiring, self.baud, **self._link(), **self.sizes), wiring

    def array_behind(self, core: "CoreConfig") -> "CrossbarConfig":
        """Return the array of the run, in the geometry of a core with pins.

        Raises
        ------
        ConfigError
            If there is no such array.
        """
        from twinbar.host.virtual.virtual_array import array_of

        return array_of(core, self.file, self._changes(self.asked))

    def emulated(self) -> "CoreConfig":
        """Return a core that emulates its array.

        Raises
        ------
        ConfigError
            If there is no such core, or it has not what was asked for.
        """
        from twinbar.host.board.emulated_board import emulated_core, emulated_run
        from twinbar.hw.errors import ConfigError

        if self.wiring is not None:
            raise ConfigError("an emulated array has no wires; leave out --wiring, or --array emulated")
        if self.sizes["dac_bits"] is not None:
            raise ConfigError("the lines of an emulated array have the bits of the emulator; leave out --dac-bits")
        given = {name: size for name, size in self.sizes.items() if size is not None}
        sizes = [(f"--{name.replace('_', '-')}", f"array.{name}", str(size)) for name, size in given.items()]
        run = emulated_run(self.board, self.file, self._changes([*self.asked, *sizes]))
        return emulated_core(self.board, run, baud=self.baud, **self._link())

    def _link(self) -> dict[str, Any]:
        return {
            "buffer_bytes": self.buffer_bytes,
            "linger_s": None if self.linger_ms is None else self.linger_ms * 1e-3,
        }

    def _changes(self, asked: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
        from twinbar.host.cli.options import read_settings
        from twinbar.host.experiment.config import ExperimentConfig

        return read_settings(ExperimentConfig, asked, self.settings)
