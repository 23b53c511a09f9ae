"""Finds what codes stand for, from cells that are resistors of known values."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.host.cells.places import Ints
from twinbar.host.cells.read_calibration import ChannelLine, Floats, ReadCalibration, with_series
from twinbar.hw.errors import ConfigError

_INSIDE: Final = 0.5
"""Mean codes closer than this to either end are cut off there, and say nothing."""
_LEAST: Final = 2
"""Resistors that a channel needs."""
_HEADING: Final = "row,column,ohm"
_MOST_PLACE: Final = 1_000_000
_LEAST_OHM: Final = 1e-6
"""Less is a typing error, and would not even be a conductance."""


def fit_calibration(
    codes: Floats,
    siemens: Floats,
    column: Ints,
    *,
    adc_bits: int,
    channels: int,
    least_code: int = 0,
    series_ohm: float = 0.0,
    full_scale_s: float | None = None,
) -> ReadCalibration:
    """Return the lines of least squares through the codes of known conductances, channel by channel.

    Parameters
    ----------
    codes : float64 [n]
        Mean codes of reads; those at either end of the converter are left out.
    siemens : float64 [n]
        Conductances of the cells, without what is in series with them.
    column : int64 [n]
    adc_bits, channels, least_code : int
        Of the converters.
    series_ohm, full_scale_s
        See `ReadCalibration`.

    Raises
    ------
    ConfigError
        If conductances are negative or not finite; if a channel has not got two that differ, within its range; or they
        lie on no line.
    """
    wrong = siemens[~((siemens >= 0) & np.isfinite(siemens))]
    if wrong.size:
        raise ConfigError(f"a resistor has {wrong[0]:g} S; conductances are finite, and 0 where there is no resistor")
    most = (1 << adc_bits) - 1
    inside = (codes >= least_code + _INSIDE) & (codes <= most - _INSIDE)
    lines = []
    for channel in range(channels):
        own = inside & (column % channels == channel)
        x, y = with_series(siemens[own], series_ohm), codes[own]
        if len(np.unique(x)) < _LEAST:
            raise ConfigError(
                f"ADC channel {channel} has {len(np.unique(x))} different resistors whose codes lie between "
                f"{least_code} and {most}; it needs two: take others, or another range"
            )
        slope, offset = np.polyfit(x, y, 1)
        if not slope > 0:
            raise ConfigError(
                f"the codes of ADC channel {channel} do not rise with the conductance of the resistors; look at the "
                "wires, and at what the record READ drives"
            )
        deviation = float(np.sqrt(np.mean((offset + slope * x - y) ** 2)))
        lines.append(ChannelLine(offset_codes=offset, siemens_per_code=1 / slope, deviation_codes=deviation))
    return ReadCalibration(adc_bits=adc_bits, full_scale_s=full_scale_s, series_ohm=series_ohm, channels=lines)


def read_resistors(file: str | Path) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Read a table of resistors: lines ``row,column,ohm``, after a heading, with comments that begin with ``#``.

    Returns
    -------
    row, column : int64 [n]
    siemens : float64 [n]

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    try:
        # A spreadsheet marks UTF-8 with a byte order mark.
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from None
    except ValueError:  # UnicodeDecodeError, or a zero byte in the name
        raise ConfigError(f"{file} is not a table of resistors: it is not text in UTF-8") from None
    body = [
        (number, [field.strip() for field in line.split(",")])
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    heading = ",".join(body[0][1]) if body else "missing"
    if heading != _HEADING:
        raise ConfigError(f"{file} is not a table of resistors with the heading {_HEADING}: its heading is {heading}")
    found = [_resistor(f"{file}, line {number}", fields) for number, fields in body[1:]]
    if not found:
        raise ConfigError(f"{file} has no resistor below its heading")
    row, column, ohm = zip(*found, strict=True)
    places = list(zip(row, column, strict=True))
    for place in places:
        if places.count(place) > 1:
            raise ConfigError(f"{file} has two resistors at row {place[0]}, column {place[1]}; a cell is one of them")
    return np.array(row, np.int64), np.array(column, np.int64), 1 / np.array(ohm)


def _resistor(place: str, fields: list[str]) -> tuple[int, int, float]:
    try:
        row, column = (int(field) for field in fields[:2])
        (ohm,) = (float(field) for field in fields[2:])
    except ValueError:
        raise ConfigError(f"{place} is {','.join(fields)!r}; it must be a row, a column and Ohm") from None
    if not 0 <= row <= _MOST_PLACE or not 0 <= column <= _MOST_PLACE:
        raise ConfigError(f"{place}: row {row}, column {column} is outside of any array")
    if not ohm >= _LEAST_OHM:
        raise ConfigError(f"{place}: a resistor has {ohm:g} Ohm; write inf where there is none")
    return row, column, ohm
