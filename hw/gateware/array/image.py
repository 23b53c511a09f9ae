"""Tables as runs of nearly equal differences: what a bitstream holds where memory starts without contents.

A run is three words and its data: ``length | (16 - bits) << 11``, the step (low word, high word), and ``length`` fields
of ``bits`` bits, lowest first, packed into words. Every entry adds the step and its own field to the entry before; the
first entry of all adds to 0. Everything is modulo 2**32. Tables of quantiles and of smooth responses take one or two
bits per entry in this form.
"""

from collections.abc import Sequence
from typing import Final

LENGTH_BITS: Final = 11
_LENGTH_MASK: Final = (1 << LENGTH_BITS) - 1
_LENGTHS: Final = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320)
"""Lengths of runs that are tried: others would save next to nothing."""
FIELD_SIZES: Final = (0, 1, 2, 4, 8, 16)
_MASK: Final = (1 << 32) - 1
HEADER_WORDS: Final = 3


def compress(values: Sequence[int]) -> list[int]:
    """Return the words that stand for signed 32-bit values: nearly the fewest that runs can do with."""
    steps = [value - before for before, value in zip([0, *values], values, strict=False)]
    # cost[n]: words for the first n steps; ends[n]: where the last run of those begins, and its field size.
    cost = [0] + [1 << 30] * len(steps)
    ends = [(0, 0)] * (len(steps) + 1)
    for start in range(len(steps)):
        for length in _LENGTHS:
            part = steps[start : start + length]
            spread = max(part) - min(part)
            if len(part) < length or spread >= 1 << FIELD_SIZES[-1]:
                break
            bits = next(size for size in FIELD_SIZES if spread < 1 << size)
            words = cost[start] + HEADER_WORDS + -(-length * bits // 16)
            if words < cost[start + length]:
                cost[start + length], ends[start + length] = words, (start, bits)
    runs = []
    end = len(steps)
    while end:
        start, bits = ends[end]
        runs.append((start, end, bits))
        end = start
    return [word for start, end, bits in reversed(runs) for word in _run(steps[start:end], bits)]


def _run(steps: Sequence[int], bits: int) -> list[int]:
    step = min(steps)
    words = [len(steps) | (16 - bits) << LENGTH_BITS, step & 0xFFFF, (step & _MASK) >> 16]
    if bits:
        packed = sum(one - step << place * bits for place, one in enumerate(steps))
        words += [packed >> 16 * place & 0xFFFF for place in range(-(-len(steps) * bits // 16))]
    return words


def expand(words: Sequence[int], entries: int) -> list[int]:
    """Return the values back: what the microprogram does at power-up."""
    values, value, at = [], 0, 0
    while len(values) < entries:
        length, bits = words[at] & _LENGTH_MASK, 16 - (words[at] >> LENGTH_BITS)
        step = words[at + 1] | words[at + 2] << 16
        at += HEADER_WORDS
        size = -(-length * bits // 16)
        packed = sum(word << 16 * place for place, word in enumerate(words[at : at + size]))
        at += size
        for place in range(length):
            value = (value + step + (packed >> place * bits & (1 << bits) - 1)) & _MASK
            values.append(value - (value >> 31 << 32))
    return values
