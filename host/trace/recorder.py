"""Records what a controller is told and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from twinbar.emulator.contract.program import Controller, Program, ProgramResult
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.trace.rows import rows_of
from twinbar.host.trace.store import cut_back, write_part
from twinbar.hw.errors import TwinbarError
from twinbar.hw.gateware.controller_config import ControllerConfig


@dataclass(frozen=True)
class Recorded:
    """A program that was run.

    Parameters
    ----------
    tick : int
    program : Program
    result : ProgramResult
    before : int32 [tiles, cells]
        Conductance of all cells when it began, Q24.
    heat : int64 [commands, len(CellEnergy)]
        Cell energy of each command.
    """

    tick: int
    program: Program
    result: ProgramResult
    before: np.ndarray
    heat: np.ndarray


class Sink(Protocol):
    """Takes the programs of a controller while it is open."""

    is_open: bool

    def add(self, recorded: Recorded) -> None:
        """Take a program."""


class Recorder:
    """A controller whose programs go into sinks (`twinbar.emulator.contract.program.Controller`).

    Parameters
    ----------
    inner : Controller
        The one that runs them.
    accountant : Controller
        Runs them too, and tells the heat of each command; it may be the same controller.
    sinks : sequence of Sink
    """

    def __init__(self, inner: Controller, accountant: Controller, sinks: Sequence[Sink]) -> None:
        self.inner = inner
        self.config: CrossbarConfig = inner.config
        self.controller: ControllerConfig = inner.controller
        self._accountant = accountant
        self._sinks = sinks
        self._tick = 0

    def run(self, program: Program) -> ProgramResult:
        """Run a program to its end.

        Raises
        ------
        TwinbarError
            If the engine and the accountant answer differently.
        """
        before = self.inner.cells()["g"]
        accounted = self._accountant.run(program)
        assert accounted.command_energy is not None
        result: ProgramResult = accounted
        if self.inner is not self._accountant:
            result = self.inner.run(program)
            if not np.array_equal(result.responses, accounted.responses):
                raise TwinbarError(
                    f"{type(self.inner).__name__} answers a program of {len(program.commands)} commands otherwise than "
                    "the fast engine; find the smallest program that shows it with: twinbar verify"
                )
        for sink in self._sinks:
            if sink.is_open:
                sink.add(Recorded(self._tick, program, result, before, accounted.command_energy))
        return result

    def set_tick(self, tick: int) -> None:
        """Set the tick, between programs."""
        self._tick = tick
        for controller in self._controllers:
            controller.set_tick(tick)

    def cells(self) -> dict[str, np.ndarray]:
        """Give the state of the array."""
        return self.inner.cells()

    def load_cells(self, state: dict[str, Any]) -> None:
        """Restore what `cells` gave."""
        for controller in self._controllers:
            controller.load_cells(state)

    @property
    def _controllers(self) -> list[Controller]:
        return [self.inner] if self.inner is self._accountant else [self.inner, self._accountant]


class Trace:
    """A trace that is being written, part by part (a `Sink`).

    Parameters
    ----------
    folder : Path
        ``commands.parquet`` of a run folder.
    crossbar : CrossbarConfig
    config : str
        Resolved configuration of the run, TOML.
    """

    def __init__(self, folder: Path, crossbar: CrossbarConfig, config: str) -> None:
        self.parts = 0
        self.is_open = False
        self._folder = folder
        self._crossbar = crossbar
        self._config = config
        self._state: dict[str, np.ndarray] = {}
        self._tables: list[pa.Table] = []

    def cut_back(self, parts: int) -> None:
        """Go on behind the parts that a checkpoint vouches for; later ones are removed."""
        cut_back(self._folder, parts)
        self.parts = parts

    def begin(self, state: dict[str, Any]) -> None:
        """Begin a part; ``state`` is the engine's state now, with its `MAPPED_COLUMNS`."""
        self._state = {name: np.asarray(value) for name, value in state.items()}
        self._tables = []
        self.is_open = True

    def add(self, recorded: Recorded) -> None:
        """Add a program to the part that is open."""
        units = self._crossbar.cell_energy_unit_j
        joules = recorded.heat @ np.array([units[kind] for kind in CellEnergy])
        tiles, levels = len(recorded.result.phases), self._levels(recorded.before)
        number = len(self._tables)
        self._tables.append(rows_of(number, recorded.tick, recorded.program, recorded.result, tiles, levels, joules))

    def end(self) -> None:
        """Write the part that is open, completely or not at all."""
        if self.is_open:
            write_part(self._folder, self.parts, self._config, self._state, self._tables)
            self.parts += 1
            self.is_open = False

    def _levels(self, g: np.ndarray) -> np.ndarray:
        """Give the level nearest to each conductance (int64 [tiles, rows, columns])."""
        geometry, levels = self._crossbar.geometry, len(self._crossbar.levels)
        low, high = self._crossbar.cells.window
        level = np.rint((g - low) / (high - low) * (levels - 1)).astype(np.int64)
        return np.clip(level, 0, levels - 1).reshape(-1, geometry.rows, geometry.columns)
