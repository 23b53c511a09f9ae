"""The response law `power-step`: soft bounds with an exponent.

A pulse moves a cell by a share of what is left to the bound, raised to a power: ``step (1 - p)^power`` for SET and
``-step p^power`` for RESET. It is the form of aihwkit's ``PowStepDevice``, whose documentation names its source:
Frascaroli et al., Evidence of soft bound behaviour in analogue memristive devices for neuromorphic computing,
Scientific Reports (2018), https://www.nature.com/articles/s41598-018-25376-x.
With a power of 1 it is the built-in law `soft-bounds` with its weight zero in the middle, at half the step.
"""

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.quantity import Fraction, NonNegativeFraction
from twinbar.emulator.devices.response_law import Array, ResponseLaw


class PowerStep(ResponseLaw):
    """Step that is a power of the distance from the bound that it moves to."""

    set_step: Fraction
    """SET step at the low end of the window, in fractions of the window."""
    reset_step: Fraction
    """RESET step at the high end."""
    set_power: NonNegativeFraction
    reset_power: NonNegativeFraction

    def mean(self, position: Array, polarity: int, window_s: float) -> Array:
        """Return the mean change by one pulse."""
        if polarity == SET:
            return self.set_step.si * (1 - position) ** self.set_power.si
        return -self.reset_step.si * position**self.reset_power.si
