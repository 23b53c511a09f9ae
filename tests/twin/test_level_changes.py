"""Levels that have changed are noted, and the words counted in which they lie; all numbers by hand."""

import numpy as np

from twinbar.host.twin.level_changes import note_levels


def test_changed_levels_are_noted_and_their_words_counted() -> None:
    plus, minus = np.zeros((3, 4), np.uint8), np.zeros((3, 4), np.uint8)
    noted = plus.copy(), minus.copy()
    plus[0, 1], minus[0, 1], minus[0, 3], plus[2, 0] = 5, 1, 2, 7
    touched = np.full(3, 99, np.int64)
    # Weights 1, 3 and 8: of words of one, four and nine values.
    assert note_levels(plus, minus, *noted, np.array([1, 4, 9]), touched) == 3
    assert touched.tolist() == [3, 2, 1]
    assert np.array_equal(noted[0], plus)
    assert np.array_equal(noted[1], minus)
    assert note_levels(plus, minus, *noted, np.array([1, 4, 9]), touched) == 0
    assert touched.tolist() == [0, 0, 0]
