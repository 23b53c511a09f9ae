"""Levels that have changed are noted, and the words counted in which they lie; all numbers by hand."""

import numpy as np
import pytest

from twinbar.host.twin.level_changes import note_levels, note_listed_levels


@pytest.mark.parametrize("listed", [False, True])
def test_changed_levels_are_noted_and_their_words_counted(listed: bool) -> None:
    plus, minus = np.zeros((3, 4), np.uint8), np.zeros((3, 4), np.uint8)
    levels = plus, minus, plus.copy(), minus.copy()
    plus[0, 1], minus[0, 1], minus[0, 3], plus[2, 0] = 5, 1, 2, 7
    touched = np.full(3, 99, np.int64)
    # Weights 1, 3 and 8, in words of one, four and nine values; weight 5 is written to the level that it has.
    origins = np.array([2, 3, 7, 10, 16], np.int32)
    for words in ([3, 2, 1], [0, 0, 0]):
        if listed:
            note_listed_levels(origins, *levels, np.array([1, 4, 9]), touched)
        else:
            note_levels(*levels, np.array([1, 4, 9]), touched)
        assert touched.tolist() == words
        assert np.array_equal(levels[2], plus)
        assert np.array_equal(levels[3], minus)


def test_levels_of_cells_that_are_not_listed_are_not_looked_at() -> None:
    plus, minus = np.full((2, 2), 3, np.uint8), np.zeros((2, 2), np.uint8)
    noted = np.zeros((2, 2), np.uint8)
    touched = np.zeros(1, np.int64)
    note_listed_levels(np.array([4], np.int32), plus, minus, noted, minus.copy(), np.array([1]), touched)
    assert noted.tolist() == [[0, 0], [3, 0]]
    assert touched.tolist() == [1]
