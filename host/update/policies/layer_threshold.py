"""Layer-wise threshold with gradient accumulation, open loop: updates below a layer's threshold wait and add up.

The scheme LW+GA (A novel high performance in-situ training scheme for open-loop tuning of memristor neural networks,
Expert Systems with Applications, 2025) and its kin DTGA (dynamic threshold and gradient accumulation, Applied
Intelligence 2025, doi 10.1007/s10489-024-06091-9), of which only the abstracts were at hand: updates that do not reach
the threshold add up until they do, and pulses are given without verify. The formula of the threshold is ours: a part of
the largest update of the layer in this step (the form of Xia et al., DAC 2017, layer by layer), and at least half a
pulse, which rounds to one.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import Field

from twinbar.host.update.accumulator import Accumulator
from twinbar.host.update.blind_policy import BlindPolicy, BlindSettings
from twinbar.host.update.blind_pulses import nearest
from twinbar.host.update.decision import PulseTrains

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer


class LayerThresholdSettings(BlindSettings):
    """Settings of `LayerThreshold`."""

    relative_threshold: float = Field(
        default=0.5,
        ge=0,
        description="threshold of a layer, as a part of its largest update in the step; at least half a pulse",
    )


class LayerThreshold(BlindPolicy[LayerThresholdSettings]):
    """Give pulses to weights whose accumulated update has reached the threshold of their layer."""

    settings_model = LayerThresholdSettings

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make room for updates that wait (see `UpdatePolicy.prepare`)."""
        super().prepare(layers)
        self.waiting = Accumulator.of(layers)

    def trains(self, layer: "LayerUpdate", progress: float) -> PulseTrains:
        """Accumulate, and give what has reached the threshold (see `BlindPolicy.trains`)."""
        wanted = self.wanted(layer)
        threshold = self.settings.relative_threshold * float(np.abs(wanted).max(initial=0))
        total = self.waiting.add(layer.name, wanted)
        due = np.where(np.abs(total) >= threshold, total, np.float32(0))
        trains, moved = self.layers[layer.name].move(due, nearest)
        self.waiting.take(layer.name, moved)
        self.note_traffic(*self.waiting.traffic(layer.name))
        return trains

    def state_dict(self) -> dict[str, Any]:
        """Return the updates that wait, beside what is believed of the cells."""
        return {**super().state_dict(), "waiting": self.waiting.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        super().load_state_dict(state)
        self.waiting.load_state_dict(state["waiting"])


POLICY: Final = LayerThreshold
