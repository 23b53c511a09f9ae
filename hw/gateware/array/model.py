"""What the emulated array must know of its cells and converters; made by whoever knows a preset."""

from dataclasses import dataclass
from typing import Final

from twinbar.hw.errors import ConfigError

from .cell_functions import CellFunctions

_CONDUCTANCE_MAX: Final = (1 << 26) - 1
_WORD_MAX: Final = (1 << 15) - 1


@dataclass(frozen=True)
class ConversionFormats:
    """Range codes and fixed-point formats of conversions, as the emulator has them.

    Parameters
    ----------
    range_bits : int
        Bits of the mantissa of a range code, its leading one excepted.
    range_exponent_max : int
        Larger exponents stand for this one.
    range_point : int
        Binary places of a full scale at exponent 0.
    gain_bits, ku_bits : int
        Significant bits of a range's gain and variance factor.
    read_gain_shift, read_ku_shift : int
        Binary places of those of single-cell reads.
    """

    range_bits: int
    range_exponent_max: int
    range_point: int
    gain_bits: int
    ku_bits: int
    read_gain_shift: int
    read_ku_shift: int


@dataclass(frozen=True)
class ArrayModel:
    """Cells and converters of an emulated array: functions, and the tables and numbers of what is written by hand.

    Parameters
    ----------
    seed : int
        64 bits, mixed already.
    stuck_low, stuck_high, non_responding : int
        Probabilities times 2**32.
    threshold : (int, int)
        Least amplitude codes of a SET and a RESET pulse that move a cell.
    gauss : tuple of int
        Q12 quantiles of the standard normal deviate, symmetric around zero.
    gain : (tuple of int, tuple of int)
        Q12 factors of a cell's SET and RESET, by quantile.
    mean, sigma : (tuple of int, tuple of int)
        Q24 change by a SET and a RESET pulse, and its spread, by position in the window.
    grid_limit : int
        Largest value of the read grid.
    variance : int
        Read-noise variance of every cell.
    variance_unit, variance_shift : int
        ``variance_unit / 2**variance_shift`` is one unit of variance in read-grid units squared.
    read_gain, read_ku : int
        Q20 codes per read-grid unit, and Q16 factor of the variance, of single-cell reads.
    converter_variance : int
        Of the converter itself, in (2**-8 codes)^2.
    reference : int
        Current of the reference source in read-grid units.
    code_min, code_max : int
        Range of unsubtracted codes.
    offset : int
        Standard deviation of an output's offset in 2**-8 codes.
    formats : ConversionFormats
    functions : CellFunctions

    Raises
    ------
    ConfigError
        If the machine cannot compute it.
    """

    seed: int
    stuck_low: int
    stuck_high: int
    non_responding: int
    threshold: tuple[int, int]
    gauss: tuple[int, ...]
    gain: tuple[tuple[int, ...], tuple[int, ...]]
    mean: tuple[tuple[int, ...], tuple[int, ...]]
    sigma: tuple[tuple[int, ...], tuple[int, ...]]
    grid_limit: int
    variance: int
    variance_unit: int
    variance_shift: int
    read_gain: int
    read_ku: int
    converter_variance: int
    reference: int
    code_min: int
    code_max: int
    offset: int
    formats: ConversionFormats
    functions: CellFunctions

    def __post_init__(self) -> None:
        if any(one != -other for one, other in zip(self.gauss, reversed(self.gauss), strict=True)):
            raise ConfigError("the emulated array keeps half of its normal deviates; give them symmetric around zero")
        words = (*self.gauss, *self.gain[0], *self.gain[1], self.grid_limit)
        if max(words) > _WORD_MAX or min(self.gain[0] + self.gain[1]) < 0:
            raise ConfigError(
                "the emulated array keeps gains and read-grid values in 16 bits; give a smaller spread of the gain "
                "(factors below 8) or fewer grid bits"
            )
        if self.read_gain >= 1 << 31:
            raise ConfigError(
                "single reads have more than 2**11 codes per read-grid unit, beyond the emulated array; give more "
                "grid bits"
            )
        for function in (self.functions.form, self.functions.pulse):
            after = function.steps[function.results[0]]
            if not 0 <= after.low <= after.high <= _CONDUCTANCE_MAX:
                raise ConfigError("the emulated array keeps conductances in 26 bits; give a window below 4 Gmax")

    @property
    def bits(self) -> int:
        """Resolution of a conversion."""
        return self.code_max.bit_length()

    @property
    def pair_range(self) -> tuple[int, int]:
        """Least and greatest code of a subtracted pair."""
        return -(1 << self.bits - 1), (1 << self.bits - 1) - 1

    @property
    def has_faults(self) -> bool:
        """Whether cells can be faulty."""
        return bool(self.stuck_low or self.stuck_high or self.non_responding)
