"""Values and levels of a table that is not even: 0, 0.5, 1 and 3."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbar.host.update.level_coordinates import closest_levels, in_levels, unevenness, value_of

TABLE = np.array([0, 0.5, 1, 3], np.float32)
finite = st.floats(-300, 300, width=32)


@pytest.mark.parametrize(
    ("value", "coordinate"),
    [
        (0, 0),
        (0.25, 0.5),
        (0.5, 1),
        (0.9, 1.8),
        (2, 2.5),
        (3, 3),
        (4, 3.5),
        (7, 5),
        (-0.25, -0.5),
        (-2, -2.5),
        (-5, -4),
    ],
)
def test_by_hand(value: float, coordinate: float) -> None:
    assert in_levels(np.float32(value), TABLE) == pytest.approx(coordinate, rel=1e-6)
    assert value_of(np.float32(coordinate), TABLE) == pytest.approx(value, rel=1e-6)


def test_distances_by_hand() -> None:
    assert closest_levels(TABLE) == 0.5
    # The third of four levels lies at 1, where 2 would be even.
    assert unevenness(TABLE) == 1
    even = np.arange(16, dtype=np.float32)
    assert (closest_levels(even), unevenness(even)) == (1, 0)


@given(value=finite, levels=st.integers(2, 256))
def test_of_even_levels_both_are_the_same_to_the_bit(value: float, levels: int) -> None:
    even = np.arange(levels, dtype=np.float32)
    for number in (np.float32(value), np.float64(value)):
        assert in_levels(number, even) == number
        assert value_of(number, even) == number


@given(value=finite, gaps=st.lists(st.floats(0.0625, 4, width=32), min_size=1, max_size=30))
def test_there_and_back(value: float, gaps: list[float]) -> None:
    table = np.append(0, np.cumsum(gaps)).astype(np.float32)
    coordinate = in_levels(np.float64(value), table)
    assert value_of(coordinate, table) == pytest.approx(value, rel=1e-9, abs=1e-9)
    nearest = int(np.argmin(np.abs(table - abs(value))))
    # Half way between two levels either is nearest.
    assert abs(abs(coordinate) - nearest) <= 0.5 + 1e-9 or abs(value) > table[-1]
