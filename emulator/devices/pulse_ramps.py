"""The voltages of measured pulses: identical, or rising from pulse to pulse."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.devices.pulse_train import PulseTrain

_SAME: Final = 0.005
"""Voltages that differ by less than this part are those of identical pulses: a source is not more exact."""


class VoltageRamp(NamedTuple):
    """Voltages of successive pulses, as a preset's ``[write]`` has them."""

    start_v: float
    step_v: float
    stop_v: float


def ramp_of(voltages: Sequence[NDArray[np.float64]]) -> VoltageRamp:
    """Return the ramp that spans the voltages of several trains; its step is the usual rise from pulse to pulse.

    Parameters
    ----------
    voltages : sequence of (n,) array
        One array for each train, at least one of them not empty.
    """
    everything = np.concatenate(list(voltages))
    low, high = float(everything.min()), float(everything.max())
    if not varies(voltages):
        middle = float(np.median(everything))
        return VoltageRamp(middle, 0.0, middle)
    rises = np.concatenate([np.diff(each) for each in voltages])
    rises = rises[rises > 1e-9]
    return VoltageRamp(low, float(np.median(rises)) if len(rises) else 0.0, high)


def varies(voltages: Sequence[NDArray[np.float64]]) -> bool:
    """Say whether the voltages are not all the same."""
    everything = np.concatenate(list(voltages))
    return bool(np.ptp(everything) > _SAME * everything.max())


def voltages_of(trains: Sequence[PulseTrain]) -> list[NDArray[np.float64]] | None:
    """Return the voltages of every train; None where one has none."""
    found = [train.voltage_v for train in trains if train.voltage_v is not None]
    return found if found and len(found) == len(trains) else None


def nominal_voltage(trains: Sequence[PulseTrain]) -> float:
    """Return the voltage at which the pulses do most: half of the change is by pulses of lower voltage."""
    volts, moved = [], []
    for train in trains:
        assert train.voltage_v is not None
        at = train.read_after
        volts.append(train.voltage_v[at[1:] - 1])
        moved.append(np.abs(np.diff(train.readings_s)))
    volt, weight = np.concatenate(volts), np.concatenate(moved)
    order = np.argsort(volt, kind="stable")
    half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(volt[order][min(int(half), len(volt) - 1)])
