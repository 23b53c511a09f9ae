"""The step that shrinks to zero at the bounds."""

from typing import Final

from twinbar.emulator.devices.sloped_step import SlopedStep


class SoftBounds(SlopedStep):
    """Step that shrinks to zero at the bound that it moves to (aihwkit ``SoftBoundsDevice``)."""

    def slope(self, polarity: int) -> float:
        """Return 1: nothing is left of the step at the bound."""
        return 1.0


RESPONSE: Final = SoftBounds
