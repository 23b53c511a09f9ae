"""What a product asks of the tiles of a layer, as the bulk kernels count it."""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.contract.sent_inputs import SentInputs
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
    sent : SentInputs, optional
        What goes to the tiles; nothing is left out without it.
    """

    plan: MultiplyPlan
    steps: InputSteps
    changed: np.ndarray
    range_code: int
    sent: SentInputs | None = None

    @property
    def batch(self) -> int:
        """Number of vectors."""
        return self.steps.taken.shape[1]

    @property
    def key(self) -> tuple[object, ...]:
        """What the course of the program depends on."""
        taken = self.steps.taken
        key = self.plan.key, taken.shape, taken.tobytes(), self.changed.tobytes()
        return key if self.sent is None else (*key, self.sent.loads.tobytes())

    @property
    def loads(self) -> np.ndarray:
        """Words that go to the row registers of each row tile (int64 [row tiles, batch])."""
        return np.repeat(self.plan.words[:, None], self.batch, axis=1) if self.sent is None else self.sent.loads

    @property
    def takes_part(self) -> np.ndarray:
        """Which row tiles multiply (bool [row tiles, batch])."""
        return np.ones(self.steps.taken.shape, np.bool_) if self.sent is None else self.sent.takes_part
