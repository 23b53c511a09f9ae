"""Measured pulse trains from the tables that laboratories write.

Rows are pulses. A *long* table has one column of values, and says in others the polarity, the pulse and the cell; a
*wide* one has a column of values for each repetition or cell, and its polarity in the headers or in the file's name.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from twinbar.emulator.devices.layout import SET
from twinbar.emulator.devices.measured_header import read_header
from twinbar.emulator.devices.measured_series import AS_WRITTEN, Series, ValueMeaning, read_series
from twinbar.emulator.devices.measured_text import read_measured_text
from twinbar.emulator.devices.pulse_order import in_order
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.turning_point import Unclear, split_by_direction
from twinbar.hw.errors import ConfigError

_MOST_PULSES: Final = 10_000_000
"""Of one train: more is a mistake in a number."""


def read_pulse_trains(*paths: Path, meaning: ValueMeaning = AS_WRITTEN) -> list[PulseTrain]:
    """Read tables of measured pulses, rows in the order of the measurement.

    What is understood is described in the documentation of the devices. Pulses are counted within a train; pulse 0 is
    the state before the first one. Where it is missing, a train of a long table begins at the last conductance that the
    cell had before, and any other train at its first row.

    Parameters
    ----------
    paths : Path
        Of one measurement: SET and RESET may be in different files.
    meaning : ValueMeaning

    Raises
    ------
    ConfigError
        If a file cannot be read, or a column or a value cannot be understood; the text names the line.
    """
    trains: list[PulseTrain] = []
    for path in paths:
        trains.extend(_file_trains(path, meaning))
    if not trains:
        names = " and ".join(map(str, paths))
        raise ConfigError(f"{names} has no two conductances in a row on one cell; a fit needs pulse trains")
    return trains


def _file_trains(path: Path, meaning: ValueMeaning) -> Iterator[PulseTrain]:
    text = read_measured_text(path)
    columns, rows = read_header(text)
    named = any(column.role == "polarity" for column in columns)
    for series in read_series(text, columns, rows, meaning):
        yield from _trains(path, series, whole=named)


def _trains(path: Path, series: Series, *, whole: bool) -> Iterator[PulseTrain]:
    """Cut a series where the polarity changes or the count begins again.

    A series is ``whole`` if it holds every pulse that the cell has had; one of SET alone has had RESET in between.
    """
    series, polarities = in_order(path, *_with_polarities(path, series))
    begin = 0
    for at in range(1, len(polarities) + 1):
        if at < len(polarities) and polarities[at] == polarities[at - 1] and series.pulses[at] > series.pulses[at - 1]:
            continue
        # Pulse 0 is a state of its own; a train without it goes on from the reading before.
        goes_on = (
            begin > 0
            and series.pulses[begin] > 0
            and (whole or polarities[begin] != polarities[begin - 1] or series.pulses[begin] > series.pulses[begin - 1])
        )
        train = _train(path, series, polarities[begin], begin - 1 if goes_on else begin, begin, at)
        if train is not None:
            yield train
        begin = at


def _with_polarities(path: Path, series: Series) -> tuple[Series, list[int]]:
    if all(polarity is None for polarity in series.polarities) and len(set(series.pulses)) == len(series.pulses):
        # What is numbered through has to be in order for rise and fall to be seen.
        series = series.reordered(sorted(range(len(series.pulses)), key=series.pulses.__getitem__))
    return series, _polarities(path, series)


def _polarities(path: Path, series: Series) -> list[int]:
    known = [polarity for polarity in series.polarities if polarity is not None]
    if len(known) == len(series.polarities):
        return known
    if known:  # signs of voltages: what is not negative is SET
        return [SET if polarity is None else polarity for polarity in series.polarities]
    try:
        return split_by_direction(series.values)
    except Unclear as unclear:
        raise ConfigError(
            f"{path}: nothing says which pulses are SET and which RESET, and {unclear}; name the polarity in a column, "
            "in the headers, or in the names of two files (set.csv, reset.csv)"
        ) from None


def _train(path: Path, series: Series, polarity: int, start: int, begin: int, end: int) -> PulseTrain | None:
    """Make a train of the readings ``begin`` to ``end``, which starts from the reading ``start``."""
    readings = range(start, end)
    if len(readings) < 2:
        return None
    before = series.pulses[begin] if start == begin else _count_before(series, begin)
    counts = [before, *(series.pulses[at] for at in range(begin, end))] if start < begin else series.pulses[begin:end]
    after = np.array(counts) - counts[0]
    if after[-1] > _MOST_PULSES:
        raise ConfigError(
            f"{path}, line {series.lines[end - 1]}: pulse {series.pulses[end - 1]} is too far from the last"
        )
    conductance = np.full(after[-1] + 1, np.nan)
    conductance[after] = [series.values[at] for at in readings]
    return PulseTrain(
        series.cell,
        polarity,
        conductance,
        _per_pulse(after, [series.voltages[at] for at in readings]),
        _per_pulse(after, [series.gates[at] for at in readings]),
    )


def _count_before(series: Series, begin: int) -> int:
    """Return the number that the reading before a train has in the count of the train."""
    return series.pulses[begin - 1] if series.pulses[begin] > series.pulses[begin - 1] else 0


def _per_pulse(after: np.ndarray, voltages: Sequence[float]) -> np.ndarray | None:
    """Return the voltage of every pulse; those between two readings lie between theirs."""
    known = np.asarray(voltages[1:])
    if not np.all(np.isfinite(known)):
        return None
    return np.interp(np.arange(1, after[-1] + 1), after[1:], known)
