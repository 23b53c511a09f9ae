"""Activations become input codes: rounded to the nearest, halves to the even one, bounded; all numbers by hand."""

import math

import numpy as np
import pytest

from twinbar.host.nn.input_codes import extremes, quantize


def test_codes_are_the_nearest_ones() -> None:
    values = np.array([-1.0, -0.0, 0.0, 0.24, 0.25, 0.5, 0.75, 1.25, 7.4, 9.0], np.float32)
    codes, seen = np.empty(len(values), np.uint8), np.empty(len(values), np.float32)
    quantize(values, np.float32(2.0), np.float32(15), np.float32(0.5), codes, seen)
    # Twice the values: 0.5, 1.5 and 2.5 lie between two codes.
    assert codes.tolist() == [0, 0, 0, 0, 0, 1, 2, 2, 15, 15]
    assert seen.tolist() == [0.5 * code for code in codes.tolist()]
    assert not np.signbit(seen).any()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2.5], (2.5, 2.5)),
        ([0.5, -3.0, 7.0, 1.0], (-3.0, 7.0)),
        ([0.0, math.inf, -1.0], (-1.0, math.inf)),
        ([-math.inf, 4.0], (-math.inf, 4.0)),
    ],
)
def test_extremes_of_activations(values: list[float], expected: tuple[float, float]) -> None:
    assert extremes(np.array(values, np.float32)) == expected


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_undefined_activation_is_never_passed_over(place: int) -> None:
    values = np.array([1.0, -2.0, math.inf], np.float32)
    values[place] = math.nan
    assert all(math.isnan(value) for value in extremes(values))
