"""Cells that write down what a policy does with them, in the order in which it does it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twinbar.emulator.crossbar.write_registers import Ramp, WriteRegisters
from twinbar.host.update.decision import Decision, PulseTrains
from twinbar.host.update.nominal_pulse import NominalPulse
from twinbar.host.update.programmed import ProgrammedLayer

LEVELS = 8
STEP = 0.25
"""Weight of one level: a power of two, so that tests may divide by it."""
Cell = tuple[int, int, str]
"""Output, input, and "+" or "-"."""


def nominal(set_levels: float, reset_levels: float, levels: int, symmetry: float = 0.5) -> NominalPulse:
    """Make pulses that move a cell by so many levels."""
    flat = Ramp(2000, 0, 2000)
    ramps = WriteRegisters(flat, flat, flat, flat, limit=100)
    return NominalPulse((set_levels / (levels - 1), reset_levels / (levels - 1)), ramps, symmetry)


class RecordedAccess:
    """A `twinbar.host.update.cell_access.CellAccess` without cells.

    Parameters
    ----------
    arrays : sequence of ProgrammedLayer
    read : dict of str to array, optional
        What reading all cells of an array gives; its levels by default.
    inputs : dict of str to float32 [outputs, inputs], optional
        What its inputs are read as.

    Attributes
    ----------
    events : list of (str, dict of Cell to int)
        "write" with levels, "pulse" with pulses (SET positive; of a cell with several trains, their sum), "read".
    gates : list of int
        Gate code of the SET pulses of each "pulse".
    """

    def __init__(
        self,
        arrays: Sequence[ProgrammedLayer],
        read: dict[str, np.ndarray] | None = None,
        inputs: dict[str, Any] | None = None,
    ) -> None:
        self._arrays = {cells.map.name: cells for cells in arrays}
        self.found = {} if read is None else read
        self._inputs = {} if inputs is None else inputs
        self.events: list[tuple[str, dict[Cell, int]]] = []
        self.gates: list[int] = []
        self.weight_updates = 0

    def _cell(self, name: str, address: int) -> Cell:
        place = self._arrays[name].map
        for j, output in enumerate(place.output_address):
            for i, at in enumerate(place.input_address):
                if address - output - at in (0, 1):
                    return j, i, "+-"[address - output - at]
        raise AssertionError(address)

    def write(self, decisions: Mapping[str, Decision]) -> None:
        found = {}
        for name, decision in decisions.items():
            self.weight_updates += decision.weight_updates
            for address, level in zip(decision.addresses.tolist(), decision.levels.tolist(), strict=True):
                found[self._cell(name, address)] = level
        self.events.append(("write", found))

    def pulse(self, trains: Mapping[str, PulseTrains], ramps: WriteRegisters | None = None) -> None:
        found: dict[Cell, int] = {}
        for name, one in trains.items():
            self.weight_updates += one.weight_updates
            for address, pulses in zip(one.addresses.tolist(), one.pulses.tolist(), strict=True):
                cell = self._cell(name, address)
                found[cell] = found.get(cell, 0) + pulses
        assert ramps is not None
        self.gates.append(ramps.set_gate.start)
        self.events.append(("pulse", found))

    def read(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        self.events.append(("read", {}))
        held = {name: np.stack([cells.plus, cells.minus]) for name, cells in self._arrays.items()}
        return {name: np.asarray(self.found.get(name, held[name]), np.float32) for name in names}

    def read_inputs(self, name: str, inputs: np.ndarray) -> np.ndarray:
        self.events.append(("read inputs", dict.fromkeys(((0, int(i), "+") for i in inputs), 0)))
        return np.asarray(self._inputs[name], np.float32).T[inputs]
