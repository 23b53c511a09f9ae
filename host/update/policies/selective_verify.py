"""Selective write-verify: of the weights to be written only the sensitive ones are verified; others get blind pulses.

Z. Yan, X. S. Hu, Y. Shi, SWIM: Selective write-verify for computing-in-memory neural accelerators, DAC 2022
(arXiv:2202.08395), and U-SWIM (arXiv:2401.05357): weights are ranked by the second derivative of the loss, and only the
first part of them is write-verified. SWIM maps a trained network once; here the rule is applied to the writes of a
training, which are those of `siamese`. The second derivative is that of the Gauss-Newton form, the mean over examples
of (input x error)^2, in place of SWIM's backward pass of second derivatives. Blind writes are round(dG / step) pulses.
Before a sensitivity is known, in the first programming, all cells are verified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from pydantic import Field

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.host.update.blind_pulses import nearest
from twinbar.host.update.decision import Decision, PulseTrains
from twinbar.host.update.factored import FactoredSettings, check_plain
from twinbar.host.update.nominal_pulse import NominalPulse
from twinbar.host.update.policies.siamese import Siamese, SiameseSettings

if TYPE_CHECKING:
    from twinbar.emulator.crossbar.configuration import CrossbarConfig
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer

_WORD_BITS: Final = 32


class SelectiveVerifySettings(SiameseSettings, FactoredSettings):
    """Settings of `SelectiveVerify`."""

    verified: float = Field(
        default=0.1, ge=0, le=1, description="part of all weights, the most sensitive ones, whose writes are verified"
    )
    memory: float = Field(
        default=0.99,
        ge=0,
        lt=1,
        description="part of the mean sensitivity that is kept from one step to the next",
    )


class SelectiveVerify(Siamese):
    """Decide as `siamese` does, and verify the writes of sensitive weights only."""

    settings_model = SelectiveVerifySettings
    settings: SelectiveVerifySettings
    changes_what_it_lists = False
    gives_pulses: ClassVar[bool] = True
    needs_factors: ClassVar[bool] = True

    def set_up(self, crossbar: "CrossbarConfig") -> None:
        """Take the step of a nominal pulse (see `UpdatePolicy.set_up`)."""
        super().set_up(crossbar)
        self.pulse = NominalPulse.of(crossbar)

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make room for sensitivities, and refuse layers that have groups (see `UpdatePolicy.prepare`)."""
        check_plain("selective-verify", layers)
        super().prepare(layers)
        self.sensitivity = {cells.map.name: np.zeros(cells.plus.shape, np.float32) for cells in layers}

    def carry_out(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Give blind pulses to the insensitive weights, and write the others (see `UpdatePolicy.carry_out`)."""
        for layer in layers:
            self._learn(layer)
        everything = np.concatenate([self.sensitivity[layer.name].ravel() for layer in layers])
        first = round(self.settings.verified * everything.size)
        least = np.inf if first == 0 else np.partition(everything, everything.size - first)[everything.size - first]
        blind, verified = {}, {}
        for layer in layers:
            before = np.stack([layer.cells.plus, layer.cells.minus]).astype(np.int64)
            decision = self.decide(layer.weights, layer.cells, progress)
            sensitive = self.sensitivity[layer.name].ravel()[decision.origins // 2] >= least
            blind[layer.name] = self._pulses(layer, decision, ~sensitive, before)
            verified[layer.name] = replace(
                decision,
                addresses=decision.addresses[sensitive],
                levels=decision.levels[sensitive],
                origins=decision.origins[sensitive],
            )
        access.pulse(blind, self.pulse.ramps)
        access.write(verified)

    def _learn(self, layer: "LayerUpdate") -> None:
        """Let the sensitivity follow the squares of this step's gradients."""
        found = self.sensitivity[layer.name]
        found *= np.float32(self.settings.memory)
        for factors in layer.factors:
            found += np.float32(1 - self.settings.memory) * (np.square(factors.errors).T @ np.square(factors.inputs))
        self.note_traffic(found.size * _WORD_BITS, found.size * _WORD_BITS)

    def _pulses(self, layer: "LayerUpdate", decision: Decision, chosen: np.ndarray, before: np.ndarray) -> PulseTrains:
        """Return the pulses for the chosen entries of a decision; the decision itself counts their weights."""
        origins = decision.origins[chosen]
        positions = layer.cells.positions.astype(np.float64)
        change = positions[decision.levels[chosen]] - positions[before.reshape(2, -1)[origins % 2, origins // 2]]
        step = np.array(self.pulse.steps)[np.where(change > 0, SET, RESET)] * (layer.cells.levels - 1)
        pulses = (np.sign(change) * nearest(np.abs(change) / step)).astype(np.int64)
        given = pulses != 0
        return PulseTrains(decision.addresses[chosen][given], pulses[given], 0)

    def state_dict(self) -> dict[str, Any]:
        """Return the sensitivities, and what `Siamese` remembers."""
        return super().state_dict() | {
            "sensitivity": {name: values.copy() for name, values in self.sensitivity.items()}
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        super().load_state_dict(state)
        for name, values in self.sensitivity.items():
            values[:] = state["sensitivity"][name]


POLICY: Final = SelectiveVerify
