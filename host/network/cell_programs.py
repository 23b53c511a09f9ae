"""The programs by which an update policy works on the cells of a network (`twinbar.host.update.cell_access`)."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from twinbar.emulator.contract.bulk_operations import WriteResult
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.host.accounted_engine import AccountedEngine
from twinbar.host.network.layer_cost import LayerWrites
from twinbar.host.nn.crossbar_matmul import CrossbarMatmul
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.update.decision import Decision, PulseTrains
from twinbar.host.update.kernels import put_in_order, record_responses

_NO_READ_BACK = np.zeros((0, 0), np.float32)
_NOTHING = LayerWrites()
_NO_ADDRESSES = np.zeros(0, np.int64)
_NO_LEVELS = np.zeros(0, np.uint8)


class CellPrograms:
    """Runs what is asked of cells, and counts what was done in each layer.

    Parameters
    ----------
    session : AccountedEngine
    layers : sequence of MappedLayer
        Those whose cells can be named, with their auxiliary arrays.
    initial : bool
        Whether cells are programmed for the first time, or anew, which has an algorithm of its own; else they are at
        the levels that the layers hold, so that a write may begin with a pulse.

    Attributes
    ----------
    done : dict of str to LayerWrites
        What was done in each layer, its auxiliary arrays included.
    listed : dict of str to int32 [n]
        Cells of each layer, or array, that were asked to be written (`Decision.origins`).
    """

    def __init__(self, session: AccountedEngine, layers: Sequence[MappedLayer], *, initial: bool) -> None:
        self._session = session
        self._initial = initial
        self._arrays: dict[str, CrossbarMatmul] = {}
        self._owner: dict[str, str] = {}
        for layer in layers:
            for array in (layer.matmul, *layer.auxiliary):
                self._arrays[array.map.name] = array
                self._owner[array.map.name] = layer.name
        table = session.engine.config.pulse_table
        # Policies change the levels of the layers while they decide.
        knows = not initial and table is not None and table.knows_moves
        self._held = {name: _levels_of_pairs(array) for name, array in self._arrays.items()} if knows else {}
        self._result: WriteResult | None = None
        self.done = {layer.name: _NOTHING for layer in layers}
        self.listed: dict[str, np.ndarray] = {}

    @property
    def result(self) -> WriteResult:
        """Result of the last closed-loop writes, in the order of the tiles' lists."""
        return WriteResult.of_nothing() if self._result is None else self._result

    def write(self, decisions: Mapping[str, Decision]) -> None:
        """Write cells by closed-loop write-verify, and note in ``cells`` what they answered."""
        self._session.set_ramps(None)
        if not any(len(decision.origins) for decision in decisions.values()) and not self._held:
            # Most steps of small batches write no cell.
            self._result, _ = self._session.write_cells(_NO_ADDRESSES, _NO_LEVELS, initial=self._initial)
            for name, decision in decisions.items():
                if decision.weight_updates:
                    self._note(name, LayerWrites(decision.weight_updates))
            return
        held = [self._held[name][decision.origins] for name, decision in decisions.items() if self._held]
        result, order = self._session.write_cells(
            np.concatenate([decision.addresses for decision in decisions.values()]),
            np.concatenate([decision.levels for decision in decisions.values()]),
            np.concatenate(held) if held else None,
            initial=self._initial,
        )
        self._result = result
        ends = list(itertools.accumulate(len(decision.origins) for decision in decisions.values()))
        codes, ok = np.empty_like(result.codes), np.empty_like(result.ok)
        sums = np.empty((len(ends), 3), np.int64)
        put_in_order(order, result.codes, result.ok, result.sets, result.resets, np.array(ends), codes, ok, sums)
        table = self._session.engine.config.levels
        start = 0
        for (name, decision), stop, answers in zip(decisions.items(), ends, sums.tolist(), strict=True):
            part = slice(start, stop)
            start = stop
            if part.stop > part.start:
                before = self.listed.get(name)
                own = decision.origins
                self.listed[name] = own if before is None else np.concatenate([before, own])
                cells = self._arrays[name].cells
                record_responses(
                    decision.origins,
                    codes[part],
                    ok[part],
                    float(table.centre[0]),
                    table.spacing,
                    cells.positions,
                    cells.plus,
                    cells.minus,
                    _NO_READ_BACK if cells.read_plus is None else cells.read_plus,
                    _NO_READ_BACK if cells.read_minus is None else cells.read_minus,
                    cells.failures,
                )
            if self._held:
                self._held[name] = _levels_of_pairs(self._arrays[name])
            if stop > part.start or decision.weight_updates:
                self._note(name, LayerWrites(decision.weight_updates, len(decision.origins), *answers))

    def pulse(self, trains: Mapping[str, PulseTrains], ramps: WriteRegisters | None = None) -> None:
        """Give pulses without reading (see `CellAccess.pulse`)."""
        addresses = np.concatenate([one.addresses for one in trains.values()])
        if len(addresses):
            self._session.set_ramps(ramps)
            self._session.pulse_cells(addresses, np.concatenate([one.pulses for one in trains.values()]))
        for name, one in trains.items():
            sets, resets = int(one.pulses[one.pulses > 0].sum()), -int(one.pulses[one.pulses < 0].sum())
            self._note(name, LayerWrites(one.weight_updates, 0, 0, sets, resets, len(one)))

    def read(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Read all cells of some layers: their levels (float32 [2, outputs, inputs])."""
        cells = [self._arrays[name].cells for name in names]
        codes = self._session.read_cells(np.concatenate([one.targets()[0] for one in cells]))
        table = self._session.engine.config.levels
        levels = ((codes - table.centre[0]) / table.spacing).astype(np.float32)
        found = {}
        start = 0
        for name, one in zip(names, cells, strict=True):
            shape = 2, *one.plus.shape
            found[name] = levels[start : start + 2 * one.plus.size].reshape(shape)
            start += 2 * one.plus.size
        return found

    def read_inputs(self, name: str, inputs: np.ndarray) -> np.ndarray:
        """Read the weights of some inputs by a multiplication each (see `CellAccess.read_inputs`)."""
        return self._arrays[name].read_inputs(inputs)

    def _note(self, name: str, writes: LayerWrites) -> None:
        owner = self._owner[name]
        if name != owner:
            # What is done to an auxiliary array changes no weight.
            writes = replace(writes, weight_updates=0)
        before = self.done[owner]
        self.done[owner] = writes if before is _NOTHING else before + writes


def _levels_of_pairs(array: CrossbarMatmul) -> np.ndarray:
    """Return the levels of an array's cells by `Decision.origins` (int16)."""
    return np.stack([array.cells.plus, array.cells.minus], axis=-1).astype(np.int16).ravel()
