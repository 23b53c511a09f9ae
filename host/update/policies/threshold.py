"""Threshold training: only updates above a part of the largest one are made, and written in closed loop.

L. Xia, M. Liu, X. Ning, K. Chakrabarty, Y. Wang, Fault-tolerant training with on-line fault detection for RRAM-based
neural computing systems, DAC 2017 (and TCAD 2019): updates below the threshold are taken as zero, and lost. The
threshold of 1 % of the largest update is general knowledge, not checked. Weights are analog: targets are as fine as of
`closed-loop-analog`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from pydantic import Field

from twinbar.emulator.crossbar.levels import Targets
from twinbar.host.update.decision import Decision
from twinbar.host.update.pair_writes import one_sided, write_pairs
from twinbar.host.update.policy import PolicySettings, UpdatePolicy

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer


class ThresholdSettings(PolicySettings):
    """Settings of `Threshold`."""

    relative_threshold: float = Field(
        default=0.01, ge=0, le=1, description="part of the largest update of a layer below which an update is dropped"
    )


class Threshold(UpdatePolicy[ThresholdSettings]):
    """Drop small updates, and write the pairs of the others."""

    settings_model = ThresholdSettings
    targets: ClassVar[Targets] = Targets(levels=256, tolerance=0.5)

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make room for the weights before an update (see `UpdatePolicy.prepare`)."""
        self._before = {cells.map.name: np.zeros(cells.plus.shape, np.float32) for cells in layers}

    def initialize(self, layers: "Sequence[LayerUpdate]", access: "CellAccess") -> None:
        """Program all cells (see `UpdatePolicy.initialize`)."""
        super().initialize(layers, access)
        for layer in layers:
            self._before[layer.name][:] = layer.weights

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """List both cells of each pair whose update is kept (see `UpdatePolicy.decide`)."""
        before = self._before[cells.map.name]
        limit = np.float32((cells.levels - 1) * cells.weight_per_level)
        np.clip(weights, -limit, limit, out=weights)
        update = np.abs(weights - before)
        kept = (update > 0) & (update >= self.settings.relative_threshold * update.max(initial=0))
        weights[~kept] = before[~kept]
        before[:] = weights
        return write_pairs(cells, *one_sided(weights, cells), kept)

    def state_dict(self) -> dict[str, Any]:
        """Return the weights before the next update."""
        return {"before": {name: weights.copy() for name, weights in self._before.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.check_state(state)
        for name, weights in self._before.items():
            weights[:] = state["before"][name]


POLICY: Final = Threshold
