"""What the codes of single reads stand for on one board, found with resistors that are known."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import tomli_w
from pydantic import ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from twinbar.host.cells.places import Ints
from twinbar.host.report.files import write_text
from twinbar.hw import toml
from twinbar.hw.errors import ConfigError
from twinbar.hw.toml_table import TomlTable

Floats = npt.NDArray[np.float64]

_SAME_SCALE: Final = 1e-3
"""Relative: full scales that are the same."""


class FiniteTable(TomlTable):
    """A table whose numbers are finite."""

    model_config = ConfigDict(allow_inf_nan=False)


class ChannelLine(FiniteTable):
    """Codes of an ADC channel: ``offset_codes + conductance / siemens_per_code``.

    Parameters
    ----------
    offset_codes : float
    siemens_per_code : float
    deviation_codes : float
        Root mean square of what the resistors' codes lie beside that line.
    """

    offset_codes: float
    siemens_per_code: PositiveFloat
    deviation_codes: float = Field(ge=0)


class ReadCalibration(FiniteTable):
    """A correction of reads: a line for each ADC channel, in the range in which it was made.

    It belongs to one tile, and to the offsets that were in its registers: calibrate these first, every time.

    Parameters
    ----------
    adc_bits : int
    full_scale_s : float, optional
        Nominal conductance of the end of the range; none: it is not known.
    series_ohm : float
        In series with every cell, and taken off.
    channels : list of ChannelLine
        The channel of column c is ``c`` modulo their number.
    """

    adc_bits: PositiveInt
    full_scale_s: PositiveFloat | None = None
    series_ohm: float = Field(default=0.0, ge=0)
    channels: list[ChannelLine] = Field(min_length=1)

    def siemens(self, codes: npt.ArrayLike, column: Ints) -> Floats:
        """Return the conductances that codes of columns stand for."""
        offset, per_code = self._lines(column)
        seen = (np.asarray(codes, np.float64) - offset) * per_code
        return without_series(seen, self.series_ohm)

    def codes(self, siemens: Floats, column: Ints) -> Floats:
        """Return the codes, not rounded, of conductances in columns."""
        offset, per_code = self._lines(column)
        return offset + with_series(siemens, self.series_ohm) / per_code

    def _lines(self, column: Ints) -> tuple[Floats, Floats]:
        channel = np.asarray(column) % len(self.channels)
        offset = np.array([line.offset_codes for line in self.channels])
        per_code = np.array([line.siemens_per_code for line in self.channels])
        return offset[channel], per_code[channel]

    def check(self, adc_bits: int, channels: int, full_scale_s: float | None) -> None:
        """Refuse a front end that it was not made with.

        Raises
        ------
        ConfigError
        """
        if (self.adc_bits, len(self.channels)) != (adc_bits, channels):
            raise ConfigError(
                f"the calibration is of {len(self.channels)} ADC channels with {self.adc_bits} bits, and the tile has "
                f"{channels} with {adc_bits}; calibrate again"
            )
        if self.full_scale_s is None or full_scale_s is None:
            return
        if abs(self.full_scale_s / full_scale_s - 1) > _SAME_SCALE:
            raise ConfigError(
                f"the calibration was made in a range of {self.full_scale_s:.4g} S, and reads are made in one of "
                f"{full_scale_s:.4g} S; calibrate in this one"
            )

    def save(self, file: str | Path) -> None:
        """Write a file that `load_calibration` reads; its folder is made where it is missing.

        Raises
        ------
        ConfigError
            If it cannot be written; an older file is then as it was.
        """
        write_text(Path(file), tomli_w.dumps(self.model_dump(exclude_none=True)))


def with_series(siemens: Floats, series_ohm: float) -> Floats:
    """Return the conductance of cells together with what is in series with them."""
    return siemens / (1 + siemens * series_ohm)


def without_series(siemens: Floats, series_ohm: float) -> Floats:
    """Return the conductance of cells alone."""
    return siemens / (1 - siemens * series_ohm)


def load_calibration(file: str | Path) -> ReadCalibration:
    """Read a file of `ReadCalibration.save`.

    Raises
    ------
    ConfigError
        If it cannot be read, or is not one.
    """
    content = toml.read(Path(file), f"calibration {file}")
    try:
        return ReadCalibration.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"calibration {file}: {place}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None
