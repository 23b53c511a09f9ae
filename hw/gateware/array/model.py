"""What the emulated array must know of its cells and converters: integers only, made by whoever knows a preset."""

from dataclasses import dataclass
from typing import Final

from twinbar.hw.errors import ConfigError

STEP_BINS: Final = 512
TRAIT_BINS: Final = 1024
GAUSS_BINS: Final = 4096
"""Sizes of the tables; those of the cell model."""
_WORD_MAX: Final = (1 << 15) - 1


@dataclass(frozen=True)
class ArrayModel:
    """Cells and converters of an emulated array, in the fixed-point formats of the emulator's cell model.

    Parameters
    ----------
    seed : int
        64 bits, mixed already.
    low, high : int
        Q24 window of every cell.
    bin_scale : int
        ``STEP_BINS * 2**32 / (high - low)``.
    initial : int
        Q24 conductance after forming.
    noise_clip : int
        Q12 limit of the deviate of a pulse.
    stuck_low, stuck_high, non_responding : int
        Probabilities times 2**32.
    threshold : (int, int)
        Least amplitude codes of a SET and a RESET pulse that move a cell.
    gauss : tuple of int [GAUSS_BINS]
        Q12 quantiles of the standard normal deviate.
    gain : (tuple of int [TRAIT_BINS], tuple of int [TRAIT_BINS])
        Q12 factors of a cell's SET and RESET, by quantile.
    gain_shared : bool
        One draw decides both.
    mean, sigma : (tuple of int [STEP_BINS], tuple of int [STEP_BINS])
        Q24 change by a SET and a RESET pulse, and its spread, by position in the window.
    grid_shift, grid_limit : int
        From Q24 to the read grid, and its largest value.
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
    gain_error : int
        Q16 standard deviation of the gain of a channel.

    Raises
    ------
    ConfigError
        If the machine cannot compute it.
    """

    seed: int
    low: int
    high: int
    bin_scale: int
    initial: int
    noise_clip: int
    stuck_low: int
    stuck_high: int
    non_responding: int
    threshold: tuple[int, int]
    gauss: tuple[int, ...]
    gain: tuple[tuple[int, ...], tuple[int, ...]]
    gain_shared: bool
    mean: tuple[tuple[int, ...], tuple[int, ...]]
    sigma: tuple[tuple[int, ...], tuple[int, ...]]
    grid_shift: int
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
    gain_error: int

    def __post_init__(self) -> None:
        half = GAUSS_BINS // 2
        if len(self.gauss) != GAUSS_BINS or any(self.gauss[half - 1 - n] != -self.gauss[half + n] for n in range(half)):
            raise ConfigError(
                f"the emulated array keeps half of its normal deviates; give {GAUSS_BINS}, symmetric around zero"
            )
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
        if not 0 <= self.low <= self.initial <= self.high < 1 << 26:
            raise ConfigError("the emulated array forms its cells inside the window; give such an initial conductance")

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
