"""The basic closed-loop update: every cell is driven to its level at every step.

This is the yardstick of the field: program-and-verify of every weight after every iteration (for instance
``bp_update_pulse`` of the STELLAR code, Zhang et al., Science 2023).
"""

from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from twinbar.host.update.decision import Decision
from twinbar.host.update.every_cell import every_cell
from twinbar.host.update.policies.siamese import SiameseSettings
from twinbar.host.update.policy import UpdatePolicy

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


class ClosedLoop(UpdatePolicy[SiameseSettings]):
    """Write every cell of every layer at every step; a cell already in its window costs one read."""

    # None of them changes a decision; with them, one section ``[policy]`` serves the runs of a comparison with siamese.
    settings_model = SiameseSettings
    writes_all: ClassVar[bool] = True
    any_spacing: ClassVar[bool] = True

    @property
    def twin_distance(self) -> float:
        """Half a level, as every cell is written (see `UpdatePolicy.twin_distance`)."""
        return 0.5

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """List all cells (see `UpdatePolicy.decide`)."""
        return every_cell(weights, cells)


POLICY: Final = ClosedLoop
