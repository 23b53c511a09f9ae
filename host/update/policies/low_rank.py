"""Low-rank accumulation: the gradient is kept as factors of a small rank, and cells are written rarely.

A. Gural, P. Nadeau, M. Tikekar, B. Murmann, Low-rank training of deep neural networks for emerging memory technology
(LRT), arXiv:2009.03887 (2020): outer products of errors and inputs join a sum of fixed rank one after the other, in its
biased or its unbiased form (`twinbar.host.update.low_rank_sum`). After some steps the update is applied to the
quantized weights if it changes enough of them; else it goes on accumulating. Weights are what cells hold: there is no
float copy, and no memory of gradient or optimizer, only the factors.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from pydantic import Field

from twinbar.host.update.decision import Decision
from twinbar.host.update.factored import FactoredSettings, check_plain
from twinbar.host.update.low_rank_sum import LowRankSum
from twinbar.host.update.pair_writes import one_sided, write_pairs
from twinbar.host.update.policy import UpdatePolicy
from twinbar.host.update.random_numbers import draws

if TYPE_CHECKING:
    from twinbar.emulator.crossbar.configuration import CrossbarConfig
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer

_WORD_BITS: Final = 32


class LowRankSettings(FactoredSettings):
    """Settings of `LowRank`."""

    rank: int = Field(default=4, ge=1, le=1024, description="rank of the sum that is kept of each layer's gradient")
    unbiased: bool = Field(
        default=False,
        description="whether the smallest singular values are mixed with random signs, which is right on average, "
        "instead of cut, which loses them",
    )
    flush_every: int = Field(
        default=10, ge=1, le=1_000_000, description="steps from one decision whether the sum is written to the next"
    )
    least_density: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="part of a layer's weights that must change a level; else the sum accumulates on",
    )


class LowRank(UpdatePolicy[LowRankSettings]):
    """Accumulate in factors, and write what changes levels."""

    settings_model = LowRankSettings
    needs_factors: ClassVar[bool] = True
    uses_gradient: ClassVar[bool] = False

    def __init__(self, settings: LowRankSettings | None = None) -> None:
        super().__init__(settings)
        self.sums: dict[str, LowRankSum] = {}
        self._steps = 0
        self._added = 0
        self.seed = 0

    def set_up(self, crossbar: "CrossbarConfig") -> None:
        """Take the seed of the random signs (see `UpdatePolicy.set_up`)."""
        self.seed = int(crossbar.cells.scalars[0].seed) % (1 << 64)

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make room for the factors, and refuse layers that have groups (see `UpdatePolicy.prepare`)."""
        check_plain("low-rank", layers)
        self.sums = {}
        for cells in layers:
            outputs, inputs = cells.plus.shape
            self.sums[cells.map.name] = LowRankSum(outputs, inputs, min(self.settings.rank, outputs, inputs))

    def initialize(self, layers: "Sequence[LayerUpdate]", access: "CellAccess") -> None:
        """Program all cells; the twin is what they hold (see `UpdatePolicy.initialize`)."""
        super().initialize(layers, access)
        for layer in layers:
            layer.weights[:] = layer.cells.weights

    def carry_out(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Accumulate, and write where it is due (see `UpdatePolicy.carry_out`)."""
        self._steps += 1
        for layer in layers:
            self._accumulate(layer)
            # What the optimizer has made of the weights is not used: cells alone hold them.
            layer.weights[:] = layer.cells.weights
        if self._steps % self.settings.flush_every == 0:
            super().carry_out(layers, access, progress)

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """List the pairs whose level the sum changes, if they are enough (see `UpdatePolicy.decide`)."""
        total = self.sums[cells.map.name]
        self.note_traffic(read=total.words * _WORD_BITS)
        plus, minus = one_sided(weights + total.matrix(), cells)
        changed = (plus - minus) != cells.plus.astype(np.int64) - cells.minus
        if not changed.any() or changed.mean() < self.settings.least_density:
            return Decision.nothing()
        total.clear()
        decision = write_pairs(cells, plus, minus, changed)
        weights[:] = cells.weights
        return decision

    def _accumulate(self, layer: "LayerUpdate") -> None:
        """Let the outer products of the step join the sum, example by example."""
        total = self.sums[layer.name]
        for factors in layer.factors:
            each = len(factors.inputs) // factors.examples
            for start in range(0, len(factors.inputs), each):
                part = slice(start, start + each)
                if factors.errors[part].any():
                    signs = self._signs(layer.name, each) if self.settings.unbiased else None
                    total.add(-np.float32(layer.rate) * factors.errors[part], factors.inputs[part], signs)
                    self.note_traffic(total.words * _WORD_BITS, total.words * _WORD_BITS)

    def _signs(self, name: str, count: int) -> np.ndarray:
        """Draw the signs with which so many outer products join."""
        self._added += 1
        drawn = draws(self.seed, self._added, name, (count, self.sums[name].left.shape[1] + 1))
        self.note_traffic(random=drawn.size)
        return np.where(drawn < 0.5, -1.0, 1.0)

    def state_dict(self) -> dict[str, Any]:
        """Return the factors."""
        factors = {name: [total.left.copy(), total.right.copy()] for name, total in self.sums.items()}
        return {"factors": factors, "steps": self._steps, "added": self._added}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.check_state(state)
        for name, total in self.sums.items():
            total.left[:], total.right[:] = state["factors"][name]
        self._steps = int(state["steps"])
        self._added = int(state["added"])


POLICY: Final = LowRank
