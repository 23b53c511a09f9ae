"""Relaxation and drift after a write, in SI units: what the ageing tables are made of."""

import math

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.devices.layout import TIME_BINS
from twinbar.emulator.devices.preset_sections import Drift, LogarithmicRelaxation, PolynomialRelaxation

Array = NDArray[np.float64]


def bin_ticks() -> Array:
    """Return the ticks that each half octave of `physics.time_bin` stands for: the geometric mean of its ends."""
    ticks = np.empty(TIME_BINS)
    for index in range(TIME_BINS):
        octave = 2.0 ** (index // 2)
        first, end = (octave, 1.5 * octave) if index % 2 == 0 else (1.5 * octave, 2 * octave)
        first = math.ceil(first)
        ticks[index] = math.sqrt(first * max(math.ceil(end) - 1, first))
    return ticks


def relaxation(law: PolynomialRelaxation | LogarithmicRelaxation, time_s: Array, g_s: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of the relaxation, in siemens.

    A polynomial law holds its first and last time constant outside of them; a logarithmic one starts at one second.

    Parameters
    ----------
    law : PolynomialRelaxation or LogarithmicRelaxation
    time_s : (n,) array
        Seconds since the last pulse.
    g_s : (m,) array
        Conductances in siemens.

    Returns
    -------
    tuple of (n, m) array
    """
    if isinstance(law, PolynomialRelaxation):
        x = g_s / law.scale.si
        known = np.stack([np.polynomial.polynomial.polyval(x, sigma.si_list) for sigma in law.sigma])
        log_times = np.log(law.times.si_list)
        sigma = np.stack([np.interp(np.log(time_s), log_times, column) for column in known.T], axis=1)
        return np.zeros_like(sigma), np.maximum(sigma, 0)
    log_time = np.maximum(np.log(time_s), 0)[:, None] + np.zeros(len(g_s))
    return law.mean_per_ln.si * log_time, np.maximum(law.sigma_per_ln.si * log_time + law.sigma_offset.si, 0)


def drift_exponent(law: Drift, x: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of the drift exponent ``nu`` at ``x = G / Gmax``."""
    log_x = np.log(x)
    mean = np.clip(law.nu_slope.si * log_x + law.nu_offset.si, law.nu_lowest.si, law.nu_highest.si)
    sigma = np.clip(law.sigma_slope.si * log_x + law.sigma_offset.si, law.sigma_lowest.si, law.sigma_highest.si)
    return mean, sigma


def drift_octaves(law: Drift, time_s: Array) -> Array:
    """Return ``log2(t / t0)``, 0 before the reference time: the drift is ``2 ** (-nu * octaves)``."""
    return np.maximum(np.log2(time_s / law.reference_time.si), 0)
