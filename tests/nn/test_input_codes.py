"""Activations become input codes: rounded to the nearest, halves to the even one, bounded; all numbers by hand."""

import math

import numpy as np
import pytest

from twinbar.host.nn.input_codes import PARTS, extremes, least_error_range, quantize


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


def sum_of_errors(values: np.ndarray, highest: float, top: int) -> float:
    codes, seen = np.empty(len(values), np.uint8), np.empty(len(values), np.float32)
    quantize(values, np.float32(top / highest), np.float32(top), np.float32(highest / top), codes, seen)
    return float(np.square(values - seen, dtype=np.float64).sum())


def test_activations_that_the_codes_meet_are_not_cut() -> None:
    values = np.array([0, 1, 2, 3], np.float32)
    # Code by code; with a range of 1.5, 2 and 3 would be off by 0.5 and 1.5.
    assert least_error_range(values, 3.0, 3) == 3.0


def test_a_lone_large_activation_is_cut() -> None:
    # Codes 0 to 3. Up to 8: 1 is seen as 0, a hundred errors of 1. Up to 4 (steps of 4/3): errors of 1/3 and one of 4,
    # squares of 27.1 in all. Up to 3: no errors but one of 5, 25. Up to 2 (steps of 2/3): of 1/3 and one of 6, 47.1.
    values = np.array([1.0] * 100 + [8.0], np.float32)
    assert least_error_range(values, 8.0, 3) == 3.0
    # Ten of them do not outweigh it: 10 up to 8; up to 7 (steps of 7/3), 10 and 1.
    assert least_error_range(values[90:], 8.0, 3) == 8.0


def test_signs_do_not_matter() -> None:
    values = np.array([-1.0] * 50 + [1.0] * 50 + [-8.0], np.float32)
    assert least_error_range(values, 8.0, 3) == 3.0


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_no_other_part_has_a_smaller_error(bits: int) -> None:
    rng = np.random.default_rng(bits)
    values = np.maximum(rng.normal(size=5000), 0).astype(np.float32)
    top, largest = (1 << bits) - 1, float(values.max())
    errors = {part: sum_of_errors(values, largest * part / PARTS, top) for part in range(2, PARTS + 1)}
    best = min(errors, key=errors.__getitem__)
    assert least_error_range(values, largest, top) == largest * best / PARTS
    # The fewer codes, the more is worth cutting.
    assert (best < 6) == (bits == 2)
    assert (best == PARTS) == (bits == 6)
