"""Policies on cells whose levels are not evenly spaced: 0, 0.5, 1 and 3, in mean spacings."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from recorded_access import STEP

from twinbar.host.update.every_cell import every_cell
from twinbar.host.update.kept_levels import KeptLevels
from twinbar.host.update.kernels import GIVE_UP_AFTER, record_responses
from twinbar.host.update.policies.siamese import Siamese, SiameseSettings
from twinbar.host.update.programmed import ProgrammedLayer

TABLE = [0.0, 0.5, 1.0, 3.0]
Layers = Callable[..., ProgrammedLayer]


def twin(values: Any) -> np.ndarray:
    return np.atleast_2d(np.asarray(values, np.float32)) * np.float32(STEP)


def siamese(threshold: float = 1.0, bound: float | None = None, **choices: Any) -> Siamese:
    return Siamese(SiameseSettings(threshold=threshold, threshold_end=threshold, twin_bound=bound, **choices))


def decided(policy: Siamese, weights: np.ndarray, cells: ProgrammedLayer) -> dict[tuple[int, str], int]:
    """Levels that are written, by input and cell."""
    decision = policy.decide(weights, cells, 0.0)
    return {
        (int(origin) // 2, "+-"[origin % 2]): int(level)
        for origin, level in zip(decision.origins, decision.levels, strict=True)
    }


def test_weights_are_differences_of_positions(layer: Layers) -> None:
    cells = layer([[3, 1, -2]], positions=TABLE)
    assert cells.weights.tolist() == [[3 * STEP, 0.5 * STEP, -STEP]]
    cells.minus[0, 0] = 2
    assert cells.weights[0, 0] == 2 * STEP


def test_hysteresis_counts_the_levels_that_lie_there(layer: Layers) -> None:
    # From level 1, at 0.5, the next one is at 1: 0.9 is 0.8 levels away. From level 2, at 1, it is at 3.
    cells = layer([[1, 1, 2, 2, 2]], positions=TABLE)
    found = decided(siamese(1.0), twin([[0.9, 1.0, 2.9, 3.0, 0.49]]), cells)
    assert found == {(1, "+"): 2, (3, "+"): 3, (4, "+"): 1}


def test_plain_rounding_turns_half_way(layer: Layers) -> None:
    cells = layer([[0, 0, 2, 2, -2, -2, 1]], positions=TABLE)
    found = decided(siamese(0.5), twin([[0.24, 0.25, 1.99, 2.0, -1.99, -2.01, -0.3]]), cells)
    # Half way upwards, as with even levels.
    assert found == {(1, "+"): 1, (3, "+"): 3, (5, "-"): 3, (6, "+"): 0, (6, "-"): 1}


def test_the_twin_may_run_away_by_so_many_levels_of_those_that_lie_there(layer: Layers) -> None:
    # Beyond the highest level it goes on as below it: 1.5 levels of 2. Within, 0.75 levels above 1 are 1.5 more.
    cells = layer([[3, 2]], positions=TABLE)
    cells.failures[:, 0, 1] = GIVE_UP_AFTER
    weights = twin([[9.0, 3.0]])
    assert decided(siamese(0.5, bound=1.5), weights, cells) == {}
    assert weights / STEP == pytest.approx(np.array([[6.0, 3.0]]))
    decided(siamese(0.5, bound=0.75), weights, cells)
    assert weights / STEP == pytest.approx(np.array([[4.5, 2.5]]))


@pytest.mark.parametrize(("compensation", "kept"), [("residual", 2.5), ("none", 3.0)])
def test_what_is_cut_off_is_kept_or_forgotten(layer: Layers, compensation: Any, kept: float) -> None:
    cells = layer([[1]], positions=TABLE)
    assert decided(siamese(compensation=compensation), weights := twin([[2.5]]), cells) == {(0, "+"): 3}
    assert weights[0, 0] / STEP == pytest.approx(kept)


def test_what_was_read_is_a_value(layer: Layers) -> None:
    # Read at 2, half way between 1 and 3, the second pair is 0.5 levels off where it should be at 3.
    cells = layer([[3, 3]], positions=TABLE, keep_read_back=True)
    assert cells.read_plus is not None
    assert cells.read_plus.tolist() == [[3, 3]]
    cells.read_plus[0, 1] = 2.0
    policy = siamese(0.5, compensation="read-back")
    assert decided(policy, twin([[3.0, 3.0]]), cells) == {(1, "+"): 3}
    cells.read_plus[0, 1] = 2.1
    assert decided(policy, twin([[3.0, 3.0]]), cells) == {}


def test_the_partner_of_a_refusing_cell_is_rounded_for_itself(layer: Layers) -> None:
    # Stuck at 3: 1.9 is 3 - 1 rather than 3 - 0, 2.4 is 3 - 0.5, and -2 is as far as 3 - 3 goes.
    cells = layer([[3, 3, 3]], positions=TABLE)
    cells.failures[0] = GIVE_UP_AFTER
    assert decided(siamese(0.1), twin([[1.9, 2.4, -2.0]]), cells) == {(0, "-"): 2, (1, "-"): 1, (2, "-"): 3}
    # Stuck at 1 on the other side: 0.4 is 1.4 - 1, for which 1 is the nearest; 1.2 would be 2.2, nearest to 3.
    other = layer([[-2, -2]], positions=TABLE)
    other.failures[1] = GIVE_UP_AFTER
    assert decided(siamese(0.1), twin([[0.4, 1.2]]), other) == {(0, "+"): 2, (1, "+"): 3}


def test_the_mean_of_stochastic_rounding_is_the_twin(layer: Layers) -> None:
    shape = 40, 500
    cells = layer(np.zeros(shape), positions=TABLE)
    drawing = siamese(0.5, rounding="stochastic")
    drawing.prepare([cells])
    drawing.decide(np.full(shape, 1.5 * STEP, np.float32), cells, 0.0)
    # 1.5 lies a quarter of the way from 1 to 3.
    assert set(np.unique(cells.plus)) == {2, 3}
    deviation = math.sqrt(0.25 * 0.75 / cells.plus.size)
    assert np.mean(cells.plus == 3) == pytest.approx(0.25, abs=4 * deviation)
    assert cells.weights.mean() / STEP == pytest.approx(1.5, abs=4 * 2 * deviation)


def test_every_cell_goes_to_the_level_nearest_to_the_twin(layer: Layers) -> None:
    cells = layer(np.zeros((1, 6)), positions=TABLE)
    decision = every_cell(weights := twin([[0.2, 0.7, 1.9, 2.1, -5.0, -0.8]]), cells)
    assert cells.plus.tolist() == [[0, 1, 2, 3, 0, 0]]
    assert cells.minus.tolist() == [[0, 0, 0, 0, 3, 2]]
    assert decision.weight_updates == 5
    assert weights[0, 4] == -3 * STEP
    kept = KeptLevels().decide(weights, cells, 0.0)
    assert sorted(kept.levels.tolist()) == [0] * 7 + [1, 2, 2, 3, 3]


@pytest.mark.parametrize(("code", "level", "value"), [(20, 0, 0.0), (27, 1, 0.35), (59, 2, 1.95), (61, 3, 2.05)])
def test_a_failed_write_leaves_the_level_nearest_to_the_code(
    layer: Layers, code: int, level: int, value: float
) -> None:
    """Level 0 is at code 20, and 20 codes are a mean spacing: levels at 20, 30, 40 and 80."""
    cells = layer([[1]], positions=TABLE, keep_read_back=True)
    origin, codes = np.zeros(1, np.int32), np.array([code], np.int32)
    assert cells.read_plus is not None
    record_responses(
        *(origin, codes, np.zeros(1, np.bool_), 20.0, 20.0, cells.positions),
        *(cells.plus, cells.minus, cells.read_plus, cells.read_minus, cells.failures),
    )
    assert cells.plus[0, 0] == level
    assert cells.read_plus[0, 0] == pytest.approx(value)
    assert cells.failures[0, 0, 0] == 1


@pytest.mark.parametrize("threshold", [0.5, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_random_tables_are_decided_as_described(layer: Layers, threshold: float, seed: int) -> None:
    """The same by interpolation in double precision, weight by weight."""
    rng = np.random.default_rng(seed)
    table = np.append(0, np.cumsum(rng.choice([0.25, 0.5, 1, 2.75], 7)))
    values, numbers = np.concatenate([-table[:0:-1], table]), np.arange(-7, 8)
    held = rng.integers(-7, 8, size=(9, 13))
    cells = layer(held, positions=table)
    x = table[np.abs(held)] * np.sign(held) + np.round(rng.normal(0, 1.0, held.shape) * 64) / 64 + 1 / 256
    x = np.clip(x, -table[-1], table[-1])
    coordinate = np.interp(x, values, numbers)
    due = np.abs(coordinate - held) >= threshold
    wanted = np.where(due, np.floor(coordinate + 0.5), held).astype(int)
    siamese(threshold).decide(twin(x), cells, 0.0)
    assert np.array_equal(cells.plus.astype(int) - cells.minus, wanted)
    assert due.any()
    assert not due.all()
    assert np.minimum(cells.plus, cells.minus).max() == 0
