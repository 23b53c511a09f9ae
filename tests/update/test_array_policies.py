"""Tiki-Taka, low rank, two pulses, selective verify and threshold training against their definitions, by hand."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from recorded_access import LEVELS, STEP, RecordedAccess, nominal

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.nn.mapping import map_layers
from twinbar.host.update.cell_access import LayerUpdate, OuterProducts
from twinbar.host.update.low_rank_sum import LowRankSum, mixing
from twinbar.host.update.policies.low_rank import LowRank, LowRankSettings
from twinbar.host.update.policies.selective_verify import SelectiveVerify, SelectiveVerifySettings
from twinbar.host.update.policies.threshold import Threshold, ThresholdSettings
from twinbar.host.update.policies.tiki_taka import TikiTaka
from twinbar.host.update.policies.tiki_taka_v2 import TikiTakaV2, TikiTakaV2Settings
from twinbar.host.update.policies.two_pulse import TwoPulse, TwoPulseSettings
from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.host.update.two_arrays import TwoArraysSettings
from twinbar.hw.errors import ConfigError

Layer = Callable[..., ProgrammedLayer]


def twin(in_levels: Any) -> np.ndarray:
    return np.atleast_2d(np.asarray(in_levels, np.float32)) * np.float32(STEP)


@pytest.fixture
def auxiliary(layer: Layer) -> Callable[[int, int], ProgrammedLayer]:
    """Make the array A of a layer."""

    def make(outputs: int, inputs: int) -> ProgrammedLayer:
        (place,) = map_layers([("layer.1", outputs, inputs)], ArrayConfig(rows=4, columns=6), "interleaved")
        return ProgrammedLayer.blank(place, LEVELS, STEP, keep_read_back=False)

    return make


class TwoArraysBench:
    """A version of Tiki-Taka on a layer of one output and two inputs, programmed and shifted to zero."""

    def __init__(self, policy: Any, cells: ProgrammedLayer, fast: ProgrammedLayer, read: Any) -> None:
        self.policy = policy
        policy.pulse = nominal(0.5, 0.25, LEVELS, symmetry=3 / 7)
        policy.seed = 3
        policy.prepare([cells])
        self.weights = twin([[2, -2]])
        self.access = RecordedAccess(
            [cells, fast], read={"layer.1": np.array([[[3.2, 4.0]], [[3.0, 3.0]]])}, inputs={"layer.1": read}
        )
        self.cells, self.fast = cells, fast
        policy.initialize([LayerUpdate(self.weights, cells, [fast])], self.access)

    def step(self, levels: Any, rate: float = 0.0) -> list[tuple[str, dict[Any, int]]]:
        self.weights += np.asarray(levels, np.float32) * np.float32(STEP)
        self.access.events.clear()
        self.policy.carry_out([LayerUpdate(self.weights, self.cells, [self.fast], rate=rate)], self.access, 0.0)
        return self.access.events


def test_tiki_taka_shifts_a_to_zero_and_transfers_one_input_after_the_other(
    layer: Layer, auxiliary: Callable[[int, int], ProgrammedLayer]
) -> None:
    policy = TikiTaka(TwoArraysSettings(zero_shift_pulses=2, transfer_inputs=1, transfer_rate=2.0, fast_rate=2.0))
    bench = TwoArraysBench(policy, layer(np.zeros((1, 2))), auxiliary(1, 2), [[0.5, -0.5]])
    # C is programmed; both cells of A to the symmetry point (level 3 of 7); G+ gets SET and RESET in turn, which leaves
    # the balance 0; what it then reads (3.2 and 4.0) is what G- is programmed to.
    assert bench.access.events == [
        ("write", {(0, 0, "+"): 2, (0, 0, "-"): 0, (0, 1, "+"): 0, (0, 1, "-"): 2}),
        ("write", {(0, 0, "+"): 3, (0, 0, "-"): 3, (0, 1, "+"): 3, (0, 1, "-"): 3}),
        ("pulse", {(0, 0, "+"): 0, (0, 1, "+"): 0}),
        ("read", {}),
        ("write", {(0, 0, "-"): 3, (0, 1, "-"): 4}),
    ]
    # 0.5 and -0.5 levels, twice as much in A: two SET pulses and four RESET pulses, whole numbers whatever is drawn.
    # Input 0 of A is read as 0.5 levels, of which C gets twice as much: two SET pulses on G+.
    first = bench.step([[0.5, -0.5]])
    assert first == [
        ("pulse", {(0, 0, "+"): 2, (0, 1, "+"): -4}),
        ("read inputs", {(0, 0, "+"): 0}),
        ("pulse", {(0, 0, "+"): 2}),
    ]
    assert (bench.weights / STEP).tolist() == [[3, -2]]
    # Then it is input 1's turn: -1 level takes G- up by two SET pulses.
    assert bench.step([[0, 0]])[1:] == [("read inputs", {(0, 1, "+"): 0}), ("pulse", {(0, 1, "-"): 2})]
    assert (bench.weights / STEP).tolist() == [[3, -3]]


@pytest.mark.parametrize(("scaled", "pulses"), [(True, [2, 1, 0]), (False, [2, 2, 2])])
def test_transfers_of_tiki_taka_fall_with_the_learning_rate(
    layer: Layer, auxiliary: Callable[[int, int], ProgrammedLayer], scaled: bool, pulses: list[int]
) -> None:
    settings = TwoArraysSettings(zero_shift_pulses=0, transfer_inputs=1, transfer_rate=2.0, scale_transfer=scaled)
    bench = TwoArraysBench(TikiTaka(settings), layer(np.zeros((1, 2))), auxiliary(1, 2), [[0.5, 0.5]])
    # Twice 0.5 levels are two SET pulses of half a level, at half the learning rate one, without any none.
    found = []
    for rate in (0.1, 0.05, 0.0):
        found.append(sum(bench.step([[0, 0]], rate)[-1][1].values()))
        bench.step([[0, 0]], rate)  # the turn of input 1
    assert found == pulses


@pytest.mark.parametrize(("forget", "after"), [(True, 0.0), (False, 0.2)])
def test_the_buffer_of_tiki_taka_v2_gives_a_pulse_when_it_is_full(
    layer: Layer, auxiliary: Callable[[int, int], ProgrammedLayer], forget: bool, after: float
) -> None:
    policy = TikiTakaV2(TikiTakaV2Settings(zero_shift_pulses=0, transfer_inputs=2, transfer_rate=1.0, forget=forget))
    bench = TwoArraysBench(policy, layer(np.zeros((1, 2))), auxiliary(1, 2), [[0.35, 0.1]])
    # H = 0.35 and 0.1: less than a SET pulse of 0.5.
    assert bench.step([[0, 0]])[2:] == [("pulse", {})]
    # H = 0.7: one pulse, and it starts from zero or keeps 0.2.
    assert bench.step([[0, 0]])[2:] == [("pulse", {(0, 0, "+"): 1})]
    assert policy.buffer["layer"].ravel().tolist() == pytest.approx([after, 0.2], abs=1e-6)
    assert (bench.weights / STEP).tolist() == [[2.5, -2]]


def test_a_sum_of_few_outer_products_is_exact_and_a_longer_one_the_best_of_its_rank() -> None:
    rng = np.random.default_rng(0)
    errors, inputs = rng.normal(size=(2, 5)).astype(np.float32), rng.normal(size=(2, 7)).astype(np.float32)
    total = LowRankSum(5, 7, 2)
    for n in range(2):
        total.add(errors[n : n + 1], inputs[n : n + 1])
    assert total.matrix() == pytest.approx(errors.T @ inputs, abs=1e-5)
    # Orthogonal products of sizes 3 and 2: rank 1 keeps the larger one.
    total = LowRankSum(2, 2, 1)
    total.add(np.array([[3, 0]], np.float32), np.array([[1, 0]], np.float32))
    total.add(np.array([[0, 2]], np.float32), np.array([[0, 1]], np.float32))
    assert total.matrix() == pytest.approx(np.array([[3, 0], [0, 0]]), abs=1e-6)


def test_the_unbiased_form_mixes_what_the_biased_one_cuts() -> None:
    # Sizes 3 and 2 in one column: v = (sqrt(1 - 3/5), sqrt(1 - 2/5)), orthogonal to it is (sqrt(0.6), -sqrt(0.4)), and
    # sqrt(5) times that has the squares 3 and 2.
    for sign in (1.0, -1.0):
        total = LowRankSum(2, 2, 1)
        signs = np.array([[1.0, sign]])
        total.add(np.array([[3, 0]], np.float32), np.array([[1, 0]], np.float32), signs)
        total.add(np.array([[0, 2]], np.float32), np.array([[0, 1]], np.float32), signs)
        found = total.matrix()
        assert np.diag(found) == pytest.approx([3, 2], abs=1e-5)
        assert abs(found[0, 1]) == pytest.approx(np.sqrt(6), abs=1e-5)


@pytest.mark.parametrize("sizes", [[3, 2, 1], [10, 1, 1, 0.5], [4, 3, 0, 0], [5, 0], [0, 0], [1, 1, 1, 1]])
def test_mixed_values_are_right_on_average_over_all_signs(sizes: list[float]) -> None:
    values = np.array(sizes, float)
    found = [mixing(values, np.array(signs)) for signs in itertools.product((-1.0, 1.0), repeat=len(values))]
    assert all(one.shape == (len(values), len(values) - 1) for one in found)
    assert np.mean([one @ one.T for one in found], axis=0) == pytest.approx(np.diag(values), abs=1e-9)
    # A value that is larger than the rest together is kept as it is.
    if values[0] > values[1:].sum():
        assert all(abs(one[0]).tolist() == [np.sqrt(values[0])] + [0] * (len(values) - 2) for one in found)


def test_low_rank_writes_when_enough_weights_change_a_level(layer: Layer) -> None:
    policy = LowRank(LowRankSettings(rank=1, flush_every=1, least_density=0.5))
    cells = layer(np.zeros((2, 2)))
    policy.prepare([cells])
    access = RecordedAccess([cells])
    weights = twin([[1.2, 0], [0, -1.4]])
    policy.initialize([LayerUpdate(weights, cells)], access)
    assert (weights / STEP).tolist() == [[1, 0], [0, -1]]

    def step(errors: list[float], inputs: list[float]) -> tuple[str, dict[Any, int]]:
        factors = [OuterProducts(np.array([inputs], np.float32), np.array([errors], np.float32), 1)]
        weights[:] += 1  # What the optimizer does to the twin is of no account.
        policy.carry_out([LayerUpdate(weights, cells, factors=factors, rate=0.5)], access, 0.0)
        return access.events[-1]

    # -0.5 x (-0.5) x 1 is 0.25, a level; one of four weights changes, less than half of them: it accumulates.
    assert step([-0.5, 0], [1, 0]) == ("write", {})
    # The same outer product with both inputs: 0.5 and 0.25 are 2 and 1 levels.
    assert step([-0.5, 0], [1, 1]) == ("write", {(0, 0, "+"): 3, (0, 0, "-"): 0, (0, 1, "+"): 1, (0, 1, "-"): 0})
    assert (weights / STEP).tolist() == [[3, 1], [0, -1]]
    assert not policy.sums["layer"].matrix().any()
    # Two insertions into 4 numbers, read and written, and two readings.
    traffic = policy.take_traffic()
    assert (traffic.read, traffic.written) == (4 * 4 * 32, 2 * 4 * 32)


def test_two_pulses_erase_where_the_gate_voltage_falls(
    layer: Layer, make_crossbar: Callable[..., CrossbarConfig]
) -> None:
    policy = TwoPulse(TwoPulseSettings(gate_steps=8))
    config = make_crossbar("umass-hfo2")
    policy.set_up(config)
    cells = layer(np.zeros((1, 4)))
    policy.prepare([cells])
    access = RecordedAccess([cells])
    weights = twin([[3, 3, 3, -2]])
    policy.initialize([LayerUpdate(weights, cells)], access)
    erased = {(0, i, side): -1 for i in range(4) for side in "+-"}
    # As many gate steps as levels: step 2 for G- of the last weight, step 3 for G+ of the others.
    assert access.events == [
        ("pulse", erased),
        ("pulse", {(0, 3, "-"): 1}),
        ("pulse", {(0, 0, "+"): 1, (0, 1, "+"): 1, (0, 2, "+"): 1}),
    ]
    access.events.clear()
    access.gates.clear()
    weights += twin([[1, -1, 0.4, -5]])
    policy.carry_out([LayerUpdate(weights, cells)], access, 0.0)
    # G+ 3 to 4: SET alone. G+ 3 to 2: RESET, then SET. 3.4: no step. G- 2 to 7: SET alone.
    assert access.events == [
        ("pulse", {(0, 1, "+"): -1}),
        ("pulse", {(0, 1, "+"): 1}),
        ("pulse", {(0, 0, "+"): 1}),
        ("pulse", {(0, 3, "-"): 1}),
    ]
    # The gate voltages of the steps 2, 4 and 7, by the preset's law: 4 to 137.2 uS, 98 uS per volt above 0.4 V.
    volts = [config.cells.code_to_volts(code) for code in access.gates[1:]]
    assert volts == pytest.approx([(4 + step / 7 * 133.2) / 98 + 0.4 for step in (2, 4, 7)], abs=0.003)
    assert access.weight_updates == 4 + 3


def test_two_pulses_need_a_gate(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    with pytest.raises(ConfigError, match=r"no gate voltage limits .* such as umass-hfo2"):
        TwoPulse().set_up(make_crossbar("taox-hfox"))


def test_only_sensitive_weights_are_verified(layer: Layer) -> None:
    settings = SelectiveVerifySettings(threshold=0.5, threshold_end=0.5, verified=0.25, memory=0.0)
    policy = SelectiveVerify(settings)
    policy.pulse = nominal(0.5, 0.25, LEVELS)
    cells = layer([[1, 1, 1, 1]])
    policy.prepare([cells])
    access = RecordedAccess([cells])
    # Squares of input x error: 1, 16, 4 and 0; the first quarter is weight 1.
    factors = [OuterProducts(np.array([[1, 4, 2, 0]], np.float32), np.array([[1]], np.float32), 1)]
    weights = twin([[3, 3, 0, 1]])
    policy.carry_out([LayerUpdate(weights, cells, factors=factors)], access, 0.0)
    # Two levels up are four SET pulses, one level down four RESET pulses.
    assert access.events == [("pulse", {(0, 0, "+"): 4, (0, 2, "+"): -4}), ("write", {(0, 1, "+"): 3})]
    assert access.weight_updates == 3


def test_threshold_training_drops_small_updates_for_good(layer: Layer) -> None:
    policy = Threshold(ThresholdSettings(relative_threshold=0.5))
    cells = layer(np.zeros((1, 4)))
    policy.prepare([cells])
    access = RecordedAccess([cells])
    weights = twin([[1, 2, -3, 0]])
    policy.initialize([LayerUpdate(weights, cells)], access)
    weights += twin([[2, 0.9, -1, 0]])
    policy.carry_out([LayerUpdate(weights, cells)], access, 0.0)
    # The largest update is 2 levels: 1 and more are made, 0.9 is dropped; a weight without an update is left alone.
    assert access.events[-1] == ("write", {(0, 0, "+"): 3, (0, 0, "-"): 0, (0, 2, "+"): 0, (0, 2, "-"): 4})
    assert (weights / STEP).tolist() == [[3, 2, -4, 0]]
