"""The step that an exponential of the weight takes from."""

from typing import Final

import numpy as np
from pydantic import model_validator

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.quantity import Fraction, SignedFraction
from twinbar.emulator.devices.response_law import Array, ResponseLaw

MOST_EXPONENT: Final = 600.0
"""Exponentials of more than about 700 leave the range of floats; factors come on top."""


class ExpStep(ResponseLaw):
    """Step ``max(1 - factor * exp(rate * z), 0)`` with ``z = a (2 p - 1) + b`` for SET and ``-z`` for RESET.

    This is aihwkit's ``ExpStepDevice`` (rpu_expstep_device.cpp), whose window is symmetric around weight zero.
    """

    set_step: Fraction
    """Step where the exponential vanishes, in fractions of the window."""
    reset_step: Fraction
    a: SignedFraction
    b: SignedFraction
    set_factor: SignedFraction
    """aihwkit's ``A_up`` and ``A_down``."""
    reset_factor: SignedFraction
    set_rate: SignedFraction
    """aihwkit's ``gamma_up`` and ``gamma_down``."""
    reset_rate: SignedFraction

    @model_validator(mode="after")
    def _exponential_is_finite(self) -> "ExpStep":
        furthest = max(abs(self.b.si + self.a.si), abs(self.b.si - self.a.si))
        for name, rate in (("set_rate", self.set_rate), ("reset_rate", self.reset_rate)):
            exponent = abs(rate.si) * furthest
            if exponent > MOST_EXPONENT:
                raise ValueError(
                    f"{name} is {rate}, a is {self.a} and b is {self.b}: the step has exp({exponent:.3g}) at a bound, "
                    f"and at most exp({MOST_EXPONENT:g}) can be computed; give a smaller rate, a or b"
                )
        return self

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Return the mean change by one pulse."""
        z = self.a.si * (2 * position - 1) + self.b.si
        if polarity == SET:
            return self.set_step.si * np.maximum(1 - self.set_factor.si * np.exp(self.set_rate.si * z), 0)
        return -self.reset_step.si * np.maximum(1 - self.reset_factor.si * np.exp(-self.reset_rate.si * z), 0)


RESPONSE: Final = ExpStep
