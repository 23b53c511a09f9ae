from collections.abc import Callable

import numpy as np

from twinbar.host.update.kernels import GIVE_UP_AFTER
from twinbar.host.update.policies.closed_loop import ClosedLoop
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
