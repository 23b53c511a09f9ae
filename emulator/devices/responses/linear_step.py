"""The step with a slope of its own for each polarity."""

from typing import Final

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.quantity import NonNegativeFraction
from twinbar.emulator.devices.sloped_step import SlopedStep


class LinearStep(SlopedStep):
    """Step with a slope of its own for each polarity (aihwkit ``LinearStepDevice``); zero slope is a constant step."""

    set_slope: NonNegativeFraction
    """aihwkit's ``gamma_up``: the part of the step at weight zero that is missing at the upper bound."""
    reset_slope: NonNegativeFraction

    def slope(self, polarity: int) -> float:
        """Return the slope of a polarity."""
        return self.set_slope.si if polarity == SET else self.reset_slope.si


RESPONSE: Final = LinearStep
