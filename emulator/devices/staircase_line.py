"""The exponential staircase whose mean step is a given straight line in the position."""

import math
from typing import Final

from twinbar.emulator.devices.layout import SET

_LARGEST_CURVATURE: Final = 15.0


def staircase_of_line(drive: float, decay: float, polarity: int, longest: int) -> tuple[float, float]:
    """Return curvature and pulses of the exponential staircase whose step at position ``p`` is ``drive - decay * p``.

    From `responses.exponential_step`: ``decay = 1 - exp(-k / P)`` (``+k`` for RESET) and ``drive = decay / (1 -
    exp(-k))``.

    Parameters
    ----------
    drive, decay : float
        In fractions of the window; negative ``drive - decay * p`` for RESET.
    polarity : int
    longest : int
        Pulses taken for ``P`` where the line crosses zero inside the window, so that the end is approached but never
        reached.
    """
    direction = 1.0 if polarity == SET else -1.0
    middle = drive - 0.5 * decay
    if abs(decay) < 1e-4 * abs(middle):
        return 0.0, abs(1 / middle)
    rate = -math.log1p(-min(decay, 0.999))
    pole = drive / decay
    if 0 <= pole <= 1 or abs(math.log(1 - 1 / pole)) > _LARGEST_CURVATURE:
        pulses = min(float(longest), _LARGEST_CURVATURE / abs(rate))
        return direction * rate * pulses, pulses
    curvature = -math.log(1 - 1 / pole)
    return curvature, direction * curvature / rate
