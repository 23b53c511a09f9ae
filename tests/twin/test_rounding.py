"""Rounding to what is stored: expectation, bounds, formats by hand, and draws that nothing but their key decides."""

import math
from typing import Any

import numpy as np
import pytest

from twinbar.host.twin.rounding_kernels import (
    settle_residuals,
    store_fixed_point,
    store_floating_point,
    store_residuals,
)

STEP = 0.5
"""Weight of a level."""
PER_LEVEL = 64
"""Steps of a residual of 8 bits over two levels to either side."""
TOP = 127


class Layer:
    """Weights of one row whose pairs hold levels."""

    def __init__(self, weights: list[float] | np.ndarray, held: list[int] | np.ndarray) -> None:
        self.weights = np.atleast_2d(np.asarray(weights, np.float32)).copy()
        self.hold(held)
        self.levels, self.codes = (np.zeros(self.weights.shape, np.int16) for _ in range(2))
        self.moved, self.changed = (np.zeros(self.weights.shape, np.bool_) for _ in range(2))
        settle_residuals(self.weights, self.plus, self.minus, self.levels, self.codes, STEP, PER_LEVEL, TOP)

    def hold(self, held: list[int] | np.ndarray) -> None:
        pairs = np.atleast_2d(np.asarray(held))
        self.plus, self.minus = (np.maximum(pairs * sign, 0).astype(np.uint8) for sign in (1, -1))

    def store(self, stochastic: bool = True, seed: int = 7, layer: int = 0, step: int = 1) -> int:
        return int(
            store_residuals(
                self.weights, self.plus, self.minus, self.levels, self.codes, STEP, PER_LEVEL, TOP,
                stochastic, seed, layer, step, self.moved, self.changed,
            )
        )  # fmt: skip


def test_a_weight_is_its_level_and_a_residual_in_64ths_of_a_level() -> None:
    # 1.3 and -0.2 are 2.6 and -0.4 levels: -0.4 * 64 is -25.6 steps, nearest -26; 6 levels lie beyond 127 / 64.
    layer = Layer([1.3, -0.2, 6 * STEP, -6 * STEP, 0.0], [3, 0, 0, 0, 0])
    assert layer.codes.tolist() == [[-26, -26, 127, -128, 0]]
    assert layer.weights.tolist() == [[(3 - 26 / 64) * STEP, -26 / 64 * STEP, 127 / 64 * STEP, -2 * STEP, 0.0]]


def test_what_no_step_moved_is_left_alone_and_draws_nothing() -> None:
    layer = Layer(np.random.default_rng(0).normal(0, 1, 1000), [2] * 1000)
    before, codes = layer.weights.copy(), layer.codes.copy()
    assert layer.store() == 0
    assert not layer.moved.any()
    assert not layer.changed.any()
    # A level that cells were brought to moves the residual, not the weight.
    layer.hold([1] * 1000)
    inside = codes[0] + PER_LEVEL <= TOP
    assert layer.store(step=2) == 0
    assert (layer.codes[0] == codes[0] + PER_LEVEL)[inside].all()
    assert np.array_equal(layer.weights[0, inside], before[0, inside])
    assert (layer.codes[0, ~inside] == TOP).all()
    assert np.array_equal(layer.changed[0], layer.codes[0] != codes[0])


@pytest.mark.parametrize("fraction", [0.0625, 0.3, 0.5, 0.9])
def test_rounding_up_is_as_probable_as_the_fraction(fraction: float) -> None:
    n = 40_000
    layer = Layer(np.zeros(n), [0] * n)
    layer.weights += np.float32((5 + fraction) / PER_LEVEL * STEP)
    assert layer.store() == n
    assert set(np.unique(layer.codes)) == {5, 6}
    # Five standard deviations of a binomial.
    assert abs((layer.codes == 6).mean() - fraction) < 5 * math.sqrt(fraction * (1 - fraction) / n)


def test_to_the_nearest_draws_nothing() -> None:
    layer = Layer(np.zeros(4), [0] * 4)
    layer.weights[:] = np.array([0.49, 0.51, -0.49, -0.51], np.float32) / PER_LEVEL * STEP
    assert layer.store(stochastic=False) == 0
    assert layer.codes.tolist() == [[0, 1, 0, -1]]


def test_small_steps_add_up_where_rounding_to_the_nearest_loses_them() -> None:
    n, steps = 2000, 100
    up, nearest = Layer(np.zeros(n), [0] * n), Layer(np.zeros(n), [0] * n)
    for step in range(steps):
        for layer in (up, nearest):
            layer.weights += np.float32(0.2 / PER_LEVEL * STEP)
            layer.store(stochastic=layer is up, step=step)
    assert (nearest.codes == 0).all()
    # The mean of 100 x 0.2 steps; each round has a variance of 0.2 x 0.8.
    assert abs(up.codes.mean() - 20) < 5 * math.sqrt(steps * 0.16 / n)


