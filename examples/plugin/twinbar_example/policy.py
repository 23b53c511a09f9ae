"""The update policy `smoothed`: a weight is written once it has wanted another level for some time.

The distance of the twin from what a pair holds is averaged exponentially over the decisions, as momentum averages
gradients. A weight that oscillates about the boundary of two levels averages out and costs no pulse.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from twinbar.host.update.policy import Decision, PolicySettings, UpdatePolicy

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


class SmoothedSettings(PolicySettings):
    """What can be set of `Smoothed`: keys of the section ``[policy]``."""

    momentum: float = Field(
        default=0.5, ge=0, lt=1, description="part of the averaged distance that is kept from one decision to the next"
    )
    distance: float = Field(
        default=0.5, gt=0, description="averaged distance, in level spacings, from which a weight is written"
    )


class Smoothed(UpdatePolicy[SmoothedSettings]):
    """Write a pair once its averaged distance from the twin has reached ``distance`` levels."""

    settings_model = SmoothedSettings

    def __init__(self, settings: SmoothedSettings | None = None) -> None:
        super().__init__(settings)
        self._averages: dict[str, np.ndarray] = {}

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Make an average of zero for every weight."""
        self._averages = {cells.map.name: np.zeros(cells.plus.shape, np.float32) for cells in layers}

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """List the cells whose level must change (see `UpdatePolicy.decide`)."""
        # Numba takes a second to import, and whoever only asks for the settings should not wait for it.
        from twinbar.host.update.kernels import GIVE_UP_AFTER

        top = cells.levels - 1
        limit = np.float32(top * cells.weight_per_level)
        np.clip(weights, -limit, limit, out=weights)
        wanted = weights / np.float32(cells.weight_per_level)
        average = self._averages[cells.map.name]
        average *= np.float32(self.settings.momentum)
        average += np.float32(1 - self.settings.momentum) * (wanted - (cells.plus.astype(np.float32) - cells.minus))
        target = np.floor(wanted + np.float32(0.5)).astype(np.int64)
        gives_in = (cells.failures < GIVE_UP_AFTER).all(axis=0)
        due = gives_in & (np.abs(average) >= self.settings.distance)
        average[due] = 0
        plus = np.where(due, np.maximum(target, 0), cells.plus).astype(np.uint8)
        minus = np.where(due, np.maximum(-target, 0), cells.minus).astype(np.uint8)
        written = np.stack([plus != cells.plus, minus != cells.minus], axis=-1)
        levels = np.stack([plus, minus], axis=-1)
        address = cells.map.output_address[:, None] + cells.map.input_address[None, :]
        addresses = np.stack([address, address + 1], axis=-1)
        cells.plus[:], cells.minus[:] = plus, minus
        return Decision(
            addresses[written],
            levels[written],
            np.flatnonzero(written).astype(np.int32),  # 2 * weight + side
            int(written.any(axis=-1).sum()),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the averages of every layer."""
        return {"averages": {name: average.copy() for name, average in self._averages.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the averages.

        Raises
        ------
        ConfigError
            If the checkpoint has none, or those of other layers.
        """
        self.check_state(state)
        for name, average in state["averages"].items():
            self._averages[name][:] = average
