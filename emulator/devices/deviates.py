"""Distributions as tables of quantiles: deviates of unit variance, lives of cells, and time constants of traps."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.devices.layout import TRAIT_BINS
from twinbar.emulator.devices.preset_sections import Deviates

Array = NDArray[np.float64]


def _middles(bins: int) -> Array:
    """Return the middles of ``bins`` equal shares of the probability."""
    return np.asarray((np.arange(bins) + 0.5) / bins)


def _of_unit_variance(z: Array) -> Array:
    return np.asarray(z / math.sqrt(float(np.mean(z * z))))


def normal_quantiles(bins: int) -> Array:
    """Return the quantiles of the standard normal at the middles of ``bins`` equal shares, scaled to unit variance."""
    normal = NormalDist()
    return _of_unit_variance(np.array([normal.inv_cdf(p) for p in _middles(bins)]))


def deviates(kind: Deviates, bins: int) -> Array:
    """Return the quantiles of a distribution at the middles of ``bins`` equal shares, scaled to unit variance.

    Parameters
    ----------
    kind : {"normal", "logistic", "student-4"}
        Logistic: ``ln(p / (1 - p))``. Student's t of four degrees of freedom, with ``a = 4 p (1 - p)``:
        ``2 sqrt(cos(acos(sqrt(a)) / 3) / sqrt(a) - 1)``, with the sign of ``p - 1/2`` (Shaw, J. Comput. Finance 9(4),
        37, 2006).
    """
    p = _middles(bins)
    if kind == "normal":
        return normal_quantiles(bins)
    if kind == "logistic":
        return _of_unit_variance(np.log(p / (1 - p)))
    root = np.sqrt(4 * p * (1 - p))
    z = 2 * np.sqrt(np.maximum(np.cos(np.arccos(np.minimum(root, 1)) / 3) / root - 1, 0))
    return _of_unit_variance(np.sign(p - 0.5) * z)


def weibull_lives(cycles: float, shape: float) -> Array:
    """Return the pulses that cells survive, by quantile: ``2 cycles (-ln(1 - p)) ** (1 / shape)``."""
    return np.asarray(2 * cycles * (-np.log1p(-_middles(TRAIT_BINS))) ** (1 / shape))


def trap_slots(fastest_s: float, slowest_s: float, tick_s: float) -> tuple[Array, Array]:
    """Return how traps of evenly distributed ``ln tau`` settle anew: ticks of a slot, as logarithm, and the chance.

    A slot is the largest power of two of ticks that does not exceed the time constant, or one tick. The chance is ``1 -
    exp(-slot / tau)``.

    Returns
    -------
    tuple of float [TRAIT_BINS]
    """
    log_tau = np.log(fastest_s) + _middles(TRAIT_BINS) * np.log(slowest_s / fastest_s)
    ticks = np.exp(log_tau) / tick_s
    shift = np.clip(np.floor(np.log2(ticks)), 0, 40)
    return shift, -np.expm1(-(2.0**shift) / ticks)
