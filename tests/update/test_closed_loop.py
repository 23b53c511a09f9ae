from collections.abc import Callable, Mapping

import numpy as np
from recorded_access import RecordedAccess

from twinbar.host.update.cell_access import LayerUpdate
from twinbar.host.update.decision import Decision
from twinbar.host.update.kernels import GIVE_UP_AFTER
from twinbar.host.update.policies.closed_loop import ClosedLoop
from twinbar.host.update.policies.closed_loop_erase import ClosedLoopErase
from twinbar.host.update.programmed import ProgrammedLayer

STEP = 0.25
TOP = 7


def test_every_cell_is_written_to_the_nearest_level(layer: Callable[..., ProgrammedLayer]) -> None:
    rng = np.random.default_rng(0)
    held = rng.integers(-TOP, TOP + 1, size=(5, 11))
    cells = layer(held)
    cells.failures[0, 0] = GIVE_UP_AFTER  # it makes no difference between cells
    x = rng.uniform(-10, 10, size=held.shape).astype(np.float32)
    weights = x * np.float32(STEP)
    decision = ClosedLoop().decide(weights, cells, 0.5)
    target = np.clip(np.floor(x + 0.5), -TOP, TOP).astype(int)
    assert sorted(decision.origins.tolist()) == list(range(2 * held.size))
    levels = np.empty(2 * held.size, int)
    levels[decision.origins] = decision.levels
    assert (levels[0::2].reshape(held.shape) == np.maximum(target, 0)).all()
    assert (levels[1::2].reshape(held.shape) == np.maximum(-target, 0)).all()
    addresses = np.empty(2 * held.size, int)
    addresses[decision.origins] = decision.addresses
    plus = cells.map.output_address[:, None] + cells.map.input_address[None, :]
    assert (addresses[0::2].reshape(held.shape) == plus).all()
    assert (addresses[1::2].reshape(held.shape) == plus + 1).all()
    assert decision.weight_updates == (target != held).sum()
    assert ((cells.plus.astype(int) - cells.minus) == target).all()
    assert not (np.minimum(cells.plus, cells.minus)).any()
    # The twin keeps what a pair can hold.
    assert np.abs(weights / STEP - np.clip(x, -TOP, TOP)).max() < 1e-5


def test_a_second_decision_changes_nothing_and_writes_all_again(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[3, -2, 0]])
    weights = cells.weights.copy()
    decision = ClosedLoop().decide(weights, cells, 0.0)
    assert len(decision.addresses) == 6
    assert decision.weight_updates == 0
    assert (weights == cells.weights).all()


def test_every_cell_is_erased_before_it_is_written(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[3, -2, 0]])
    access = RecordedAccess([cells])
    weights = np.float32([[3, -1, 2]]) * np.float32(STEP)
    ClosedLoopErase().carry_out([LayerUpdate(weights, cells)], access, 0.0)
    erased = {(0, i, side): 0 for i in range(3) for side in "+-"}
    wanted = erased | {(0, 0, "+"): 3, (0, 1, "-"): 1, (0, 2, "+"): 2}
    assert access.events == [("write", erased), ("write", wanted)]
    # Two of the three weights changed their level; erasing is no update.
    assert access.weight_updates == 2
    assert (cells.plus.astype(int) - cells.minus).tolist() == [[3, -1, 2]]


def test_a_cell_that_cannot_be_erased_is_written_all_the_same(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[5, 4]])

    class Stuck(RecordedAccess):
        def write(self, decisions: Mapping[str, Decision]) -> None:
            super().write(decisions)
            if len(self.events) == 1:
                cells.plus[0, 1] = 6  # as the write's response has it: the nearest level

    access = Stuck([cells])
    ClosedLoopErase().carry_out([LayerUpdate(cells.weights.copy(), cells)], access, 0.0)
    assert access.events[1][1] == {(0, 0, "+"): 5, (0, 0, "-"): 0, (0, 1, "+"): 4, (0, 1, "-"): 0}
    assert access.weight_updates == 0
    assert cells.plus.tolist() == [[5, 4]]
