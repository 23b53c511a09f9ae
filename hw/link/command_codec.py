"""Command beats as bytes: lists of cells in two bytes per cell, runs of input words, and any beat raw.

The bytes of all frames are one stream of items. An item starts with a tag, whose two highest bits say what follows, and
the low half of a beat (opcode, tile and the first arguments; lowest byte first):

RUN   the tag's low six bits count the high halves that follow, four bytes each. Each makes a beat. After every beat
      bits 16 to 25 of the low half count up and bit 26 is cleared, so that words of an input vector (`LOAD`) need four
      bytes each. A count of 0 is one beat whose high half is zero.
LIST  entries follow, for cells in ascending order of tile and row. An entry is a little-endian word with, from its
      lowest bit: column, level, and the rows since the cell before (for the first: since the row in the low half). Rows
      count on through the tiles. A gap of all ones makes no beat: the rest of the word is a number of rows to skip,
      or 0 at the end of the list.

A tag of another kind is malformed, so that a stream of zeros is noticed. Widths are those of `Widths`.
"""

from collections.abc import Generator, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.hw.protocol.commands import CELL, INPUT, WRITING_CELL, users_of
from twinbar.hw.protocol.layouts import COMMAND, MAX_TILES

from .widths import Widths

RUN: Final = 0x40
LIST: Final = 0x80
KIND: Final = 0xC0
MOST_RUN: Final = 63

# Where the fields lie that the codec moves.
_BODY: Final = COMMAND["body"].offset
TILE_START: Final = COMMAND["tile"].offset
ROW_START: Final = _BODY + CELL["row"].offset
COLUMN_START: Final = _BODY + CELL["column"].offset
LEVEL_START: Final = _BODY + CELL["level"].offset
LEVEL_END: Final = _BODY + CELL["level"].end
CLEAR_BIT: Final = _BODY + INPUT["clear"].offset
HALF_BITS: Final = 32
_ROW_MASK = CELL["row"].mask
_LOW_MASK = (1 << HALF_BITS) - 1
_HEAD_BYTES = 5

LISTED: Final = (*users_of(CELL), *users_of(WRITING_CELL))
"""Opcodes whose beats lists can hold."""


def after(low: int) -> int:
    """Return the low half of the next beat of a run."""
    row = (low >> ROW_START) + 1 & _ROW_MASK
    return low & ~(_ROW_MASK << ROW_START | 1 << CLEAR_BIT) | row << ROW_START


def encode(beats: npt.NDArray[np.uint64], widths: Widths) -> bytes:
    """Pack command beats.

    Parameters
    ----------
    beats : uint64 [n]
        Any beats; lists get short where neighbours are cells in ascending order of tile and row.
    widths : Widths

    Returns
    -------
    bytes
        Whole items.
    """
    if not len(beats):
        return b""
    low = (beats & np.uint64(_LOW_MASK)).astype(np.int64)
    high = (beats >> np.uint64(HALF_BITS)).astype(np.int64)
    position, entry_low = _cells(low, high, widths)

    gap = np.diff(position, prepend=position[0])
    same_opcode = np.diff(COMMAND["opcode"].of(low), prepend=COMMAND["opcode"].of(low[0])) == 0
    follows = (gap >= 0) & (gap <= widths.reach) & same_opcode
    follows[1:] &= (entry_low[1:] >= 0) & (entry_low[:-1] >= 0)
    follows[0] = False
    # A list of one cell would be longer than the raw beat.
    listed = follows | np.append(follows[1:], False)
    first_listed = listed & ~follows
    last_listed = listed & ~np.append(follows[1:], False)

    chained = np.append(False, (low[1:] == _after(low[:-1])) & ~listed[1:] & ~listed[:-1])
    number = _number_in_run(chained)
    first_of_run = ~listed & (number % MOST_RUN == 0)
    length = np.diff(np.append(np.flatnonzero(first_of_run), len(beats)))
    runs = np.flatnonzero(first_of_run)
    # Listed beats may lie between one run's end and the next one's start: they are not part of its length.
    length -= np.add.reduceat(listed.astype(np.int64), runs) if len(runs) else 0
    count = np.zeros(len(beats), np.int64)
    count[runs] = np.where((length == 1) & (high[runs] == 0), 0, length)

    gap[first_listed] = 0
    skipped = np.where(gap >= widths.escape, gap - (widths.escape - 1), 0)
    head = first_of_run | first_listed
    tag = np.where(listed, LIST, RUN | count)
    head_low = np.where(listed, low & ((1 << COLUMN_START) - 1), low)
    shift = widths.low_bits
    # A gap that would read as the escape is skipped down to one less.
    skip_word = widths.escape << shift | skipped
    entry_word = gap - skipped << shift | entry_low
    end_word = np.full(len(beats), widths.escape << shift)
    parts = [
        (tag, 1, head),
        (head_low, 4, head),
        (skip_word, widths.entry_bytes, listed & (skipped > 0)),
        (entry_word, widths.entry_bytes, listed),
        (high, 4, ~listed & ~((count == 0) & first_of_run)),
        (end_word, widths.entry_bytes, last_listed),
    ]
    columns = [(value >> 8 * place & 0xFF, kept) for value, size, kept in parts for place in range(size)]
    table = np.stack([value for value, _ in columns], axis=1).astype(np.uint8)
    return table[np.stack([kept for _, kept in columns], axis=1)].tobytes()


