"""Two pulses, blind: a SET at the gate voltage of the target, after a RESET where the conductance must fall.

C. Li et al., Efficient and self-adaptive in-situ learning in multilayer memristor neural networks, Nat. Commun. 9, 2385
(2018), and the code of Z. Wang et al., Nat. Mach. Intell. 1, 434 (2019) (memristorCNN, ``backend/xbar_v7.m``): the host
keeps the gate voltage of each cell; an update of the weight changes it in proportion. Cells whose voltage falls are
erased by a RESET, then all cells whose voltage has changed get a SET at their new one. Nothing is read.

The gate voltage is a bias record of the controller, which is locked while a tile is armed. Cells are therefore grouped
by their voltage, of which there are ``gate_steps``; for each that occurs, tiles are disarmed, the record is written,
and they are armed again: those commands are accounted. A cell whose voltage does not move by a step is left alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from pydantic import Field

from twinbar.emulator.crossbar.write_registers import Ramp, WriteRegisters
from twinbar.emulator.devices.layout import CODES, O_GATE_CAP
from twinbar.host.update.decision import Decision, PulseTrains
from twinbar.host.update.nominal_pulse import NominalPulse
from twinbar.host.update.policy import PolicySettings, UpdatePolicy
from twinbar.hw.errors import ConfigError

if TYPE_CHECKING:
    from twinbar.emulator.crossbar.configuration import CrossbarConfig
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer

_STEP_BITS: Final = 8
"""Bits of a gate voltage that the host keeps."""


class TwoPulseSettings(PolicySettings):
    """Settings of `TwoPulse`."""

    gate_steps: int = Field(
        default=32,
        ge=2,
        le=256,
        description="gate voltages that are told apart, from the lowest conductance to the highest",
    )


class TwoPulse(UpdatePolicy[TwoPulseSettings]):
    """Erase where the conductance falls, and set the gate to the target."""

    settings_model = TwoPulseSettings
    gives_pulses: ClassVar[bool] = True

    def set_up(self, crossbar: "CrossbarConfig") -> None:
        """Find the gate code of each step (see `UpdatePolicy.set_up`).

        Raises
        ------
        ConfigError
            If the gate does not limit the conductance of the cells.
        """
        caps = crossbar.cells.tables[O_GATE_CAP : O_GATE_CAP + CODES]
        low, high = crossbar.cells.window
        if not (caps[0] < high <= caps[-1]):
            raise ConfigError(
                "policy two-pulse sets a cell by its gate voltage, but no gate voltage limits the conductance of these "
                "cells (the preset has no [gate]); take a device that has one, such as umass-hfo2, or another policy"
            )
        wanted = low + np.arange(self.settings.gate_steps) / (self.settings.gate_steps - 1) * (high - low)
        self.gates = np.searchsorted(caps, wanted)
        self._ramps = NominalPulse.of(crossbar).ramps

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make room for the gate step of each cell (see `UpdatePolicy.prepare`)."""
        self._steps = {cells.map.name: np.zeros((2, *cells.plus.shape), np.uint8) for cells in layers}

    def initialize(self, layers: "Sequence[LayerUpdate]", access: "CellAccess") -> None:
        """Erase all cells, and set them to the weights (see `UpdatePolicy.initialize`)."""
        for layer in layers:
            # Steps above all others: every cell falls.
            self._steps[layer.name][:] = self.settings.gate_steps - 1
        self._give(
            layers, access, [(self._steps[layer.name], self._wanted(layer)) for layer in layers], everything=True
        )

    def carry_out(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Give the RESET pulses, then the SET pulses of each gate voltage (see `UpdatePolicy.carry_out`)."""
        self._give(layers, access, [(self._steps[layer.name], self._wanted(layer)) for layer in layers])

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """Write nothing in closed loop; `carry_out` gives the pulses."""
        return Decision.nothing()

    def _wanted(self, layer: "LayerUpdate") -> np.ndarray:
        """Bound the weights, and return their gate steps (uint8 [2, outputs, inputs])."""
        top = np.float32((layer.cells.levels - 1) * layer.cells.weight_per_level)
        np.clip(layer.weights, -top, top, out=layer.weights)
        part = np.floor(layer.weights / top * (self.settings.gate_steps - 1) + np.float32(0.5))
        return np.stack([np.maximum(part, 0), np.maximum(-part, 0)]).astype(np.uint8)

    def _give(
        self,
        layers: "Sequence[LayerUpdate]",
        access: "CellAccess",
        moves: Sequence[tuple[np.ndarray, np.ndarray]],
        *,
        everything: bool = False,
    ) -> None:
        """Erase cells whose step falls, set those whose step has changed, and note their new steps.

        ``everything`` treats all cells as changed ones that fall.
        """
        changed = [np.ones(old.shape, np.bool_) if everything else old != new for old, new in moves]
        erased = {}
        for layer, (old, new), moved in zip(layers, moves, changed, strict=True):
            falls = moved if everything else new < old
            erased[layer.name] = _pulses(layer, falls, -1, int(np.count_nonzero(moved.any(axis=0))))
        access.pulse(erased, self._ramps)
        found = [np.unique(new[moved]) for (_, new), moved in zip(moves, changed, strict=True)]
        for step in np.unique(np.concatenate(found)).tolist():
            # The lowest conductance is that of an erased cell.
            if step:
                trains = {
                    layer.name: _pulses(layer, moved & (new == step), 1, 0)
                    for layer, (_, new), moved in zip(layers, moves, changed, strict=True)
                }
                access.pulse(trains, self._at(step))
        for layer, (old, new), moved in zip(layers, moves, changed, strict=True):
            bits = int(np.count_nonzero(moved)) * _STEP_BITS
            self.note_traffic(old.size * _STEP_BITS, bits)
            old[:] = new
            levels = np.floor(new * ((layer.cells.levels - 1) / (self.settings.gate_steps - 1)) + 0.5)
            layer.cells.plus[:], layer.cells.minus[:] = levels

    def _at(self, step: int) -> WriteRegisters:
        """Return the ramps whose SET has the gate voltage of a step."""
        code = int(self.gates[step])
        return replace(self._ramps, set_gate=Ramp(code, 0, code))

    def state_dict(self) -> dict[str, Any]:
        """Return the gate steps of all cells."""
        return {"steps": {name: steps.copy() for name, steps in self._steps.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.check_state(state)
        for name, steps in self._steps.items():
            steps[:] = state["steps"][name]


def _pulses(layer: "LayerUpdate", chosen: np.ndarray, pulses: int, weight_updates: int) -> PulseTrains:
    """Pulse the chosen cells of a layer (bool [2, outputs, inputs])."""
    side, j, i = np.nonzero(chosen)
    place = layer.cells.map
    addresses = place.output_address[j] + place.input_address[i] + side
    return PulseTrains(addresses, np.full(len(addresses), pulses, np.int64), weight_updates)


POLICY: Final = TwoPulse
