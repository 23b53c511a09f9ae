"""Readings from the columns of a table of measurements, in siemens, with what stands beside them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from twinbar.emulator.devices.chosen_columns import check_same, chosen_columns
from twinbar.emulator.devices.layout import RESET
from twinbar.emulator.devices.measured_columns import Column, ColumnUnit, polarity_in, polarity_of
from twinbar.emulator.devices.measured_header import EXAMPLE
from twinbar.emulator.devices.measured_text import MeasuredText, TextRow
from twinbar.emulator.devices.quantity import RANGES, range_text
from twinbar.hw.errors import ConfigError


@dataclass(frozen=True)
class ValueMeaning:
    """What the values of a table mean, where the table does not say.

    Parameters
    ----------
    unit : ColumnUnit, optional
        Of values whose header has none.
    read_voltage_v : float, optional
        Turns currents into conductances.
    window_s : (float, float), optional
        Conductances of the lowest and the highest normalized value, in siemens.
    """

    unit: ColumnUnit | None = None
    read_voltage_v: float | None = None
    window_s: tuple[float, float] | None = None


_CONDUCTANCES: Final = RANGES["conductance"]
AS_WRITTEN: Final = ValueMeaning()
"""Everything stands in the table."""


@dataclass
class Series:
    """Readings of a cell as the rows have them, from one column of values."""

    cell: str
    column: str
    lines: list[int] = field(default_factory=list)
    polarities: list[int | None] = field(default_factory=list)
    pulses: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    voltages: list[float] = field(default_factory=list)
    gates: list[float] = field(default_factory=list)

    def reordered(self, order: Sequence[int]) -> "Series":
        """Return the readings in another order."""
        changed = Series(self.cell, self.column)
        for own, new in zip(self._lists(), changed._lists(), strict=True):
            new.extend(own[at] for at in order)  # type: ignore[attr-defined]
        return changed

    def _lists(self) -> tuple[Sequence[object], ...]:
        return self.lines, self.polarities, self.pulses, self.values, self.voltages, self.gates

    def numbered(self, pulses: list[int]) -> "Series":
        """Return the readings with other numbers of their pulses."""
        return replace(self, pulses=pulses)


def read_series(text: MeasuredText, columns: list[Column], rows: list[TextRow], meaning: ValueMeaning) -> list[Series]:
    """Read the columns of values of a table.

    Raises
    ------
    ConfigError
        If a value cannot be understood, or what it means is not known; the text names the line or the option.
    """
    choice = chosen_columns(text.path, columns, meaning.unit)
    values = list(choice)
    series = _series(text, columns, rows, choice, meaning)
    if any((columns[at].unit or meaning.unit or ColumnUnit(None, 1.0)).kind == "normalized" for at in values):
        _spread_normalized(text.path, series, meaning)
    for each in series:
        for line, value in zip(each.lines, each.values, strict=True):
            if value <= 0:
                raise ConfigError(f"{text.path}, line {line}: conductance {value:.3g} is not greater than zero")
            if not _CONDUCTANCES.least <= value <= _CONDUCTANCES.most:
                raise ConfigError(
                    f"{text.path}, line {line}: {each.column} is {value:.3g} S, and a conductance lies between "
                    f"{range_text('conductance')}; check its unit (m is milli, and M is mega)"
                )
    return series


def _series(
    text: MeasuredText,
    columns: list[Column],
    rows: list[TextRow],
    choice: Mapping[int, Sequence[int]],
    meaning: ValueMeaning,
) -> list[Series]:
    path = text.path
    places: dict[str, int] = {column.role: at for at, column in enumerate(columns) if column.role != "value"}
    of_file = polarity_in(path.stem)
    series: dict[tuple[str, int], Series] = {}
    units = {at: _unit(path, columns[at], places, meaning) for at in choice}
    checks = {at: [(other, _check_unit(columns[other], places, meaning)) for other in choice[at]] for at in choice}
    counted: dict[tuple[str, int], int] = {}
    for row in rows:
        fields = _fields_of(path, row, columns, wide=len(choice) + sum(map(len, choice.values())) > 1)

        def voltage(role: str, line: int = row.line, fields: list[str] = fields) -> float:
            at = places.get(role)
            if at is None or not fields[at]:
                return np.nan
            unit = columns[at].unit
            return text.number(line, columns[at].name, fields[at]) * (unit.factor if unit is not None else 1.0)

        amplitude, gate, read = voltage("voltage"), voltage("gate"), voltage("read voltage")
        polarity = _row_polarity(path, row.line, columns, fields, places, amplitude)
        for number, at in enumerate(choice):
            column = columns[at]
            cell = fields[places["cell"]] if "cell" in places else column.cell or ""
            key = (cell, number)
            own = series.setdefault(key, Series(cell, column.name))
            counted[key] = counted.get(key, -1) + 1
            if not fields[at]:
                continue
            value = text.number(row.line, column.name, fields[at])
            own.lines.append(row.line)
            own.polarities.append(next((p for p in (polarity, column.polarity, of_file) if p is not None), None))
            own.pulses.append(_pulse(text, row.line, columns, fields, places, counted[key]))
            own.values.append(_conductance(path, row.line, column.name, value, units[at], read, meaning))
            for other, unit in checks[at]:
                if unit is not None and fields[other]:
                    again = text.number(row.line, columns[other].name, fields[other])
                    again = _conductance(path, row.line, columns[other].name, again, unit, read, meaning)
                    check_same(path, row.line, (column.name, own.values[-1]), (columns[other].name, again))
            own.voltages.append(abs(amplitude))
            own.gates.append(gate)
    return [each for each in series.values() if each.values]


def _fields_of(path: Path, row: TextRow, columns: list[Column], *, wide: bool) -> list[str]:
    """Return the fields of a row, one for each column; in a wide table, columns may end before others."""
    fields = row.fields
    while len(fields) > len(columns) and not fields[-1]:
        fields = fields[:-1]
    if wide and len(fields) < len(columns):
        fields = [*fields, *[""] * (len(columns) - len(fields))]
    if len(fields) != len(columns):
        raise ConfigError(f"{path}, line {row.line}: {len(fields)} fields under a header of {len(columns)}")
    return fields


def _row_polarity(
    path: Path, line: int, columns: list[Column], fields: list[str], places: dict[str, int], voltage: float
) -> int | None:
    at = places.get("polarity")
    if at is not None:
        polarity = polarity_of(fields[at])
        if polarity is None:
            raise ConfigError(f"{path}, line {line}: polarity {fields[at][:40]!r} is neither SET nor RESET")
        return polarity
    return RESET if voltage < 0 else None


def _pulse(
    text: MeasuredText, line: int, columns: list[Column], fields: list[str], places: dict[str, int], counted: int
) -> int:
    at = places.get("pulse")
    if at is None:
        return counted
    pulse = text.number(line, columns[at].name, fields[at])
    if pulse < 0 or pulse != int(pulse):
        raise ConfigError(f"{text.path}, line {line}: pulse {pulse:g} is not a whole number, zero or more")
    return int(pulse)


def _check_unit(column: Column, places: dict[str, int], meaning: ValueMeaning) -> ColumnUnit | None:
    """Return the unit in which a further column of the same readings can be compared; None where it cannot."""
    unit = column.unit
    if unit is None or unit.kind in (None, "normalized"):
        return None
    known = unit.kind != "current" or "read voltage" in places or meaning.read_voltage_v is not None
    return unit if known else None


def _unit(path: Path, column: Column, places: dict[str, int], meaning: ValueMeaning) -> ColumnUnit:
    unit = column.unit or meaning.unit
    unknown = re.search(r"[\[(]\s*([^\])]+?)\s*[\])]", column.name) if unit is None else None
    if unknown is not None:
        raise ConfigError(
            f"{path}: {unknown[1]!r}, the unit of {column.name}, is not known; write uS, kohm, Mohm, "
            "uA ... (prefixes as SI has them: m is milli, M is mega), or give it with --unit"
        )
    if unit is None:
        raise ConfigError(
            f"{path}: {column.name} has no unit; give it with --unit (uS, kohm, uA ..., or 1 for normalized values), "
            f"or in the header; it must be like {EXAMPLE}"
        )
    if unit.kind is None:
        raise ConfigError(f"{path}: {column.name} is a voltage; values are conductances, resistances or currents")
    if unit.kind == "current" and "read voltage" not in places and meaning.read_voltage_v is None:
        raise ConfigError(f"{path}: {column.name} is a current; give the voltage of the readings with --read-voltage")
    if unit.kind == "normalized" and meaning.window_s is None:
        raise ConfigError(
            f"{path}: {column.name} is normalized; give the conductances of its ends with --window, like 1uS,10uS"
        )
    return unit


def _conductance(
    path: Path, line: int, name: str, value: float, unit: ColumnUnit, read_v: float, meaning: ValueMeaning
) -> float:
    """Turn a value into siemens; a normalized one stays as it is."""
    if unit.kind == "normalized":
        return value
    if unit.kind == "current":
        # Readings may be at a negative voltage, and then so is the current.
        read_v = read_v if np.isfinite(read_v) else meaning.read_voltage_v or np.nan
        if read_v == 0:
            raise ConfigError(f"{path}, line {line}: the read voltage is 0; no conductance follows from {name}")
        value = value / read_v
    if value <= 0:
        raise ConfigError(f"{path}, line {line}: {unit.kind} {value:g} is not greater than zero")
    return 1 / (value * unit.factor) if unit.kind == "resistance" else value * unit.factor


def _spread_normalized(path: Path, series: list[Series], meaning: ValueMeaning) -> None:
    """Map normalized values to conductances: -1 to 1 if some are below zero, else 0 to 1."""
    assert meaning.window_s is not None
    low_s, high_s = meaning.window_s
    everything = np.concatenate([each.values for each in series])
    least, greatest = float(everything.min()), float(everything.max())
    if least < -1.2 or greatest > 1.2:
        raise ConfigError(
            f"{path}: normalized values go from {least:g} to {greatest:g}; they must lie between -1 and 1"
        )
    # Noise takes values of 0 to 1 below zero a little.
    bottom = -1.0 if least < -0.2 else 0.0
    for each in series:
        each.values = [low_s + (value - bottom) / (1 - bottom) * (high_s - low_s) for value in each.values]
