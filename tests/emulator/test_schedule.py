"""The schedule against the contract followed cycle by cycle, in plain Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import step_by_step

from twinbar.emulator.engines.bulk.schedule import schedule
from twinbar.emulator.engines.bulk.schedule_ops import OP_GAP, OP_GROUP, OP_OUTPUTS, OP_SIZE, OP_TILE, OP_WORK


@st.composite
def programs(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    tiles = draw(st.sampled_from([1, 1, 2, 3, 5, 70]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(0, 60))
    ops = np.zeros((count, OP_SIZE), np.int64)
    used = draw(st.integers(1, tiles))
    ops[:, OP_TILE] = rng.integers(0, tiles, count) if draw(st.booleans()) else np.arange(count) % used
    ops[:, OP_WORK] = rng.integers(0, draw(st.sampled_from([1, 4, 40, 3000])), count)
    ops[:, OP_OUTPUTS] = rng.integers(1, draw(st.sampled_from([2, 9])), count)
    ops[:, OP_GROUP] = rng.integers(1, 5, count)
    ops[:, OP_GAP] = rng.integers(0, 7, count)
    loads = rng.random(count) < draw(st.sampled_from([0.0, 0.5]))
    ops[loads] = 0
    ops[loads, OP_TILE] = rng.integers(0, tiles, loads.sum())
    ops[loads, OP_WORK] = 1
    return ops, tiles


@settings(max_examples=150)
@given(programs(), st.sampled_from([2, 3, 16]), st.sampled_from([2, 3, 16]), st.integers(0, 69))
def test_a_program_takes_the_cycles_of_the_contract(
    program: tuple[np.ndarray, int], command_depth: int, response_depth: int, served: int
) -> None:
    ops, tiles = program
    expected = step_by_step(ops, tiles, command_depth, response_depth, served % tiles)
    stalls, waits = np.full(tiles, -1, np.int64), np.zeros((len(ops), 2), np.int64)
    cycles, last = schedule(ops, tiles, command_depth, response_depth, served % tiles, stalls, waits)
    assert (cycles, last) == (expected["cycles"], expected["served"])
    assert stalls.tolist() == expected["stalls"]
    assert waits.tolist() == expected["waits"]


@pytest.mark.parametrize(
    ("ops", "cycles"),
    [
        # Accepted in 0, popped in 2, runs from 3 on, offered in 13, taken in 15.
        ([[0, 10, 1, 1, 0]], 16),
        # A LOAD has no response: popped in 2, its cycle is 3.
        ([[0, 1, 0, 1, 0]], 4),
        # The second is popped in the cycle in which the first is answered.
        ([[0, 10, 1, 1, 0], [0, 10, 1, 1, 0]], 27),
        # Both tiles offer in 13 and 14: none waits.
        ([[0, 10, 1, 1, 0], [1, 10, 1, 1, 0]], 17),
        ([], 0),
    ],
)
def test_worked_examples(ops: list[list[int]], cycles: int) -> None:
    stalls = np.zeros(2, np.int64)
    array = np.array(ops, np.int64).reshape(-1, OP_SIZE)
    assert schedule(array, 2, 16, 16, 1, stalls, np.zeros((0, 2), np.int64))[0] == cycles
    assert not stalls.any()


def test_a_tile_with_a_full_queue_blocks_the_beats_behind_it() -> None:
    # Tile 0 is slow and gets all beats first; tile 1 waits until its own beat is at the front.
    ops = np.array([[0, 100, 1, 1, 0]] * 4 + [[1, 1, 1, 1, 0]], np.int64)
    stalls = np.zeros(2, np.int64)
    nothing = np.zeros((0, 2), np.int64)
    assert schedule(ops, 2, 4, 16, 1, stalls, nothing)[0] == 2 + 4 * 101 + 3
    # With room for two, the last beat is accepted in cycle 105: behind the one that waits for the second to be popped.
    assert schedule(ops, 2, 2, 16, 1, stalls, nothing)[0] == 2 + 4 * 101 + 3
    ops[4, OP_WORK] = 1000
    assert schedule(ops, 2, 2, 16, 1, stalls, nothing)[0] == 105 + 2 + 1001 + 3
