"""The policy `float`: training in software alone, the reference for what a crossbar costs in accuracy."""

from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from twinbar.host.update.policies.siamese import SiameseSettings
from twinbar.host.update.policy import Decision, UpdatePolicy

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


class SoftwareOnly(UpdatePolicy[SiameseSettings]):
    """Write nothing: the network lies on no crossbar."""

    # As in `ClosedLoop`: they serve comparisons.
    settings_model = SiameseSettings
    on_crossbar: ClassVar[bool] = False

    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """List no cells (see `UpdatePolicy.decide`)."""
        return Decision.nothing()


POLICY: Final = SoftwareOnly
