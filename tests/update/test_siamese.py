"""The Siamese policy against its description, weight by weight."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinbar.host.update.kernels import GIVE_UP_AFTER
from twinbar.host.update.policies.siamese import Siamese, SiameseSettings
from twinbar.host.update.policy import Decision
from twinbar.host.update.programmed import ProgrammedLayer

STEP = 0.25
TOP = 7
Written = dict[tuple[int, int, str], int]


def twin(in_levels: Any) -> np.ndarray:
    return np.atleast_2d(np.asarray(in_levels, np.float32)) * np.float32(STEP)


def written(decision: Decision, cells: ProgrammedLayer) -> Written:
    """What is written, as levels by (output, input, side), from the origins; addresses must say the same."""
    found: Written = {}
    for address, level, origin in zip(decision.addresses, decision.levels, decision.origins, strict=True):
        weight, side = divmod(int(origin), 2)
        output, at = divmod(weight, cells.map.inputs)
        assert address == cells.map.output_address[output] + cells.map.input_address[at] + side
        assert (output, at, "+-"[side]) not in found
        found[output, at, "+-"[side]] = int(level)
    return found


def policy(**choices: Any) -> Siamese:
    chosen = {"threshold": 1.0, "threshold_end": 1.0, "compensation": "residual", "bound": math.inf} | choices
    bound = chosen.pop("bound")
    return Siamese(SiameseSettings(**chosen, twin_bound=None if math.isinf(bound) else bound))


def expected(
    x: np.ndarray, cells: ProgrammedLayer, threshold: float, bound: float, compensation: str
) -> tuple[Written, int, np.ndarray]:
    """The decision as the text of the policy has it: cells to write, weights whose level changes, and the new twin."""
    todo: Written = {}
    changed = 0
    new = x.astype(np.float64).copy()
    for (j, i), value in np.ndenumerate(x):
        plus, minus = int(cells.plus[j, i]), int(cells.minus[j, i])
        compared = float(plus - minus)
        if compensation == "read-back":
            compared = float(cells.read_plus[j, i]) - float(cells.read_minus[j, i])
        if abs(value - compared) < threshold:
            continue
        target = min(max(math.floor(value + 0.5), -TOP), TOP)
        refuses = [bool(cells.failures[side, j, i] >= GIVE_UP_AFTER) for side in (0, 1)]
        want = [max(target, 0), max(-target, 0)]
        if all(refuses):
            want = [plus, minus]
        elif refuses[0]:
            want = [plus, min(max(plus - target, 0), TOP)]
        elif refuses[1]:
            want = [min(max(target + minus, 0), TOP), minus]
        for side, held in ((0, plus), (1, minus)):
            rewrite = compensation == "read-back" and want == [plus, minus] and want[side] > 0 and not refuses[side]
            if want[side] != held or rewrite:
                todo[j, i, "+-"[side]] = want[side]
        changed += want != [plus, minus]
        new_held = want[0] - want[1]
        if compensation == "none":
            if any((j, i, side) in todo for side in "+-"):
                new[j, i] = new_held
            else:
                new[j, i] = new_held + min(max(value - new_held, -bound), bound)
        else:
            new[j, i] = new_held + min(max(value - new_held, -bound), bound)
    return todo, changed, new


@pytest.mark.parametrize("compensation", ["none", "residual", "read-back"])
@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.3])
@pytest.mark.parametrize("bound", [1.5, math.inf])
@pytest.mark.parametrize("seed", range(3))
def test_random_layers_are_decided_as_described(
    layer: Callable[..., ProgrammedLayer], compensation: Any, threshold: float, bound: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    held = rng.integers(-TOP, TOP + 1, size=(9, 13))
    cells = layer(held, keep_read_back=compensation == "read-back")
    if cells.read_plus is not None and cells.read_minus is not None:
        cells.read_plus += rng.normal(0, 0.4, held.shape).astype(np.float32)
        cells.read_minus += rng.normal(0, 0.4, held.shape).astype(np.float32)
    cells.failures[:] = np.where(rng.random(cells.failures.shape) < 0.2, rng.integers(0, 6, cells.failures.shape), 0)
    # Multiples of 1/64 plus a little: exact in float32, and none on the edge of a decision.
    x = (held + np.round(rng.normal(0, 1.2, held.shape) * 64) / 64 + 1 / 256).astype(np.float32)
    todo, changed, new = expected(x, cells, threshold, max(bound, threshold), compensation)
    before = cells.plus.astype(int) - cells.minus
    weights = twin(x)
    decision = policy(threshold=threshold, threshold_end=threshold, compensation=compensation, bound=bound).decide(
        weights, cells, 0.0
    )
    assert written(decision, cells) == todo
    assert decision.weight_updates == changed
    assert np.abs(weights / STEP - new).max() < 1e-5
    assert 0 < len(todo) < 2 * held.size
    # The layer holds what is asked for.
    for (j, i, side), level in todo.items():
        assert (cells.plus if side == "+" else cells.minus)[j, i] == level
    untouched = np.array([[not any((j, i, s) in todo for s in "+-") for i in range(13)] for j in range(9)])
    assert ((cells.plus.astype(int) - cells.minus) == before)[untouched].all()


def test_only_a_twin_that_has_moved_far_enough_is_written(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[3, 3, 3, -2, 0]])
    decision = policy(threshold=0.75, threshold_end=0.75).decide(twin([[3.7, 3.76, 2.2, -2.8, 0.74]]), cells, 0.0)
    assert written(decision, cells) == {(0, 1, "+"): 4, (0, 2, "+"): 2, (0, 3, "-"): 3}
    assert decision.weight_updates == 3


@pytest.mark.parametrize(
    ("course", "progress", "threshold"),
    [
        ("linear", 0.0, 1.5),
        ("linear", 0.5, 1.0),
        ("linear", 1.0, 0.5),
        ("cosine", 0.0, 1.5),
        # (1 + cos 60 degrees) / 2 = 3/4 is left of it, and of its square 9/16.
        ("cosine", 1 / 3, 1.25),
        ("cosine", 1.0, 0.5),
        ("cosine-squared", 0.0, 1.5),
        ("cosine-squared", 1 / 3, 1.0625),
        ("cosine-squared", 0.5, 0.75),
        ("cosine-squared", 1.0, 0.5),
    ],
)
def test_the_threshold_follows_its_course_over_the_training(
    layer: Callable[..., ProgrammedLayer], course: str, progress: float, threshold: float
) -> None:
    cells = layer(np.zeros((1, 2)))
    decision = policy(threshold=1.5, threshold_end=0.5, threshold_course=course).decide(
        twin([[threshold - 0.01, threshold + 0.01]]), cells, progress
    )
    # The nearest level to 1.51 is the second.
    assert written(decision, cells) == {(0, 1, "+"): 2 if threshold + 0.01 > 1.5 else 1}


def test_a_sign_change_writes_both_cells_of_the_pair(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[3, -4]])
    decision = policy().decide(twin([[-2.1, 1.0]]), cells, 0.0)
    assert written(decision, cells) == {(0, 0, "+"): 0, (0, 0, "-"): 2, (0, 1, "+"): 1, (0, 1, "-"): 0}
    assert decision.weight_updates == 2


@pytest.mark.parametrize(("compensation", "kept"), [("residual", 4.3), ("none", 4.0)])
def test_what_quantization_cut_off_is_kept_or_forgotten(
    layer: Callable[..., ProgrammedLayer], compensation: Any, kept: float
) -> None:
    cells = layer([[3, 3]])
    weights = twin([[4.3, 3.4]])
    policy(compensation=compensation).decide(weights, cells, 0.0)
    assert weights[0, 0] / STEP == pytest.approx(kept)
    # What is not written is compared again at the next step, whatever the compensation.
    assert weights[0, 1] / STEP == pytest.approx(3.4)


def test_the_twin_does_not_run_away_from_what_a_pair_can_hold(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[TOP, -TOP, TOP]])
    weights = twin([[12.0, -12.0, TOP + 1.2]])
    decision = policy(bound=1.5).decide(weights, cells, 0.0)
    assert len(decision.addresses) == 0
    assert (weights / STEP).tolist() == [pytest.approx([TOP + 1.5, -TOP - 1.5, TOP + 1.2])]
    unbound = twin([[12.0, -12.0, TOP + 1.2]])
    policy(bound=math.inf).decide(unbound, cells, 0.0)
    assert (unbound / STEP)[0, 0] == pytest.approx(12.0)


def test_the_bound_is_never_below_the_threshold(layer: Callable[..., ProgrammedLayer]) -> None:
    # Else the twin could not move far enough to be written.
    cells = layer([[TOP, 0]])
    weights = twin([[TOP + 1.4, 1.25]])
    policy(threshold=1.3, threshold_end=1.3, bound=0.2).decide(weights, cells, 0.0)
    assert (weights / STEP).tolist() == [pytest.approx([TOP + 1.3, 1.25])]


def test_the_partner_carries_what_a_refusing_cell_cannot(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[5, 5, 5, 2]])
    cells.failures[0, 0, :3] = GIVE_UP_AFTER
    # Stuck at 5: a weight of 3 is 5 - 2, of -1 is 5 - 6, of -6 would be 5 - 11 and is cut to 5 - 7.
    decision = policy(bound=1.5).decide(weights := twin([[3.0, -1.0, -6.0, 4.0]]), cells, 0.0)
    assert written(decision, cells) == {(0, 0, "-"): 2, (0, 1, "-"): 6, (0, 2, "-"): 7, (0, 3, "+"): 4}
    assert (weights / STEP).tolist() == [pytest.approx([3.0, -1.0, -2.0 - 1.5, 4.0])]


def test_a_cell_is_given_up_after_failing_again_and_again(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[5]])
    cells.failures[0, 0, 0] = GIVE_UP_AFTER - 1
    assert written(policy().decide(twin([[3.0]]), cells, 0.0), cells) == {(0, 0, "+"): 3}
    cells.failures[0, 0, 0] = GIVE_UP_AFTER
    assert written(policy().decide(twin([[1.0]]), cells, 0.0), cells) == {(0, 0, "-"): 2}


def test_a_pair_that_refuses_altogether_is_left_alone(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[5]])
    cells.failures[:] = GIVE_UP_AFTER
    weights = twin([[1.0]])
    decision = policy(bound=1.5).decide(weights, cells, 0.0)
    assert written(decision, cells) == {}
    assert decision.weight_updates == 0
    assert weights[0, 0] / STEP == pytest.approx(5 - 1.5)


def test_read_back_compares_with_what_was_read(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[4, 4, 4]], keep_read_back=True)
    assert cells.read_plus is not None
    cells.read_plus[0] = [4.0, 4.6, 3.1]
    # The first is where it should be; the second read high; the third read low and is written again.
    decision = policy(compensation="read-back", threshold=0.9, threshold_end=0.9).decide(
        weights := twin([[4.3, 3.6, 4.2]]), cells, 0.0
    )
    assert written(decision, cells) == {(0, 1, "+"): 4, (0, 2, "+"): 4}
    assert decision.weight_updates == 0
    assert (weights / STEP).tolist() == [pytest.approx([4.3, 3.6, 4.2])]


@pytest.mark.parametrize(
    ("share", "narrow"),
    [(0.0, []), (0.19, []), (0.2, ["small"]), (0.3, ["small", "middle"]), (1.0, ["small", "middle", "large"])],
)
def test_layers_with_a_small_share_of_the_weights_have_the_last_hysteresis_from_the_start(
    layer: Callable[..., ProgrammedLayer], share: float, narrow: list[str]
) -> None:
    # 4, 6 and 10 of 20 weights: 0.2, 0.3 and 0.5 of them.
    sizes = {"small": (1, 4), "middle": (2, 3), "large": (2, 5)}
    layers = {name: layer(np.zeros(size), name=name) for name, size in sizes.items()}
    own = policy(threshold=1.75, threshold_end=0.5, narrow_share=share)
    own.prepare(list(layers.values()))
    written_in = {
        name: len(own.decide(twin(np.full(sizes[name], 0.6)), cells, progress=0.0).origins)
        for name, cells in layers.items()
    }
    assert written_in == {name: math.prod(size) if name in narrow else 0 for name, size in sizes.items()}


def test_read_back_is_asked_for_by_its_policy_alone() -> None:
    assert policy(compensation="read-back").keeps_read_back
    assert not policy(compensation="residual").keeps_read_back
    assert not policy(compensation="none").keeps_read_back


class TestLessWornCell:
    """``common_levels``: the cell of a pair that has been written less often takes a change."""

    def test_changes_alternate_between_the_cells_of_a_pair(self, layer: Callable[..., ProgrammedLayer]) -> None:
        cells = layer([[3]])
        levelling = policy(common_levels=4)
        levelling.prepare([cells])
        # 3 - 0; neither was written: G+ goes up. Then G- has the fewer writes, and so on.
        steps = [(4.0, (0, 0, "+"), 4), (3.0, (0, 0, "-"), 1), (2.0, (0, 0, "+"), 3), (1.0, (0, 0, "-"), 2)]
        for wanted, cell, level in steps:
            decision = levelling.decide(twin([[wanted]]), cells, 0.0)
            assert written(decision, cells) == {cell: level}
            assert int(cells.plus[0, 0]) - int(cells.minus[0, 0]) == wanted

    def test_a_turned_sign_takes_one_write_where_the_other_cell_has_room(
        self, layer: Callable[..., ProgrammedLayer]
    ) -> None:
        cells = layer([[2, 4]])
        decision = policy(common_levels=3).decide(twin([[-3.0, -3.0]]), cells, 0.0)
        # 2 - 5 holds two levels in common, 4 - 7 would hold four: that pair becomes one-sided again.
        assert written(decision, cells) == {(0, 0, "-"): 5, (0, 1, "+"): 0, (0, 1, "-"): 3}

    @pytest.mark.parametrize("common", [1, 3, TOP])
    def test_any_history_keeps_the_weight_and_the_bound(
        self, layer: Callable[..., ProgrammedLayer], common: int
    ) -> None:
        rng = np.random.default_rng(common)
        cells = layer(rng.integers(-TOP, TOP + 1, size=(7, 11)))
        levelling = policy(common_levels=common)
        levelling.prepare([cells])
        counted = np.zeros((2, 7, 11), int)
        for _ in range(60):
            wanted = rng.integers(-TOP, TOP + 1, size=(7, 11))
            decision = levelling.decide(twin(wanted), cells, 0.0)
            for j, i, side in written(decision, cells):
                counted["+-".index(side), j, i] += 1
            assert np.array_equal(cells.plus.astype(int) - cells.minus, wanted)
            assert int(np.minimum(cells.plus, cells.minus).max()) <= common
        assert np.array_equal(levelling.state_dict()["wear"]["layer"], counted)

    def test_without_common_levels_one_cell_is_at_the_lowest_level(self, layer: Callable[..., ProgrammedLayer]) -> None:
        cells = layer([[3]])
        alone = policy()
        alone.prepare([cells])
        for wanted in (4.0, 3.0, 2.0, 1.0):
            assert written(alone.decide(twin([[wanted]]), cells, 0.0), cells) == {(0, 0, "+"): int(wanted)}
        assert alone.state_dict() == {}

    def test_a_cell_that_refuses_leaves_the_change_to_its_partner(self, layer: Callable[..., ProgrammedLayer]) -> None:
        cells = layer([[3]])
        cells.failures[0, 0, 0] = GIVE_UP_AFTER
        assert written(policy(common_levels=4).decide(twin([[4.0]]), cells, 0.0), cells) == {}
        assert written(policy(common_levels=4).decide(twin([[1.0]]), cells, 0.0), cells) == {(0, 0, "-"): 2}

    def test_counts_are_memory_traffic(self, layer: Callable[..., ProgrammedLayer]) -> None:
        levelling = policy(common_levels=4)
        levelling.prepare([cells := layer([[3, 3]])])
        levelling.decide(twin([[4.0, 3.2]]), cells, 0.0)
        traffic = levelling.take_traffic()
        # One pair is decided for: two counts of 32 bits are read, one is written.
        assert (traffic.read, traffic.written, traffic.random) == (64, 32, 0)


class TestStochasticRounding:
    def test_the_mean_of_what_is_held_is_the_twin(self, layer: Callable[..., ProgrammedLayer]) -> None:
        shape = 40, 500
        cells = layer(np.zeros(shape))
        drawing = policy(rounding="stochastic", threshold=0.5, threshold_end=0.5)
        drawing.prepare([cells])
        drawing.decide(twin(np.full(shape, 2.3)), cells, 0.0)
        assert set(np.unique(cells.plus)) == {2, 3}
        # 20,000 draws with a probability of 0.3: five standard errors of 0.00324.
        assert abs(float((cells.plus == 3).mean()) - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 20_000)

    def test_whole_levels_are_kept(self, layer: Callable[..., ProgrammedLayer]) -> None:
        cells = layer(np.zeros((8, 50)))
        policy(rounding="stochastic").decide(twin(np.full((8, 50), 3.0)), cells, 0.0)
        assert np.unique(cells.plus).tolist() == [3]

    def test_draws_differ_by_decision_and_go_on_from_a_state(self, layer: Callable[..., ProgrammedLayer]) -> None:
        held = np.zeros((5, 40))
        wanted = np.full((5, 40), 1.5)
        one = policy(rounding="stochastic", threshold=0.2, threshold_end=0.2)
        one.prepare([cells := layer(held)])
        first = written(one.decide(twin(wanted), cells, 0.0), cells)
        state = one.state_dict()
        second = written(one.decide(twin(wanted), layer(held), 0.0), cells)
        assert first != second
        other = policy(rounding="stochastic", threshold=0.2, threshold_end=0.2)
        other.prepare([layer(held)])
        other.load_state_dict(state)
        assert written(other.decide(twin(wanted), layer(held), 0.0), cells) == second
