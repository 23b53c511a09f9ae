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
        If a channel has not got two conductances that differ, within its range; or they lie on no line.
    """
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
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        body = [line.split(",") for line in lines if line.strip() and not line.startswith("#")]
        if body[0] != ["row", "column", "ohm"]:
            raise ValueError(f"its heading is {','.join(body[0])}")
        row, column = (np.array([int(line[place]) for line in body[1:]], np.int64) for place in (0, 1))
        ohm = np.array([float(line[2]) for line in body[1:]])
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError(f"{file} is no table of resistors with the heading row,column,ohm: {error}") from None
    if not (ohm > 0).all():
        raise ConfigError(f"{file}: a resistor has {ohm[ohm <= 0][0]:g} Ohm; write inf where there is none")
    return row, column, 1 / ohm
