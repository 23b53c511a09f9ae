"""The conductance that a gate voltage allows, from SET pulses of rising gate voltage on a 1T1R cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from twinbar.emulator.devices.fit_intervals import Interval
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.residuals import Residuals
from twinbar.hw.errors import ConfigError

Array = NDArray[np.float64]

_FEWEST: Final = 5
"""Readings on the line that a fit needs."""
_NORMAL_95: Final = 1.96


@dataclass(frozen=True)
class GateFit:
    """The line ``slope * (gate - offset)`` that SET pulses of rising gate voltage follow.

    Parameters
    ----------
    slope_s_per_v, offset_v : float
    slope_interval, offset_interval : (float, float)
        Of 95 %.
    spread_s : float
        Standard deviation of the readings about the line.
    largest_step : float
        Greatest change by one pulse, in fractions of the window: without the gate's limit, a SET moves at least so far.
    residuals : Residuals
        Of the readings that the line explains.
    """

    slope_s_per_v: float
    offset_v: float
    slope_interval: Interval
    offset_interval: Interval
    spread_s: float
    largest_step: float
    residuals: Residuals


def follows_gate(trains: Sequence[PulseTrain]) -> bool:
    """Say whether the gate voltage changes within trains."""
    return any(train.gate_v is not None and np.ptp(train.gate_v) > 0 for train in trains)


def fit_gate(trains: Sequence[PulseTrain], low_s: float, high_s: float) -> GateFit:
    """Fit the line, and where it takes over from the state before, and ends at the top of the window.

    Parameters
    ----------
    trains : sequence of PulseTrain
        SET, in siemens, with gate voltages.
    low_s, high_s : float
        The window.

    Raises
    ------
    ConfigError
        If too few readings lie on a rising line.
    """
    gates, readings, before, pulses = [], [], [], []
    largest = 0.0
    for train in trains:
        if train.gate_v is None:
            raise ConfigError("some SET pulses have a gate voltage and others none; a fit needs it of every pulse")
        at = train.read_after
        gates.append(train.gate_v[at[1:] - 1])
        pulses.append(at[1:])
        readings.append(train.readings_s[1:])
        before.append(np.full(len(at) - 1, train.readings_s[0]))
        largest = max(largest, float(np.diff(train.readings_s).max()) / (high_s - low_s))
    gate, reading, start = (np.concatenate([np.empty(0), *each]) for each in (gates, readings, before))
    pulse = np.concatenate([np.empty(0, dtype=np.int64), *pulses])
    window = high_s - low_s
    on_line = (reading > start + 0.1 * window) & (reading < high_s - 0.1 * window)
    if on_line.sum() < _FEWEST or np.ptp(gate[on_line]) == 0:
        raise ConfigError(
            f"the conductance follows the gate voltage in {int(on_line.sum())} readings; a fit needs {_FEWEST} of "
            "several gate voltages"
        )
    slope, constant = np.polyfit(gate[on_line], reading[on_line], 1)
    if slope <= 0:
        raise ConfigError("the conductance falls with the gate voltage; check the column of gate voltages")

    def residuals(x: Array) -> Array:
        line = x[0] * window * (gate - x[1])
        return np.asarray((np.clip(line, start, max(high_s, float(start.max()))) - reading) / window)

    found = least_squares(residuals, [slope / window, -constant / slope], loss="soft_l1", f_scale=0.05)
    moved = np.any(found.jac != 0, axis=1)
    errors = residuals(found.x)[moved]
    spread = float(np.std(errors, ddof=2))
    covariance = np.linalg.inv(found.jac.T @ found.jac) * spread**2
    half = _NORMAL_95 * np.sqrt(np.diag(covariance))
    per_volt, offset = float(found.x[0]), float(found.x[1])
    return GateFit(
        slope_s_per_v=per_volt * window,
        offset_v=offset,
        slope_interval=((per_volt - float(half[0])) * window, (per_volt + float(half[0])) * window),
        offset_interval=(offset - float(half[1]), offset + float(half[1])),
        spread_s=spread * window,
        largest_step=largest,
        residuals=Residuals(
            pulse=pulse[moved],
            position=(reading[moved] - low_s) / window + errors,
            error=-errors,
            sigma=np.full(len(errors), spread),
            step=np.zeros(len(errors)),
        ),
    )
