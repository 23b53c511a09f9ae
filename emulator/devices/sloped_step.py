"""What the laws share whose step depends linearly on the weight."""

import numpy as np
from pydantic import model_validator

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.quantity import Fraction, Probability
from twinbar.emulator.devices.response_law import Array, ResponseLaw


class SlopedStep(ResponseLaw):
    """Step that depends linearly on the weight, given at weight zero."""

    set_step: Fraction
    """Mean SET step at ``origin``, in fractions of the window."""
    reset_step: Fraction
    origin: Probability
    """Position of weight zero, ``-w_min / (w_max - w_min)`` in aihwkit."""

    @model_validator(mode="after")
    def _origin_is_inside(self) -> "SlopedStep":
        if not 0 < self.origin.si < 1:
            raise ValueError(f"origin is {self.origin.si:g}; it must lie inside the window, between 0 and 1")
        return self

    def slope(self, polarity: int) -> float:
        """Return the part of the step at weight zero that is missing at the bound that the pulse moves to."""
        raise NotImplementedError

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Return the mean change by one pulse; it does not change direction."""
        origin = self.origin.si
        toward_bound = (position - origin) / (1 - origin) if polarity == SET else (origin - position) / origin
        step = self.set_step.si if polarity == SET else -self.reset_step.si
        return step * np.maximum(1 - self.slope(polarity) * toward_bound, 0)
