"""What a fitted cell model does under the pulses of a measurement: simulated cells, to be laid over the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.devices.fit import CellFit
from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.responses.exponential import exponential_step

Array = NDArray[np.float64]

_CELLS: Final = 400


@dataclass(frozen=True)
class FittedCourse:
    """Readings of simulated cells over the pulses of a train.

    Parameters
    ----------
    low_s, median_s, high_s : (n + 1,) array
        2.5 %, 50 % and 97.5 % quantile over the cells, before the first pulse and after each, in siemens.
    """

    low_s: Array
    median_s: Array
    high_s: Array


def simulate_course(fit: CellFit, trains: Sequence[PulseTrain], polarity: int) -> FittedCourse:
    """Simulate cells of a fitted model from where the trains of a polarity begin, under the pulses of the longest one.

    Parameters
    ----------
    fit : CellFit
    trains : sequence of PulseTrain
        Of this polarity, in siemens; at least one.
    polarity : int
    """
    random = np.random.default_rng(0)
    longest = max(trains, key=lambda train: train.pulses)
    window_s = fit.g_max_s - fit.g_min_s
    branch = fit.branches[polarity]
    begin = (float(np.median([train.readings_s[0] for train in trains])) - fit.g_min_s) / window_s
    position = np.full(_CELLS, min(max(begin, 0.0), 1.0))
    gains = np.exp((branch.gain_sigma or 0.0) * random.standard_normal(_CELLS))
    factors = np.ones(longest.pulses)
    if branch.amplitude is not None and longest.voltage_v is not None:
        factors = branch.amplitude.factor(longest.voltage_v)
    readings = [_read(fit, position, random)]
    for pulse, factor in enumerate(factors):
        mean, spread = _step(fit, position, polarity)
        step = gains * factor * mean + spread * factor**fit.noise_exponent * random.standard_normal(_CELLS)
        after = position + step
        if fit.gate is not None and polarity == SET and longest.gate_v is not None:
            line_s = fit.gate.slope_s_per_v * (longest.gate_v[pulse] - fit.gate.offset_v)
            after = np.minimum(after, np.maximum(position, (line_s - fit.g_min_s) / window_s))
        position = np.clip(after, 0.0, 1.0)
        readings.append(_read(fit, position, random))
    low, median, high = np.quantile(np.stack(readings), (0.025, 0.5, 0.975), axis=1)
    return FittedCourse(low, median, high)


def _step(fit: CellFit, position: Array, polarity: int) -> tuple[Array, Array | float]:
    """Return mean and standard deviation of a pulse, in fractions of the window."""
    if fit.jumps is None:
        branch = fit.branches[polarity]
        return exponential_step(position, branch.curvature, branch.pulses, polarity), branch.cycle_to_cycle
    jumps, window_s = fit.jumps[polarity], fit.g_max_s - fit.g_min_s
    at = np.clip((position * len(jumps.mean_s)).astype(np.int64), 0, len(jumps.mean_s) - 1)
    return (1 if polarity == SET else -1) * jumps.mean_s[at] / window_s, jumps.std_s[at] / window_s


def _read(fit: CellFit, position: Array, random: np.random.Generator) -> Array:
    g_s = fit.g_min_s + position * (fit.g_max_s - fit.g_min_s)
    seen = g_s * (1 + fit.read_noise * random.standard_normal(_CELLS))
    return seen if fit.gate is None else seen + fit.gate.spread_s * random.standard_normal(_CELLS)
