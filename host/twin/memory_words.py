"""How numbers of a few bits lie in the words of a memory, and which words an access of some of them touches."""

import functools

import numpy as np


@functools.cache
def words_of(values: int, bits: int, word_bits: int) -> int:
    """Count the words that hold a number of values, one after the other.

    Parameters
    ----------
    values : int
    bits : int
        Bits of a value. As many as fit share a word, none lies in two; a value that is wider than a word takes several.
    word_bits : int
    """
    together, words = in_words(bits, word_bits)
    return -(-values // together) * words


def in_words(bits: int, word_bits: int) -> tuple[int, int]:
    """Return how many values of some bits share a word, and how many words such a group takes; one of them is 1."""
    return max(word_bits // bits, 1), -(-bits // word_bits)


def words_touched(marked: np.ndarray, bits: int, word_bits: int) -> int:
    """Count the words that hold at least one of the marked values.

    Parameters
    ----------
    marked : bool array
        Which values, in the order of the memory.
    bits, word_bits : int
        As of `words_of`.
    """
    together, words = in_words(bits, word_bits)
    groups = np.flatnonzero(marked) // together
    return (1 + int(np.count_nonzero(np.diff(groups)))) * words if len(groups) else 0
