"""How numbers of a few bits lie in the words of a memory, and which words an access of some of them touches."""

import numpy as np


def words_of(values: int, bits: int, word_bits: int) -> int:
    """Count the words that hold a number of values, one after the other.

    Parameters
    ----------
    values : int
    bits : int
        Bits of a value. As many as fit share a word, none lies in two; a value that is wider than a word takes several.
    word_bits : int
    """
    if bits > word_bits:
        return values * -(-bits // word_bits)
    return -(-values // (word_bits // bits))


def words_touched(marked: np.ndarray, bits: int, word_bits: int) -> int:
    """Count the words that hold at least one of the marked values.

    Parameters
    ----------
    marked : bool array
        Which values, in the order of the memory.
    bits, word_bits : int
        As of `words_of`.
    """
    places = np.flatnonzero(marked)
    if bits > word_bits:
        return len(places) * -(-bits // word_bits)
    words = places // (word_bits // bits)
    return len(words) and 1 + int(np.count_nonzero(np.diff(words)))
