"""When write lists are due: after so many optimizer steps, and after more of them as the training goes on."""

import math


def lists_due(step: int, steps: int, first: int, last: int) -> int:
    """Return how many write lists are due up to and including a step.

    Parameters
    ----------
    step : int
        Optimizer steps that were made.
    steps : int
        Steps of the whole training.
    first, last : int
        Steps from one write list to the next at the start and at the end of the training.

    Notes
    -----
    The interval changes linearly, ``n(s) = first + (last - first) s / steps``, and the lists that are due are the whole
    part of the integral of ``1 / n``: ``steps / (last - first) * log(n(step) / first)``.
    """
    if first == last:
        return step // first
    slope = (last - first) / steps
    # A list that is due at a whole number must not be missed by a rounding error of the logarithm.
    return math.floor(math.log1p(slope * step / first) / slope + 1e-9)
