"""The step that an exponential of the weight takes from."""

from typing import Final

import numpy as np

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.quantity import Fraction, SignedFraction
from twinbar.emulator.devices.response_law import Array, ResponseLaw


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

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Return the mean change by one pulse."""
        z = self.a.si * (2 * position - 1) + self.b.si
        if polarity == SET:
            return self.set_step.si * np.maximum(1 - self.set_factor.si * np.exp(self.set_rate.si * z), 0)
        return -self.reset_step.si * np.maximum(1 - self.reset_factor.si * np.exp(-self.reset_rate.si * z), 0)


RESPONSE: Final = ExpStep