def codes_of(order: slice, **key: Any) -> np.ndarray:
    layer = Layer(np.zeros(64), [0] * 64)
    layer.weights += np.float32(0.5 / PER_LEVEL * STEP)
    if order.step == -1:
        # Weight by weight, the last one first: the others have not moved yet.
        target = layer.weights.copy()
        for place in range(63, -1, -1):
            layer.weights[0, :place] = 0
            layer.weights[0, place] = target[0, place]
            layer.store(**key)
    else:
        layer.store(**key)
    return layer.codes[0].copy()


def test_a_draw_is_a_function_of_seed_layer_weight_and_step_alone() -> None:
    all_at_once = slice(None, None, 1)
    codes = codes_of(all_at_once)
    assert np.array_equal(codes_of(all_at_once), codes)
    assert np.array_equal(codes_of(slice(None, None, -1)), codes)
    for other in ({"seed": 8}, {"layer": 1}, {"step": 2}):
        assert not np.array_equal(codes_of(all_at_once, **other), codes), other
    assert len(set(codes)) == 2


def fixed(values: list[float], unit: float, top: int = 127, **changes: Any) -> tuple[np.ndarray, np.ndarray]:
    given = {"stochastic": False, "seed": 0, "layer": 0, "purpose": 1, "step": 1} | changes
    stored, codes = np.array(values, np.float32), np.zeros(len(values), np.int32)
    store_fixed_point(stored, codes, unit, top, *given.values(), np.zeros(len(values), np.bool_))
    return stored, codes


def test_a_momentum_is_a_multiple_of_a_unit() -> None:
    stored, codes = fixed([0.3, -0.3, 100.0, -100.0, 0.0], 0.25)
    assert codes.tolist() == [1, -1, 127, -127, 0]
    assert stored.tolist() == [0.25, -0.25, 31.75, -31.75, 0.0]


def floating(values: list[float], mantissa: int, signed: bool, **changes: Any) -> tuple[np.ndarray, np.ndarray]:
    given = {"stochastic": False, "seed": 0, "layer": 0, "purpose": 1, "step": 1} | changes
    stored, codes = np.array(values, np.float32), np.zeros(len(values), np.int32)
    changed = np.zeros(len(values), np.bool_)
    store_floating_point(stored, codes, 0, mantissa, signed, *given.values(), changed)
    return stored, codes


def test_floating_point_of_eight_bits() -> None:
    # E5M2 below 1: the largest is 1.75 / 2, the least normal 2**-31, the least of all a quarter of that.
    values = [0.875, -0.875, 0.5, 0.6, 2.0**-31, 2.0**-33, 0.0, 3.0]
    stored, codes = floating(values, 2, signed=True)
    assert stored.tolist() == [0.875, -0.875, 0.5, 0.625, 2.0**-31, 2.0**-33, 0.0, 0.875]
    assert codes.tolist() == [127, -127, 124, 125, 4, 1, 0, 127]
    # A number that rounds up into the next binade is the first one of it.
    assert floating([0.4999], 2, signed=True)[1].tolist() == [124]


def test_every_number_of_a_format_stands_for_itself_and_they_are_in_order() -> None:
    for mantissa, signed, places in ((2, True, 128), (3, False, 256), (10, True, 2**15)):
        half = 1 << mantissa
        numbers = [whole * 2.0 ** -(31 + mantissa) for whole in range(2 * half)]
        numbers += [
            whole * 2.0 ** (binade - 31 - mantissa) for binade in range(1, 31) for whole in range(half, 2 * half)
        ]
        stored, codes = floating(numbers, mantissa, signed)
        assert stored.tolist() == numbers
        assert codes.tolist() == list(range(places))


def test_a_second_moment_above_zero_is_never_stored_as_zero() -> None:
    stored, _ = floating([0.0, 1e-30, 2.0**-40], 3, signed=False)
    assert stored.tolist() == [0.0, 2.0**-34, 2.0**-34]
    signed, _ = floating([1e-30], 3, signed=True)
    assert signed.tolist() == [0.0]


def test_floating_point_rounds_stochastically_to_its_neighbours() -> None:
    n = 40_000
    stored, _ = floating([0.65] * n, 2, signed=True, stochastic=True)
    # 0.65 is a fifth of the way from 0.625 to 0.75.
    assert set(stored.tolist()) == {0.625, 0.75}
    assert abs((stored == 0.75).mean() - 0.2) < 5 * math.sqrt(0.16 / n)
