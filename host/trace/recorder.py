"""Records what a controller is told and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from twinbar.emulator.contract.program import Program, ProgramController, ProgramResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.hw.errors import TwinbarError
from twinbar.hw.gateware.controller_config import ControllerConfig

MAPPED_COLUMNS: Final = "mapped_columns"
"""Name, in the state of an engine that is noted, of the columns of each tile that hold weights."""


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
    """A controller whose programs go into sinks (`twinbar.emulator.contract.program.ProgramController`).

    Parameters
    ----------
    inner : ProgramController
        The one that runs them.
    accountant : ProgramController
        Runs them too, and tells the heat of each command; it may be the same controller.
    sinks : sequence of Sink
    """

    def __init__(self, inner: ProgramController, accountant: ProgramController, sinks: Sequence[Sink]) -> None:
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
        """Return the state of the array."""
        return self.inner.cells()

    def load_cells(self, state: dict[str, Any]) -> None:
        """Restore what `cells` gave."""
        for controller in self._controllers:
            controller.load_cells(state)

    @property
    def _controllers(self) -> list[ProgramController]:
        return [self.inner] if self.inner is self._accountant else [self.inner, self._accountant]
