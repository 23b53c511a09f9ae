"""Policies that pulse without reading against their definitions, on cases that are done by hand.

Layers have 8 levels per cell and a weight of 0.25 per level. A SET pulse is worth half a level, a RESET pulse a
quarter.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from recorded_access import LEVELS, STEP, RecordedAccess, nominal

from twinbar.host.update.blind_policy import BlindPolicy
from twinbar.host.update.cell_access import LayerUpdate, OuterProducts
from twinbar.host.update.policies.chi import Chi, ChiSettings
from twinbar.host.update.policies.fixed_device import FixedDevice, FixedDeviceSettings
from twinbar.host.update.policies.layer_threshold import LayerThreshold, LayerThresholdSettings
from twinbar.host.update.policies.open_loop import OpenLoop, OpenLoopSettings
from twinbar.host.update.policies.stellar import Stellar, StellarSettings
from twinbar.host.update.policies.stochastic_sparse import StochasticSparse, StochasticSparseSettings
from twinbar.host.update.programmed import ProgrammedLayer

Layer = Callable[..., ProgrammedLayer]


class Bench:
    """A policy with one layer, whose first programming is done."""

    def __init__(self, policy: BlindPolicy[Any], cells: ProgrammedLayer, weights: Any) -> None:
        self.policy, self.cells = policy, cells
        policy.pulse = nominal(0.5, 0.25, LEVELS)
        policy.seed = 1
        policy.prepare([cells])
        self.weights = np.atleast_2d(np.asarray(weights, np.float32)) * np.float32(STEP)
        self.access = RecordedAccess([cells])
        policy.initialize([LayerUpdate(self.weights, cells)], self.access)

    def step(self, levels: Any, progress: float = 0.0, **kwargs: Any) -> dict[Any, int]:
        """Change the twin by so many levels, let the policy act, and return its pulses."""
        self.weights += np.asarray(levels, np.float32) * np.float32(STEP)
        self.access.events.clear()
        self.policy.carry_out([LayerUpdate(self.weights, self.cells, **kwargs)], self.access, progress)
        kind, pulses = self.access.events[0]
        assert kind == "pulse"
        return pulses

    @property
    def held(self) -> list[float]:
        return (self.weights / STEP).ravel().tolist()


def test_open_loop_gives_the_nearest_number_of_pulses_and_loses_the_rest(layer: Layer) -> None:
    bench = Bench(OpenLoop(OpenLoopSettings(pairing="one-sided")), layer(np.zeros((1, 4))), [2, -2, 0.2, 3])
    assert bench.held == [2, -2, 0, 3]
    # Up: 1.2 levels are 2.4 SET pulses of half a level. Down from +3: 0.7 levels are 2.8 RESET pulses of a quarter.
    # From -2 upwards, G- goes down: 0.6 levels are 2.4 RESET pulses. 0.2 levels are 0.4 SET pulses: none.
    assert bench.step([1.2, 0.6, 0.2, -0.7]) == {(0, 0, "+"): 2, (0, 1, "-"): -2, (0, 3, "+"): -3}
    assert bench.held == [3, -1.5, 0, 2.25]
    # What was cut off is gone: the same again gives the same again.
    assert bench.step([0, 0, 0.2, 0]) == {}


def test_a_fixed_partner_stays_in_the_middle_and_is_never_pulsed(layer: Layer) -> None:
    bench = Bench(OpenLoop(), layer(np.zeros((1, 3))), [2, -2, 6])
    # The middle of 8 levels is level 3: G+ at 5 and 1, and at the top where the weight is out of reach.
    assert bench.cells.plus.tolist() == [[5, 1, 7]]
    assert bench.cells.minus.tolist() == [[3, 3, 3]]
    assert bench.held == [2, -2, 4]
    assert bench.step([1, -1, 1]) == {(0, 0, "+"): 2, (0, 1, "+"): -4}
    assert bench.held == [3, -3, 4]


def test_chi_keeps_what_is_no_whole_step(layer: Layer) -> None:
    policy = Chi()
    bench = Bench(policy, layer(np.zeros((1, 2))), [0, 2])
    # chi = 0.3: less than a SET pulse (0.5). chi = -0.3: one RESET pulse (0.25) and -0.05 left.
    assert bench.step([0.3, -0.3]) == {(0, 1, "+"): -1}
    assert bench.held == [0, 1.75]
    assert policy.chi["layer"].ravel().tolist() == pytest.approx([0.3, -0.05], abs=1e-6)
    # 0.6 and -0.35: one SET of 0.1 left, one RESET of -0.1 left.
    assert bench.step([0.3, -0.3]) == {(0, 0, "+"): 1, (0, 1, "+"): -1}
    assert policy.chi["layer"].ravel().tolist() == pytest.approx([0.1, -0.1], abs=1e-6)
    # 2 weights of 32 bits are read and written per decision; three cells were pulsed, so that three levels were, too.
    traffic = policy.take_traffic()
    assert (traffic.read, traffic.written) == (2 * 64 + 3 * 32, 2 * 64 + 3 * 32)


@pytest.mark.parametrize(
    ("policy", "pulses", "held"),
    [
        (OpenLoop(OpenLoopSettings(pairing="one-sided")), [1, 1, 1, 1], 5.0),
        (Chi(ChiSettings(pairing="one-sided")), [0, 1, 1, 1], 4.5),
        (LayerThreshold(LayerThresholdSettings(relative_threshold=0.5)), [0, 2, 0, 1], 4.5),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_the_example_of_the_page(layer: Layer, policy: Any, pulses: list[int], held: float) -> None:
    # docs/policies-by-example.md: 0.4 levels more at each of four steps; another weight of the layer changes by 1.
    bench = Bench(policy, layer(np.zeros((1, 2))), [3, -2])
    assert [bench.step([0.4, 1]).get((0, 0, "+"), 0) for _ in range(4)] == pulses
    assert bench.held[0] == pytest.approx(held)


def test_pairs_that_are_set_only_are_refreshed_when_they_run_out_of_range(layer: Layer) -> None:
    policy = Chi(ChiSettings(pairing="set-only", refresh_at=0.6))
    bench = Bench(policy, layer(np.zeros((1, 2))), [4, 1])
    # Downwards takes G- up: 1 level is two SET pulses. Upwards takes G+ from 1 to 2.
    assert bench.step([-1, 1]) == {(0, 0, "-"): 2, (0, 1, "+"): 2}
    assert bench.access.events[1:] == []
    # 0.6 of 7 levels are 4.2: G+ comes to 4.5, and the pair is written as 4.5 - 1 = 3.5, that is 4 and 0.
    assert bench.step([0.5, 0]) == {(0, 0, "+"): 1}
    assert bench.access.events[1:] == [("write", {(0, 0, "+"): 4, (0, 0, "-"): 0})]
    assert bench.held == [4, 2]
    # The half level that rounding added is owed.
    assert policy.chi["layer"].ravel().tolist() == [-0.5, 0]


def test_updates_below_the_threshold_of_their_layer_wait_and_add_up(layer: Layer) -> None:
    policy = LayerThreshold(LayerThresholdSettings(relative_threshold=0.6))
    bench = Bench(policy, layer(np.zeros((1, 3))), [0, 0, 0])
    # The largest update is 2 levels, the threshold 1.2: the others wait, though 1 level is two pulses.
    assert bench.step([2, 1, 0.1]) == {(0, 0, "+"): 4}
    # Now the threshold is 0.6 x 0.5 = 0.3: 1.5 waits no longer; 0.2 does.
    assert bench.step([0, 0.5, 0.1]) == {(0, 1, "+"): 3}
    assert policy.waiting["layer"].ravel().tolist() == pytest.approx([0, 0, 0.2], abs=1e-6)


def test_stellar_pulses_by_signs_and_its_phases_alternate(layer: Layer) -> None:
    bench = Bench(Stellar(StellarSettings(error_threshold=0.5)), layer(np.zeros((2, 2))), [[1, 1], [1, -1]])
    # Inputs 1 and 0 (no spike); errors -1 (weights are to grow) and 0.6 (to shrink), both at least half of the largest.
    factors = [OuterProducts(np.array([[0.3, 0.0]], np.float32), np.array([[-1.0, 0.6]], np.float32), 1)]
    # SET phase: G+ of what is to grow, G- of what is to shrink. RESET phase: the others.
    assert bench.step(0, factors=factors) == {(0, 0, "+"): 1, (1, 0, "-"): 1}
    assert bench.step(0, factors=factors) == {(0, 0, "-"): -1, (1, 0, "+"): -1}
    # The error 0.4 counts as 0.
    small = [OuterProducts(np.array([[1.0, 1.0]], np.float32), np.array([[-1.0, 0.4]], np.float32), 1)]
    assert bench.step(0, factors=small) == {(0, 0, "+"): 1, (0, 1, "+"): 1}


def test_a_batch_of_stellar_votes(layer: Layer) -> None:
    bench = Bench(Stellar(StellarSettings(error_threshold=0.0, votes=2)), layer(np.zeros((1, 3))), [0, 0, 0])
    inputs = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]], np.float32)
    errors = np.array([[-1], [-1], [1]], np.float32)
    # Votes are 1 + 1 - 1 = 1, 1 + 1 = 2 and 1.
    assert bench.step(0, factors=[OuterProducts(inputs, errors, 3)]) == {(0, 1, "+"): 1}


def test_votes_of_stellar_give_several_pulses_and_fewer_at_the_end(layer: Layer) -> None:
    policy = Stellar(StellarSettings(error_threshold=0.0, votes=1, last_votes=3, most_pulses=4))
    bench = Bench(policy, layer(np.zeros((1, 2))), [0, 0])
    factors = [OuterProducts(np.ones((6, 2), np.float32), -np.ones((6, 1), np.float32), 6)]
    # Six votes: one for each would be 6 pulses, at most 4; at half of the training 6 // 2, at its end 6 // 3.
    assert bench.step(0, factors=factors) == {(0, 0, "+"): 4, (0, 1, "+"): 4}
    assert bench.step(0, factors=factors, progress=0.5) == {(0, 0, "-"): -3, (0, 1, "-"): -3}
    assert bench.step(0, factors=factors, progress=1.0) == {(0, 0, "+"): 2, (0, 1, "+"): 2}


def test_pairs_of_stellar_begin_around_the_middle(layer: Layer) -> None:
    cells = layer(np.zeros((1, 4)))
    Bench(Stellar(), cells, [0, 1, -1, 4])
    # Of levels 0 to 7 the middle is 3: G- lies half of the difference below it, G+ the difference above G-.
    assert cells.plus.ravel().tolist() == [3, 4, 3, 5]
    assert cells.minus.ravel().tolist() == [3, 3, 4, 1]


def test_stochastic_pulses_come_as_often_as_their_update_is_large(layer: Layer) -> None:
    cells = layer(np.zeros((10, 100)))
    bench = Bench(StochasticSparse(StochasticSparseSettings(most_pulses=1)), cells, np.zeros((10, 100)))
    # A fifth of a SET pulse: 200 of 1000 weights, with a standard deviation of 13.
    given = bench.step(0.1)
    assert set(given.values()) == {1}
    assert 150 < len(given) < 250
    assert bench.policy.take_traffic().random == 32 * 1000
    # More than a pulse is one, whatever is drawn.
    assert bench.step(3.0).values()
    assert set(bench.step(3.0).values()) == {1}


@pytest.mark.parametrize(("fixed", "down"), [(True, -1), (False, -1)])
def test_the_manhattan_rule_gives_one_pulse_by_sign(layer: Layer, fixed: bool, down: int) -> None:
    bench = Bench(
        FixedDevice(FixedDeviceSettings(fixed=fixed, relative_threshold=0.1)), layer(np.zeros((1, 4))), [1, 1, 1, 1]
    )
    assert bench.step([3, -0.9, 0, 0.2]) == {(0, 0, "+"): 1, (0, 1, "+"): down}


def test_a_reading_of_all_cells_corrects_what_is_believed(layer: Layer) -> None:
    cells = layer(np.zeros((1, 2)))
    bench = Bench(OpenLoop(OpenLoopSettings(pairing="one-sided", read_every=2)), cells, [2, -2])
    bench.access.found["layer"] = np.array([[[2.6, 0.0]], [[0.1, 1.0]]])
    bench.step([0, 0])
    assert [kind for kind, _ in bench.access.events] == ["pulse"]
    bench.step([0, 0])
    assert [kind for kind, _ in bench.access.events] == ["pulse", "read"]
    assert bench.held == pytest.approx([2.5, -1.0])
    assert (cells.plus.tolist(), cells.minus.tolist()) == ([[3, 0]], [[0, 1]])
