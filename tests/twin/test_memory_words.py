"""Words that hold numbers of a few bits, counted by hand."""

import numpy as np
import pytest

from twinbar.host.twin.memory_words import words_of, words_touched


@pytest.mark.parametrize(
    ("values", "bits", "word_bits", "words"),
    [
        (8, 8, 32, 2),
        (9, 8, 32, 3),
        (9, 8, 8, 9),
        (5, 12, 32, 3),  # two of 12 bits in a word, the other 8 bits are left empty
        (5, 16, 8, 10),  # two words for each
        (5, 12, 8, 10),
        (5, 4, 64, 1),
        (0, 8, 32, 0),
    ],
)
def test_values_share_words_and_none_lies_in_two(values: int, bits: int, word_bits: int, words: int) -> None:
    assert words_of(values, bits, word_bits) == words
    assert words_touched(np.ones(values, np.bool_), bits, word_bits) == words


def test_a_word_is_touched_once_whatever_changes_in_it() -> None:
    #          word 0                     word 1                       word 2
    marked = [True, True, False, False, False, False, False, False, False, True]
    of = np.array(marked)
    assert words_touched(of, 8, 32) == 2
    assert words_touched(of, 8, 16) == 2  # values 0 and 1 share a word, value 9 lies in the fifth one
    assert words_touched(of, 8, 8) == 3
    assert words_touched(of, 16, 8) == 6
    assert words_touched(of.reshape(2, 5), 8, 64) == 2
    assert words_touched(np.zeros(10, np.bool_), 8, 32) == 0
