"""Puts readings into the order of their pulses, where the rows of a table are in another one."""

from itertools import pairwise
from pathlib import Path
from typing import Final

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.measured_series import Series
from twinbar.hw.errors import ConfigError

_FEW: Final = 0.1
"""Share of the readings that may be out of order where pulse numbers begin again from train to train."""
_RUN: Final = 3
"""Readings from which numbers that fall are a count."""


def in_order(path: Path, series: Series, polarities: list[int]) -> tuple[Series, list[int]]:
    """Return a series in the order of its pulses, and the polarities of its readings.

    Numbers begin again with a train, at 0 or 1, or go on through all trains. What counts down is counted up. Rows out
    of that order are sorted, where every pulse is there once, or only some rows are astray.

    Parameters
    ----------
    path : Path
        For messages.
    series : Series
    polarities : list of int
        Of every reading.

    Raises
    ------
    ConfigError
        If more rows are out of order, and nothing tells to which train they belong; the text names a line.
    """
    series = _counted_up(series, polarities)
    pulses = series.pulses
    once = len(set(zip(polarities, pulses, strict=True))) == len(pulses)
    astray = _astray(pulses, polarities, begins=not once)
    if not astray:
        return series, polarities
    if once:
        # Where both polarities have a pulse of a number, they do not count on: each is a train.
        through = len(set(pulses)) == len(pulses)
        order = sorted(range(len(pulses)), key=lambda at: (0 if through else polarities[at] != SET, pulses[at]))
    elif len(astray) <= _FEW * len(pulses):
        order = [at for train in _trains(pulses, polarities) for at in sorted(train, key=pulses.__getitem__)]
    else:
        at = astray[0]
        raise ConfigError(
            f"{path}, line {series.lines[at]}: {'SET' if polarities[at] == SET else 'RESET'} pulse {pulses[at]} comes "
            f"after pulse {pulses[at - 1]}, one of {len(astray)} rows out of order: sort the rows by train and pulse, "
            "or number the pulses on through all trains"
        )
    return series.reordered(order), [polarities[at] for at in order]


def _astray(pulses: list[int], polarities: list[int], *, begins: bool = True) -> list[int]:
    """Return the readings whose pulse is before that of the reading above, and which begin no train.

    ``begins``: whether there are further trains, which begin with the lowest pulse of their polarity or the next one.
    """
    own = {polarity: _lowest(pulses, polarities, polarity) + 1 if begins else -1 for polarity in set(polarities)}
    return [
        at
        for at in range(1, len(pulses))
        if polarities[at] == polarities[at - 1] and own[polarities[at]] < pulses[at] < pulses[at - 1]
    ]


def _lowest(pulses: list[int], polarities: list[int], polarity: int) -> int:
    return min(pulse for pulse, own in zip(pulses, polarities, strict=True) if own == polarity)


def _trains(pulses: list[int], polarities: list[int]) -> list[list[int]]:
    """Return the readings of every train: it begins with a polarity, at the lowest pulse, or where a pulse is again."""
    astray = set(_astray(pulses, polarities))
    trains: list[list[int]] = []
    seen: set[int] = set()
    for at, pulse in enumerate(pulses):
        again = at > 0 and (pulse in seen or (pulse < pulses[at - 1] and at not in astray))
        if at == 0 or polarities[at] != polarities[at - 1] or again:
            trains.append([])
            seen = set()
        trains[-1].append(at)
        seen.add(pulse)
    return trains


def _counted_up(series: Series, polarities: list[int]) -> Series:
    """Number pulses that count down while the conductance goes the way of its polarity: the rows are in order.

    All trains of a polarity must do so: in shuffled rows, numbers fall here and there.
    """
    pulses = list(series.pulses)
    runs: dict[int, list[range]] = {}
    begin = 0
    for at in range(1, len(pulses) + 1):
        if at == len(pulses) or polarities[at] != polarities[at - 1]:
            runs.setdefault(polarities[begin], []).append(range(begin, at))
            begin = at
    for polarity, own in runs.items():
        long = [run for run in own if len(run) >= _RUN]
        fall = all(pulses[second] < pulses[first] for run in own for first, second in pairwise(run))
        way = 1 if polarity == SET else -1
        if long and fall and all(way * (series.values[run[-1]] - series.values[run[0]]) > 0 for run in long):
            for run in own:
                pulses[run.start : run.stop] = [pulses[run.start] - pulses[at] for at in run]
    return series.numbered(pulses)
