"""What a product asks of the tiles of a layer, as the bulk kernels count it."""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.engines.bulk.input_steps import InputSteps
from twinbar.emulator.engines.bulk.multiply_plan import MultiplyPlan


class LayerPass(NamedTuple):
    """A batch of vectors that goes through the tiles of a layer.

    Parameters
    ----------
    plan : MultiplyPlan
        Of the layer.
    steps : InputSteps
    changed : bool [tiles of the layer]
        Whether the register of the ADC range is written.
    range_code : int
        What it holds.
    """

    plan: MultiplyPlan
    steps: InputSteps
    changed: np.ndarray
    range_code: int

    @property
    def batch(self) -> int:
        """Number of vectors."""
        return self.steps.taken.shape[1]

    @property
    def key(self) -> tuple[object, ...]:
        """What the course of the program depends on."""
        taken = self.steps.taken
        return self.plan.key, taken.shape, taken.tobytes(), self.changed.tobytes()