def _cells(low: npt.NDArray[np.int64], high: npt.NDArray[np.int64], widths: Widths) -> tuple[npt.NDArray, npt.NDArray]:
    """Return the row of each beat's cell, counted through the tiles, and its column and level as in an entry, or -1."""
    beat = low | high << HALF_BITS
    opcode, tile = COMMAND["opcode"].of(low), COMMAND["tile"].of(low)
    row, column, level = CELL.unpack(COMMAND["body"].of(beat)).values()
    fits = np.isin(opcode, [each.value for each in LISTED]) & (COMMAND["reserved"].of(low) == 0)
    fits &= beat >> LEVEL_END == 0
    fits &= (row < widths.rows) & (column < widths.columns) & (level < 1 << widths.level_bits) & (tile < widths.tiles)
    return tile * widths.rows + row, np.where(fits, level << widths.column_bits | column, -1)


def _after(low: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    row = (low >> ROW_START) + 1 & _ROW_MASK
    return low & ~np.int64(_ROW_MASK << ROW_START | 1 << CLEAR_BIT) | row << ROW_START


def _number_in_run(chained: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    index = np.arange(len(chained))
    return index - np.maximum.accumulate(np.where(chained, 0, index))


class CommandUnpacker:
    """Unpacks command beats from a stream of bytes, as the gateware does.

    Parameters
    ----------
    widths : Widths

    Attributes
    ----------
    malformed : bool
        The stream held a byte that starts no item; nothing behind it is unpacked.
    """

    def __init__(self, widths: Widths) -> None:
        self._widths = widths
        self._bytes = bytearray()
        self._beats = self._unpack()
        self.malformed = False
        self.at_rest = True
        """No item has been begun and not ended."""
        next(self._beats)

    def feed(self, data: bytes) -> list[int]:
        """Take the next bytes of the stream; give the beats that they complete."""
        self._bytes += data
        beats = []
        while (beat := next(self._beats)) is not None:
            beats.append(beat)
        return beats

    def _unpack(self) -> Iterator[int | None]:
        while True:
            tag = yield from self._take(1, resting=True)
            low = yield from self._take(4)
            if tag & KIND == RUN:
                yield from self._run(low, tag & ~KIND)
            elif tag & KIND == LIST:
                yield from self._list(low)
            else:
                self.malformed = True
                while True:
                    yield None

    def _take(self, count: int, *, resting: bool = False) -> Generator[None, None, int]:
        while len(self._bytes) < count:
            self.at_rest = resting and not self._bytes
            yield None
        value = int.from_bytes(self._bytes[:count], "little")
        del self._bytes[:count]
        return value

    def _run(self, low: int, count: int) -> Iterator[int | None]:
        if count == 0:
            yield low
        for _ in range(count):
            high = yield from self._take(4)
            yield low | high << HALF_BITS
            low = after(low)

    def _list(self, low: int) -> Iterator[int | None]:
        widths = self._widths
        shift = widths.low_bits
        head, row, tile = low & (1 << TILE_START) - 1, low >> ROW_START & _ROW_MASK, COMMAND["tile"].of(low)
        while True:
            entry = yield from self._take(widths.entry_bytes)
            gap, rest = entry >> shift & widths.escape, entry & (1 << shift) - 1
            skip = gap == widths.escape
            if skip:
                gap = rest & (1 << widths.skip_bits) - 1
                if not gap:
                    return
            tiles_on, row = divmod(row + gap, widths.rows)
            tile = (tile + tiles_on) % MAX_TILES
            if not skip:
                column = rest & (1 << widths.column_bits) - 1
                level = rest >> widths.column_bits
                cell = row << ROW_START | column << COLUMN_START | level << LEVEL_START
                yield head | tile << TILE_START | cell


def decode(data: bytes, widths: Widths) -> npt.NDArray[np.uint64] | None:
    """Unpack command beats; None if the bytes are not whole items."""
    decoder = CommandUnpacker(widths)
    beats = decoder.feed(data)
    return None if decoder.malformed or not decoder.at_rest else np.array(beats, np.uint64)
