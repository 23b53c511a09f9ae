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
    places = _places(path, columns)
    cells = [at for at, column in enumerate(columns) if column.role == "cell"]
    _check_numbers(text, columns, rows, [*places.values(), *choice], meaning)
    meaning = _signed(text, columns, rows, choice, meaning)
    width = _Widths(text, columns[places["width"]].name, places["width"]) if "width" in places else None
    of_file = polarity_in(path.stem)
    series: dict[tuple[str, int], Series] = {}
    units = {at: _unit(path, columns[at], places, meaning) for at in choice}
    checks = {at: [(other, _check_unit(columns[other], places, meaning)) for other in choice[at]] for at in choice}
    counted: dict[tuple[str, int], int] = {}
    named = any(at < len(row.fields) and row.fields[at] for row in rows for at in cells)
    for row in rows:
        if not any(row.fields) and ("polarity" in places or cells):
            continue  # an empty line, as spreadsheets write it; elsewhere it may be a pulse that was not read
        fields = _fields_of(path, row, columns, wide=len(choice) + sum(map(len, choice.values())) > 1)

        def voltage(role: str, line: int = row.line, fields: list[str] = fields) -> float:
            at = places.get(role)
            if at is None or not fields[at]:
                return np.nan
            unit = columns[at].unit
            return text.number(line, columns[at].name, fields[at]) * (unit.factor if unit is not None else 1.0)

        amplitude, gate, read = voltage("voltage"), voltage("gate"), voltage("read voltage")
        polarity = _row_polarity(path, row.line, columns, fields, places, amplitude)
        of_row = _cell_of(path, row.line, columns, fields, cells, named=named)
        if width is not None:
            width.check(row.line, fields, polarity)
        for number, at in enumerate(choice):
            column = columns[at]
            cell = of_row or column.cell or ""
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


class _Widths:
    """Refuses pulses of several widths: a cell model has one of each polarity."""

    def __init__(self, text: MeasuredText, name: str, at: int) -> None:
        self._text, self._name, self._at = text, name, at
        self._first: dict[int, tuple[float, int]] = {}

    def check(self, line: int, fields: Sequence[str], polarity: int | None) -> None:
        value = self._text.as_number(fields[self._at])
        if value is None or polarity is None:
            return
        first, above = self._first.setdefault(polarity, (value, line))
        if abs(value - first) > 1e-6 * abs(first):
            raise ConfigError(
                f"{self._text.path}, line {line}: {self._name} is {value:g}, and {first:g} in line {above}; a fit "
                "takes pulses of one width of each polarity, so make a table for each width"
            )


def _places(path: Path, columns: list[Column]) -> dict[str, int]:
    """Return where the columns of each role stand, but for those of which there may be several."""
    found: dict[str, list[int]] = {}
    for at, column in enumerate(columns):
        if column.role not in ("value", "cell", "beside", "other"):
            found.setdefault(column.role, []).append(at)
    # Beside the number of a pulse, tables have that of the row.
    of_pulse = [at for at in found.get("pulse", ()) if "pulse" in columns[at].name.lower()]
    if len(of_pulse) == 1:
        found["pulse"] = of_pulse
    for role, several in found.items():
        if len(several) > 1:
            names = ", ".join(columns[at].name for at in several)
            what = {"pulse": "pulse numbers", "gate": "gate voltages"}.get(role, f"the {role} of a pulse")
            raise ConfigError(
                f"{path}: {names} are columns of {what}; a table has one, so put them into one column, or rename "
                "or take out the others"
            )
    return {role: at for role, (at,) in found.items()}


def _check_numbers(
    text: MeasuredText, columns: list[Column], rows: list[TextRow], used: list[int], meaning: ValueMeaning
) -> None:
    """Refuse numbers of which it is not clear where their decimals begin."""
    text.check_decimals(rows, [at for at in used if columns[at].role != "polarity"])
    for at in used:
        unit = columns[at].unit or meaning.unit
        # Thousands are grouped where there are many: in ohms.
        if text.decimal_comma and columns[at].role == "value" and unit == ColumnUnit("resistance", 1.0):
            text.check_thousands(rows, at, columns[at].name)


def _signed(
    text: MeasuredText, columns: list[Column], rows: list[TextRow], choice: Mapping[int, object], meaning: ValueMeaning
) -> ValueMeaning:
    """Return what values mean, with the read voltage as a magnitude unless the currents have its sign, too."""
    if meaning.read_voltage_v is None or meaning.read_voltage_v > 0:
        return meaning
    currents = [at for at in choice if (columns[at].unit or meaning.unit or ColumnUnit(None, 1.0)).kind == "current"]
    values = [text.as_number(row.fields[at]) for row in rows for at in currents if at < len(row.fields)]
    if any(value is not None and value < 0 for value in values):
        return meaning
    return replace(meaning, read_voltage_v=-meaning.read_voltage_v)


def _cell_of(path: Path, line: int, columns: list[Column], fields: list[str], cells: list[int], *, named: bool) -> str:
    """Return the cell that a row names: sample and device together, where both have a column."""
    cell = " ".join(fields[at] for at in cells if fields[at])
    if named and not cell:
        raise ConfigError(
            f"{path}, line {line}: {columns[cells[0]].name} is empty, and other rows name a cell; write it in every row"
        )
    return cell


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
        if value * read_v < 0:
            raise ConfigError(
                f"{path}, line {line}: current {value:g} and the read voltage {read_v:g} V have different signs; "
                "give both as measured, or both as magnitudes"
            )
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
