"""Relaxation and drift after a write, in SI units: what the ageing tables are made of."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.devices.layout import TIME_BINS
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.preset_sections import Drift, LogarithmicRelaxation, PolynomialRelaxation
from twinbar.hw.errors import ConfigError

Array = NDArray[np.float64]

BOLTZMANN_J_PER_K: Final = 1.380649e-23
MOST_EXPONENT: Final = 60.0
"""Of Arrhenius' factor: a day becomes a picosecond, or the age of the universe and more."""


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


def time_factor(preset: Preset, temperature_k: float | None) -> float:
    """Return how much faster relaxation and drift go: Arrhenius' ``exp(E / k (1 / T0 - 1 / T))``.

    Raises
    ------
    ConfigError
        If a temperature is given for cells of which nothing is known at another one.
    """
    if temperature_k is None:
        return 1.0
    law = preset.retention
    if law is None:
        raise ConfigError(
            f"device.temperature_k is {temperature_k:g}, but preset {preset.name} does not say what temperature does; "
            "give it [retention] with activation_energy and temperature, or leave the key out"
        )
    if preset.relaxation is None and preset.drift is None:
        raise ConfigError(
            f"device.temperature_k is {temperature_k:g}, but preset {preset.name} does neither relax nor drift, and "
            "temperature does nothing else here; leave the key out, or give it [relaxation] or [drift]"
        )
    exponent = law.activation_energy.si / BOLTZMANN_J_PER_K * (1 / law.temperature.si - 1 / temperature_k)
    if abs(exponent) > MOST_EXPONENT:
        raise ConfigError(
            f"device.temperature_k is {temperature_k:g}; relaxation would be exp({exponent:.3g}) times as fast, beyond "
            f"exp(-{MOST_EXPONENT:g}) to exp({MOST_EXPONENT:g}): give a temperature nearer to {law.temperature}"
        )
    return math.exp(exponent)


def drift_exponent(law: Drift, x: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of the drift exponent ``nu`` at ``x = G / Gmax``."""
    log_x = np.log(x)
    mean = np.clip(law.nu_slope.si * log_x + law.nu_offset.si, law.nu_lowest.si, law.nu_highest.si)
    sigma = np.clip(law.sigma_slope.si * log_x + law.sigma_offset.si, law.sigma_lowest.si, law.sigma_highest.si)
    return mean, sigma


def drift_octaves(law: Drift, time_s: Array) -> Array:
    """Return ``log2(t / t0)``, 0 before the reference time: the drift is ``2 ** (-nu * octaves)``."""
    return np.maximum(np.log2(time_s / law.reference_time.si), 0)
