"""What measured pulses do that the cell model cannot: gaps, too abrupt a change, a curve of another shape."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from twinbar.emulator.devices.branch_fit import NAMES
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.residuals import Residuals
from twinbar.hw.errors import ConfigError

_GAP: Final = 0.1
"""Part of the window that may lie between the end of one polarity and the begin of the other one."""
_OUTLYING: Final = 5.0
"""A first pulse moves a cell so many times as far as the next ones where something else happens in it."""
_NEXT: Final = 5
"""Pulses that the first one is compared with."""
_ABRUPT: Final = 3.0
"""Fewer pulses than this across the window are no staircase."""
_CROSSED: Final = 0.8
_BACK: Final = 0.25
"""Part of the window by which a pulse goes back, against its polarity, only where rows are not in order."""
_OFTEN: Final = 0.15
"""Part of the pulses that must do so."""
_TURNED: Final = 0.3
"""Part of the span of all readings by which trains go the wrong way where their polarity is not theirs."""
_BINS: Final = 5
_FEWEST: Final = 10
"""Readings of a bin whose mean residual is looked at."""
_ERRORS: Final = 4.0
"""Standard errors by which the mean of a bin must be off."""
_OFF: Final = 0.25
"""Part of the mean step by which it must be off."""


def check_polarities(measured: Sequence[Sequence[PulseTrain]], *, with_gate: bool) -> None:
    """Refuse trains of one polarity alone, and polarities that go the wrong way.

    Parameters
    ----------
    measured : (trains of SET, trains of RESET)
        In siemens.
    with_gate : bool
        Whether gates limit SET: RESET may be missing then.

    Raises
    ------
    ConfigError
        If there are such.
    """
    for polarity, other in ((SET, RESET), (RESET, SET)):
        if not measured[polarity] and not (with_gate and polarity == RESET):
            does = "falls" if other == RESET else "rises"
            raise ConfigError(
                f"there are no {NAMES[polarity]} pulses: the conductance {does}, {_way(measured[other])}, by "
                f"{NAMES[other]} alone; a fit needs both polarities, so add the pulses that "
                f"{'raise' if polarity == SET else 'lower'} it, in the table or as a second file"
            )
    readings = np.concatenate([train.readings_s for own in measured for train in own])
    least = _TURNED * float(np.ptp(readings))
    # The ends of a train, without their outliers.
    moved = [
        float(np.median([np.median(t.readings_s[-3:]) - np.median(t.readings_s[:3]) for t in own])) if own else 0.0
        for own in measured
    ]
    wrong = [name for name, way in zip(NAMES, (-moved[SET], moved[RESET]), strict=True) if way > least > 0]
    if len(wrong) == 2:
        raise ConfigError(
            f"SET lowers the conductance, {_way(measured[SET])}, and RESET raises it, {_way(measured[RESET])}: the "
            "names are swapped, or the values are resistances; correct the polarities, or write the unit of a "
            "resistance (kohm)"
        )
    if wrong:
        polarity = NAMES.index(wrong[0])
        raise ConfigError(
            f"{wrong[0]} moves the conductance the wrong way, {_way(measured[polarity])}; SET must raise it and RESET "
            "lower it, so check the polarity of these rows and the order of their pulses"
        )


def _way(trains: Sequence[PulseTrain]) -> str:
    begin, end = (_us(float(np.median([train.readings_s[at] for train in trains]))) for at in (0, -1))
    return f"from {begin} to {end}"


def gap_notes(trains: Sequence[PulseTrain], low_s: float, high_s: float) -> list[str]:
    """Say where one polarity ends far from where the other one begins.

    Parameters
    ----------
    trains : sequence of PulseTrain
        In siemens.
    low_s, high_s : float
        The window.
    """
    notes = []
    for first, second in ((SET, RESET), (RESET, SET)):
        ends = [float(t.readings_s[-1]) for t in trains if t.polarity == first]
        begins = [float(t.readings_s[0]) for t in trains if t.polarity == second]
        if not ends or not begins:
            continue
        end, begin = float(np.median(ends)), float(np.median(begins))
        if abs(end - begin) > _GAP * (high_s - low_s):
            notes.append(
                f"{NAMES[first]} ends at {_us(end)} and {NAMES[second]} begins at {_us(begin)}: no pulse was measured "
                f"between them, and the steps of the model there are extrapolated"
            )
    return notes


def without_first_jumps(trains: Sequence[PulseTrain], polarity: int) -> tuple[list[PulseTrain], str | None]:
    """Leave out the first pulse of every train where it does something else than the next ones, and say so.

    Parameters
    ----------
    trains : sequence of PulseTrain
        Of one polarity, as positions in the window.
    polarity : int
    """
    firsts, others = [], []
    for train in trains:
        at = train.read_after
        if len(at) < _NEXT + 2 or (train.voltage_v is not None and np.ptp(train.voltage_v) > 0):
            continue
        steps = np.abs(np.diff(train.readings_s)) / np.diff(at)
        firsts.append(float(steps[0]))
        others.append(float(np.median(steps[1 : _NEXT + 1])))
    if not firsts:
        return list(trains), None
    first, other = float(np.median(firsts)), float(np.median(others))
    if first < _GAP or first < _OUTLYING * other:
        return list(trains), None
    note = (
        f"the first {NAMES[polarity]} pulse of a train moves the cell by {first:.0%} of the window, the next ones by "
        f"{other:.1%}: it is left out, and the model's steps are those of the others"
    )
    return [_without_first(train) for train in trains], note


def _without_first(train: PulseTrain) -> PulseTrain:
    begin = int(train.read_after[1])
    if begin == train.pulses:
        return train
    voltage, gate = (None if each is None else each[begin:] for each in (train.voltage_v, train.gate_v))
    return PulseTrain(train.cell, train.polarity, train.conductance_s[begin:], voltage, gate)


def pulses_across(trains: Sequence[PulseTrain]) -> float | None:
    """Return the pulses that cross most of the window; None where no train does.

    Parameters
    ----------
    trains : sequence of PulseTrain
        Of one polarity, as positions in the window.
    """
    counts = []
    for train in trains:
        at, position = train.read_after, train.readings_s
        moved = np.abs(position - position[0]) >= _CROSSED
        if moved.any():
            # The last reading before the way was made counts: the pulses after it made the rest.
            end = int(np.argmax(moved))
            begin = int(np.flatnonzero(np.abs(position[: end + 1] - position[0]) < 1 - _CROSSED)[-1])
            counts.append(int(at[end] - at[begin]))
    return float(np.median(counts)) if counts else None


def check_gradual(trains: Sequence[PulseTrain], polarity: int) -> None:
    """Refuse pulses that take a cell through the window at once.

    Raises
    ------
    ConfigError
        If they do.
    """
    across = pulses_across(trains)
    if across is not None and across < _ABRUPT:
        if _share_back(trains, polarity) > _OFTEN:
            raise ConfigError(
                f"{NAMES[polarity]} pulses jump up and down through the window: the rows are not in the order of the "
                "measurement; sort them, or add a column with the number of the pulse"
            )
        count = "a single pulse" if across < 2 else f"{across:.0f} pulses"
        raise ConfigError(
            f"{NAMES[polarity]} crosses the window in {count}: the change is too abrupt for a model of small steps, "
            f"which needs {_ABRUPT:.0f} pulses and better 20 from end to end; measure with weaker or shorter pulses, "
            "or with rising voltages"
        )


def order_notes(trains: Sequence[PulseTrain], polarity: int) -> list[str]:
    """Say that many pulses go back, as where rows are not in the order of the measurement."""
    share = _share_back(trains, polarity)
    if share <= _OFTEN:
        return []
    return [
        f"{share:.0%} of the {NAMES[polarity]} pulses go back by more than a quarter of the window: check that the "
        "rows are in the order of the measurement"
    ]


def _share_back(trains: Sequence[PulseTrain], polarity: int) -> float:
    way = 1 if polarity == SET else -1
    return float(np.mean(np.concatenate([way * np.diff(train.readings_s) for train in trains]) < -_BACK))


def curve_notes(residuals: Residuals, polarity: int) -> list[str]:
    """Say where in the window the mean step is another one than that of the fitted curve."""
    notes = []
    before = residuals.position - residuals.step
    at = np.clip((before * _BINS).astype(np.int64), 0, _BINS - 1)
    for index in range(_BINS):
        own = at == index
        if own.sum() < _FEWEST:
            continue
        error, step = residuals.error[own], residuals.step[own]
        mean, off = float(np.mean(step)), float(np.mean(error))
        standard_error = float(np.std(error, ddof=1)) / np.sqrt(own.sum())
        if mean and abs(off) > _OFF * abs(mean) and abs(off) > _ERRORS * standard_error:
            way = "larger" if off * mean > 0 else "smaller"
            notes.append(
                f"{NAMES[polarity]} steps between {index / _BINS:.0%} and {(index + 1) / _BINS:.0%} of the window are "
                f"{abs(off / mean):.0%} {way} than those of the fitted curve; --jump-table keeps the measured ones"
            )
    return notes


def _us(conductance_s: float) -> str:
    return f"{conductance_s * 1e6:.3g} uS"
