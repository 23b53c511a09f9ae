"""Measured pulse trains from a CSV file: polarity, pulse number, conductance, and the cell where there are several."""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.quantity import UNITS
from twinbar.hw.errors import ConfigError

_POLARITIES: Final = {
    **dict.fromkeys(("set", "ltp", "p", "up", "+", "+1", "1"), SET),
    **dict.fromkeys(("reset", "ltd", "d", "down", "-", "-1"), RESET),
}
_CONDUCTANCE: Final = re.compile(r"(?:conductance|g)[\s_]*[\[(]?\s*([munpµμ]?S)\s*[\])]?", re.IGNORECASE)
_EXAMPLE: Final = "polarity,pulse,conductance_uS[,cell]"


@dataclass(frozen=True)
class PulseTrain:
    """Consecutive pulses of one polarity on one cell.

    Parameters
    ----------
    cell : str
    polarity : int
        `SET` or `RESET`.
    conductance_s : (n + 1,) array
        Before the first pulse and after each of the ``n`` pulses, in siemens.
    """

    cell: str
    polarity: int
    conductance_s: NDArray[np.float64]

    @property
    def pulses(self) -> int:
        """Return the number of pulses."""
        return len(self.conductance_s) - 1


class _Row(NamedTuple):
    line: int
    cell: str
    polarity: int
    pulse: int
    conductance_s: float


def read_pulse_trains(path: Path) -> list[PulseTrain]:
    """Read a CSV file of measured pulses, rows in the order of the measurement of each cell.

    The header names the columns ``polarity`` (SET or RESET; LTP or LTD), ``pulse`` (its number, counted up by one
    within a train), ``conductance_uS`` (the conductance after that pulse; the unit stands in the name) and, where there
    are several cells, ``cell``. Pulse 0 is the state before the first pulse; where it is missing, a train begins at the
    last conductance that the cell had before, and the cell's very first train at its first row.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a column or a value is not as described; the text names the line.
    """
    rows_by_cell: dict[str, list[_Row]] = {}
    for row in _rows(path):
        rows_by_cell.setdefault(row.cell, []).append(row)
    trains: list[PulseTrain] = []
    for rows in rows_by_cell.values():
        trains.extend(_trains(path, rows))
    if not trains:
        raise ConfigError(f"{path} has no two conductances in a row on one cell; a fit needs pulse trains")
    return trains


def _trains(path: Path, rows: list[_Row]) -> Iterator[PulseTrain]:
    values: list[float] = []
    last: _Row | None = None
    for row in rows:
        if last is not None and row.polarity == last.polarity and row.pulse > last.pulse:
            if row.pulse != last.pulse + 1:
                raise ConfigError(
                    f"{path}, line {row.line}: the pulse number jumps from {last.pulse} to {row.pulse}; "
                    "a fit needs the conductance after every pulse"
                )
            values.append(row.conductance_s)
        else:
            if last is not None and len(values) > 1:
                yield PulseTrain(last.cell, last.polarity, np.array(values))
            continues = last is not None and row.pulse > 0
            values = [values[-1], row.conductance_s] if continues else [row.conductance_s]
        last = row
    if last is not None and len(values) > 1:
        yield PulseTrain(last.cell, last.polarity, np.array(values))


def _rows(path: Path) -> Iterator[_Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read {path}: {reason}") from None
    reader = csv.reader(text.splitlines(), skipinitialspace=True)
    header = [name.strip() for name in next(reader, [])]
    names = [name.lower().replace(" ", "_") for name in header]
    matches = [_CONDUCTANCE.fullmatch(name) for name in header]
    at_conductance = next((index for index, match in enumerate(matches) if match), None)
    at_pulse = next((index for index, name in enumerate(names) if name in ("pulse", "pulse_number", "pulses")), None)
    if at_conductance is None or at_pulse is None or "polarity" not in names:
        raise ConfigError(f"{path}: the header is {', '.join(header) or 'empty'}; it must be like {_EXAMPLE}")
    match = matches[at_conductance]
    assert match is not None
    unit = match.group(1)
    unit = (unit[:-1].lower().replace("µ", "u").replace("μ", "u")) + "S"
    factor = UNITS["conductance"][unit]
    at_polarity = names.index("polarity")
    at_cell = next((index for index, name in enumerate(names) if name in ("cell", "cell_id", "device")), None)
    for fields in reader:
        if not any(field.strip() for field in fields):
            continue
        line = reader.line_num
        if len(fields) != len(header):
            raise ConfigError(f"{path}, line {line}: {len(fields)} fields under a header of {len(header)}")
        polarity = _POLARITIES.get(fields[at_polarity].strip().lower())
        if polarity is None:
            raise ConfigError(f"{path}, line {line}: polarity {fields[at_polarity]!r} is neither SET nor RESET")
        conductance = _number(path, line, header[at_conductance], fields[at_conductance])
        if conductance <= 0:
            raise ConfigError(f"{path}, line {line}: conductance {conductance:g} is not greater than zero")
        pulse = _number(path, line, header[at_pulse], fields[at_pulse])
        if pulse < 0 or pulse != int(pulse):
            raise ConfigError(f"{path}, line {line}: pulse {pulse:g} is not a whole number, zero or more")
        cell = fields[at_cell].strip() if at_cell is not None else ""
        yield _Row(line, cell, polarity, int(pulse), conductance * factor)


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{path}, line {line}: {name} is {text!r}, not a number")
    return value
