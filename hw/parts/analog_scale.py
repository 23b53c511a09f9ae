"""What codes stand for behind the amplifiers of a front end, where they are known."""

import math
from dataclasses import dataclass
from typing import Final

from twinbar.hw.errors import ConfigError

LIMIT_BITS: Final = 8
"""Bits of a current limit's code."""
_ROUNDING: Final = 1e-9
"""A current that was computed from a code is rarely a binary fraction."""


@dataclass(frozen=True)
class AnalogScale:
    """Volts and siemens of a front end of serial parts.

    The read amplifier has ranges; the lowest bits of a range code are the number of one.

    Parameters
    ----------
    write_full_scale_v : float
        Bit, source and word line of the write drive, and word line of reads, at the end of the DAC's range.
    read_full_scale_v : float
        Bit line of reads and multiplications at the end of the DAC's range.
    read_v, read_word_line_v : float
        What reads and multiplications drive.
    full_scale_s : tuple of float
        Conductance whose current is the ADC's full scale, of each range, the most sensitive first.
    pedestal : tuple of float
        What the ADC gives without a current, in its full scale.
    series_ohm : tuple of float
        In series with the cell.
    limit_offset_a, limit_per_code_a : float
        The current limiter passes the offset and so much for each step of a limit's code.

    Raises
    ------
    ConfigError
        If the drives do not reach the voltages of a read.
    """

    write_full_scale_v: float
    read_full_scale_v: float
    read_v: float
    read_word_line_v: float
    full_scale_s: tuple[float, ...]
    pedestal: tuple[float, ...]
    series_ohm: tuple[float, ...]
    limit_offset_a: float
    limit_per_code_a: float

    def __post_init__(self) -> None:
        for name, volts, full_scale_v in (
            ("reads.bit_line_v", self.read_v, self.read_full_scale_v),
            ("reads.word_line_v", self.read_word_line_v, self.write_full_scale_v),
        ):
            if not 0 < volts < full_scale_v:
                raise ConfigError(f"{name} is {volts:g} V; the drive goes from 0 to {full_scale_v:g} V")

    @property
    def numbers(self) -> int:
        """Numbers that the lowest bits of a range code have room for."""
        return 1 << (len(self.full_scale_s) - 1).bit_length()

    def number_of(self, range_code: int) -> int:
        """Return the number of the range that a range code chooses."""
        return range_code % self.numbers

    def siemens_per_code(self, number: int, adc_bits: int) -> float:
        """Return the conductance of one code in a range."""
        return self.full_scale_s[number] / (1 << adc_bits)

    def most_s(self, number: int) -> float:
        """Return the largest conductance that a range measures."""
        return self.full_scale_s[number] * (1 - self.pedestal[number])

    def range_for(self, siemens: float) -> int:
        """Return the most sensitive range that measures a conductance, or the last one."""
        numbers = range(len(self.full_scale_s))
        return next((number for number in numbers if self.most_s(number) >= siemens), numbers[-1])

    def read_codes(self, dac_bits: int) -> tuple[int, int, int]:
        """Return the codes of bit line, source line and word line while cells are read."""
        bit_line = round(self.read_v / self.read_full_scale_v * (1 << dac_bits))
        word_line = round(self.read_word_line_v / self.write_full_scale_v * (1 << dac_bits))
        return bit_line, 0, word_line

    def limit_code(self, ampere: float) -> int:
        """Return the code of a current limit: the greatest that passes no more.

        Raises
        ------
        ConfigError
            If the limiter cannot be set so low, or so high.
        """
        most = (1 << LIMIT_BITS) - 1
        steps = (ampere - self.limit_offset_a) / self.limit_per_code_a + _ROUNDING
        if not 0 <= steps < most + 1:
            highest = self.limit_offset_a + most * self.limit_per_code_a
            raise ConfigError(
                f"a limit of {ampere:.4g} A cannot be set; the limiter goes from {self.limit_offset_a:.4g} to "
                f"{highest:.4g} A"
            )
        return math.floor(steps)
