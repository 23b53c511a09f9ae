"""How wide the packed fields of the link are, for one geometry."""

from dataclasses import dataclass

from twinbar.hw.errors import ConfigError

_WORD = 16
_LONG_WORD = 24
_LEAST_GAP_BITS = 4
_MOST_GAP_BITS = 11
"""Of a gap or a skip: their sum with a row fits 12 bits."""
_LEAST_COUNT_BITS = 5


@dataclass(frozen=True)
class Widths:
    """Widths of packed commands and responses.

    Parameters
    ----------
    tiles, rows, columns : int
        Geometry of the controller.
    adc_bits : int
        Bits of a code that is not negative.
    sum_bits : int
        Bits of a multiplication's signed sum.
    level_bits : int
        Bits of a level in a packed list of cells; writes to higher levels travel as raw beats.

    Raises
    ------
    ConfigError
        If a level or a code has no place.
    """

    tiles: int
    rows: int
    columns: int
    adc_bits: int
    sum_bits: int
    level_bits: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.level_bits <= 8:
            raise ConfigError(f"link.level_bits is {self.level_bits}; it must lie between 1 and 8")

    @property
    def tile_bits(self) -> int:
        """Bits of a tile's number in a response."""
        return (self.tiles - 1).bit_length()

    @property
    def column_bits(self) -> int:
        """Bits of a column in a list entry."""
        return (self.columns - 1).bit_length()

    @property
    def entry_bytes(self) -> int:
        """Bytes of a list entry: 2, or 3 if the gap would have too few bits."""
        return (_WORD if self.low_bits + _LEAST_GAP_BITS <= _WORD else _LONG_WORD) // 8

    @property
    def gap_bits(self) -> int:
        """Bits of a list entry that hold the rows since the entry before."""
        return min(8 * self.entry_bytes - self.low_bits, _MOST_GAP_BITS)

    @property
    def escape(self) -> int:
        """Gap that stands for a skip, or for the end of the list."""
        return (1 << self.gap_bits) - 1

    @property
    def skip_bits(self) -> int:
        """Bits of a skip: it lies where other entries have column and level."""
        return min(self.low_bits, _MOST_GAP_BITS)

    @property
    def reach(self) -> int:
        """Most rows between two neighbouring cells of a list."""
        return (1 << self.skip_bits) - 1 + self.escape - 1

    @property
    def result_bits(self) -> int:
        """Bits of the result in a short response record: a sum; or a code, a polarity and a pulse count."""
        return max(self.sum_bits, self.adc_bits + 1 + _LEAST_COUNT_BITS)

    @property
    def count_bits(self) -> int:
        """Bits of the pulse count in a short response record."""
        return self.result_bits - self.adc_bits - 1

    @property
    def short_bits(self) -> int:
        """Bits of a short response record."""
        return 1 + self.tile_bits + self.result_bits

    @property
    def low_bits(self) -> int:
        """Bits of a list entry below the gap: column and level."""
        return self.column_bits + self.level_bits
