"""Long series on a plot: bins with mean and extremes, so that no peak is lost."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 400
"""Bins of a downsampled series: about one for each pixel of a phone."""


@dataclass(frozen=True)
class Binned:
    """A series in bins of equal numbers of samples.

    Parameters
    ----------
    position : float array [bins]
        Centre of each bin, counted in samples from 1.
    mean, low, high : float array [bins]
        Mean, minimum and maximum within each bin.
    width : int
        Samples per bin; the last bin may hold fewer.
    """

    position: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    width: int


def binned(values: NDArray[np.float64], bins: int = BINS) -> Binned:
    """Put a series into at most ``bins`` bins.

    Parameters
    ----------
    values : float array [samples]
        At least one sample.
    bins : int
        Upper limit.
    """
    size = len(values)
    width = -(-size // bins)
    edges = np.arange(0, size, width)
    ends = np.minimum(edges + width, size)
    return Binned(
        position=(edges + 1 + ends) / 2,
        mean=np.add.reduceat(values, edges) / (ends - edges),
        low=np.minimum.reduceat(values, edges),
        high=np.maximum.reduceat(values, edges),
        width=width,
    )
