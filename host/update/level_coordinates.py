"""Between values and levels, where levels are not evenly spaced: hysteresis and rounding count in levels.

A value is a conductance, or the difference of a pair's, in mean spacings of the levels. As a coordinate it counts
levels: 2.5 lies in the middle between level 2 and level 3, wherever these are, and -2.5 likewise in a pair's negative
half. Where levels are evenly spaced, both numbers are the same, to the bit.
"""

import numpy as np

from twinbar.emulator.kernels.compiled import inline


@inline
def in_levels(value, positions):
    """Return the coordinate of a value; beyond the highest level it goes on as between the last two.

    Parameters
    ----------
    value : float32 or float64
    positions : float32 [levels]
        Values of the levels, ascending from 0.
    """
    size = abs(value)
    low = 0
    high = positions.shape[0] - 2
    while low < high:
        middle = (low + high + 1) // 2
        if positions[middle] <= size:
            low = middle
        else:
            high = middle - 1
    coordinate = np.float32(low) + (size - positions[low]) / (positions[low + 1] - positions[low])
    return coordinate if value >= 0 else -coordinate


@inline
def value_of(coordinate, positions):
    """Return the value of a coordinate: what `in_levels` was given."""
    size = abs(coordinate)
    low = positions.shape[0] - 2
    if size < low:
        low = np.int64(size)
    value = positions[low] + (size - np.float32(low)) * (positions[low + 1] - positions[low])
    return value if coordinate >= 0 else -value


@inline
def closest_levels(positions):
    """Return the least distance of two neighbours."""
    least = positions[1] - positions[0]
    for level in range(1, positions.shape[0] - 1):
        least = min(least, positions[level + 1] - positions[level])
    return least


@inline
def unevenness(positions):
    """Return by how much a level lies elsewhere than if all were evenly spaced, at most."""
    most = np.float32(0.0)
    for level in range(positions.shape[0]):
        most = max(most, abs(positions[level] - np.float32(level)))
    return most
