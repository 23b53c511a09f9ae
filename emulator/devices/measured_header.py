"""The header of a table of measurements: which columns it has, also where it has no names."""

import re
from dataclasses import replace
from typing import Final

import numpy as np

from twinbar.emulator.devices.measured_columns import Column, column_of, polarity_of, repetition
from twinbar.emulator.devices.measured_text import MeasuredText, TextRow
from twinbar.hw.errors import ConfigError

EXAMPLE: Final = "polarity,pulse,conductance_uS[,cell]"
"""What messages show as a header."""


def read_header(text: MeasuredText) -> tuple[list[Column], list[TextRow]]:
    """Return the columns of a table, and its rows without the header."""
    path, rows = text.path, text.rows
    if not rows:
        raise ConfigError(f"{path}: the header is empty; it must be like {EXAMPLE}")
    if any(text.as_number(item) is not None for item in rows[0].fields):
        # Numbers stand in the first row already; NumPy, for one, writes the header as a comment.
        names = next((row.fields for row in reversed(text.comments) if len(row.fields) == len(rows[0].fields)), None)
        if names is not None and all(text.as_number(name) is None for name in names):
            return _named(text, names), rows
        if not (len(rows) > 1 and _is_header_of_numbers(text)):
            _check_separator(text)
            return _unnamed(text), rows
    return _named(text, rows[0].fields), rows[1:]


def _check_separator(text: MeasuredText) -> None:
    """Refuse two columns of which the second has whole numbers with zeros before them: its commas are decimal."""
    fields = [row.fields for row in text.rows]
    if text.decimal_comma or not all(len(row) == 2 and all(map(str.isdecimal, row)) for row in fields):
        return
    line = next((row.line for row in text.rows if re.fullmatch(r"0\d+", row.fields[1])), None)
    if line is not None:
        raise ConfigError(
            f"{text.path}, line {line}: the comma can be a decimal sign, or separate two columns; write a header "
            "(conductance_uS), or decimals with a point"
        )


def _is_header_of_numbers(text: MeasuredText) -> bool:
    """Say whether repetitions are numbered in a header: one word, and 1, 2, 3 ..."""
    first, second = text.rows[0].fields, text.rows[1].fields
    numbers = [text.as_number(item) for item in first[1:]]
    is_word = text.as_number(first[0]) is None and polarity_of(first[0]) is None
    return is_word and text.as_number(second[0]) is not None and numbers == [float(n + 1) for n in range(len(numbers))]


def _named(text: MeasuredText, names: list[str]) -> list[Column]:
    columns = [column_of(name) for name in names]
    if any(column.role == "value" and column.after for column in columns):
        # The reading before a pulse is the one after the pulse before it, once more.
        columns = [replace(column, role="beside") if column.before else column for column in columns]
    if not any(column.role == "value" for column in columns):
        columns = [repetition(column) if _may_be_repetition(column) else column for column in columns]
    if not any(column.role == "value" for column in columns):
        raise ConfigError(f"{text.path}: the header is {', '.join(names)[:200]}; it must be like {EXAMPLE}")
    return columns


def _may_be_repetition(column: Column) -> bool:
    numbered = any(character.isdigit() for character in column.name)
    return column.role == "other" and (numbered or column.polarity is not None or column.cell is not None)


def _unnamed(text: MeasuredText) -> list[Column]:
    """Tell columns without names apart: words or signs are polarities, whole numbers that count up are pulses."""
    width = len(text.rows[0].fields)
    contents = [[row.fields[at] for row in text.rows if at < len(row.fields)] for at in range(width)]
    columns = [Column(f"column {at + 1}", "value") for at in range(width)]
    numbers = [[text.as_number(item) for item in content] for content in contents]
    for at, (content, found) in enumerate(zip(contents, numbers, strict=True)):
        if all(polarity_of(item) is not None for item in content) and (None in found or len(set(found)) == 2):
            columns[at] = Column(f"column {at + 1}", "polarity")
        elif None in found and not any(column.role == "cell" for column in columns) and "" not in content:
            columns[at] = Column(f"column {at + 1}", "cell")
    left = [at for at, column in enumerate(columns) if column.role == "value"]
    if len(left) > 1 and _counts(numbers[left[0]]):
        columns[left[0]] = Column(columns[left[0]].name, "pulse")
    if not any(column.role == "value" for column in columns):
        raise ConfigError(f"{text.path}, line {text.rows[0].line}: there is no column of conductances")
    return columns


def _counts(numbers: list[float | None]) -> bool:
    """Say whether numbers are whole and count up, from the beginning again now and then."""
    found = [number for number in numbers if number is not None]
    if len(found) < len(numbers) or any(number < 0 or number != int(number) for number in found):
        return False
    steps = np.diff(found)
    return len(steps) > 0 and bool(np.mean(steps > 0) > 0.5) and bool(found[0] <= 1 or np.all(steps == steps[0]))
