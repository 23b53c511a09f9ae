"""The schedule of cascades, shared inputs and packed outputs, against the contract followed cycle by cycle."""

from typing import Any

import numpy as np
import pytest
from cascade_streams import cycle_by_cycle
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbar.emulator.engines.bulk.cascade_ops import BEAT, NO_SENDER, WORK, cascade_ops
from twinbar.emulator.engines.bulk.cascade_schedule import follow_cascades
from twinbar.hw.timing import Timing


def follow(
    beats: np.ndarray, work: np.ndarray, tiles: int, command_depth: int = 16, response_depth: int = 16, served: int = -1
) -> dict[str, object]:
    """Follow a program with the schedule; by default the arbiter begins with tile 0."""
    stalls, waits = np.full(tiles, -1, np.int64), np.zeros((len(work), 2), np.int64)
    served = served % tiles
    cycles, last = follow_cascades(beats, work, tiles, command_depth, response_depth, served, stalls, waits)
    return {"cycles": cycles, "served": last, "stalls": stalls.tolist(), "waits": waits.tolist()}


@st.composite
def programs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Cascades of a grid of tiles, or of any neighbours, LOADs to one tile or to every cascade, and single commands."""
    members, cascades = draw(st.sampled_from([(1, 1), (1, 3), (2, 1), (3, 1), (3, 2), (2, 3), (5, 2), (9, 8)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(0, 40))
    lanes = draw(st.integers(1, 3))
    whole, free = draw(st.sampled_from([(True, False), (False, False), (False, True)]))
    longest, most_outputs = draw(st.sampled_from([2, 9, 60, 900])), draw(st.sampled_from([2, 10, 30]))
    beats, work = np.zeros(count, BEAT), [(1, 0)]
    beats["sender"] = NO_SENDER
    for beat in beats:
        beat["group"] = beat["lanes"] = beat["count"] = beat["stride"] = 1
        kind = rng.choice(["cascade", "load", "shared", "single"], p=[0.4, 0.25, 0.25, 0.1])
        beat["first"] = rng.integers(cascades) * members if kind == "cascade" else rng.integers(cascades * members)
        if kind == "cascade":
            beat["count"], beat["lanes"] = members, lanes
            if not whole:
                column, end = (0, members * cascades) if free else (beat["first"], beat["first"] + members)
                beat["first"] = rng.integers(column, end)
                beat["count"] = rng.integers(1, end - beat["first"] + 1)
            beat["outputs"], beat["group"] = rng.integers(1, most_outputs), rng.choice([1, 2, 4])
        elif kind == "shared":
            beat["first"], beat["count"], beat["stride"] = rng.integers(members), cascades, members
        elif kind == "single":
            beat["outputs"] = 1
        if beat["outputs"]:
            beat["work"] = len(work)
            for _ in range(beat["count"]):
                empty = rng.random() < 0.3
                work.append((0, 0) if empty else (rng.integers(longest), rng.integers(7)))
    return beats, np.array(work, WORK), members * cascades


@settings(max_examples=200, deadline=None)
@given(programs(), st.sampled_from([2, 3, 16]), st.sampled_from([2, 3, 16]), st.integers(0, 71))
def test_a_program_takes_the_cycles_of_the_contract(
    program: tuple[np.ndarray, np.ndarray, int], command_depth: int, response_depth: int, served: int
) -> None:
    beats, work, tiles = program
    expected = cycle_by_cycle(beats, work, tiles, command_depth, response_depth, served % tiles)
    assert follow(beats, work, tiles, command_depth, response_depth, served) == expected


def cascade(
    *members: tuple[int, int], outputs: int, group: int = 1, lanes: int = 1
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return a single command, whose members work as long as it says before the first output and between groups."""
    beats = np.array([(0, len(members), 1, NO_SENDER, outputs, group, lanes, 0)], BEAT)
    return beats, np.array(list(members), WORK), len(members)


def test_sums_flow_from_the_last_member_to_the_first() -> None:
    # Accepted in 0, popped in 2, runs from 3 on: 10 cycles of work, so that output 0 is ready in 13 in all members.
    # Member 2 hands it over in 13, 1 in 14 (1 stall), 0 in 15 (2 stalls). Each then works 3 cycles: output 1 is ready
    # in 17, 18 and 19, where it goes at once; output 2 in 21, 22 and 23. The last response is taken in 25.
    expected = {"cycles": 26, "served": 0, "stalls": [2, 1, 0], "waits": [[2, 2], [1, 1], [0, 0]]}
    assert follow(*cascade(*[(10, 3)] * 3, outputs=3)) == expected
    # Lanes change nothing here: outputs 0 and 1 go to their lanes when they would have been answered.
    for lanes in (2, 3):
        assert follow(*cascade(*[(10, 3)] * 3, outputs=3, lanes=lanes)) == expected


def test_a_slow_response_queue_is_felt_through_the_links() -> None:
    # All 6 outputs are one group. The queue of depth 2 is full in the cycle after two beats that follow each other:
    # member 0 hands over in 15, 16, 18, 19, 21, 22. It is ready in 13, 16, 17, 19, 20, 22: it stalls 2 + 1 + 1 cycles.
    # Member 1 hands over in 14 (1 stall), 15, 16, 17; output 4 must wait until output 2 was taken, in 18: 19 (1 stall);
    # output 5 in 20. Member 2 hands over in 13 to 18: a link of two sums hides the rest from it.
    found = follow(*cascade(*[(10, 0)] * 3, outputs=6, group=8), response_depth=2)
    assert found == {"cycles": 25, "served": 0, "stalls": [4, 2, 0], "waits": [[0, 0]] * 3}
    # With two lanes, outputs 1, 3 and 5 are answered, in 16, 18 and 20: the queue is never full.
    found = follow(*cascade(*[(10, 0)] * 3, outputs=6, group=8, lanes=2), response_depth=2)
    assert found == {"cycles": 23, "served": 0, "stalls": [2, 1, 0], "waits": [[0, 0]] * 3}


def test_a_member_without_an_input_step_adds_nothing_and_waits() -> None:
    # Member 1 is ready in 3 and gets sums in 14, 18, 22: it stalls 11 + 3 + 3 cycles. The others go as before.
    found = follow(*cascade((10, 3), (0, 0), (10, 3), outputs=3))
    assert found == {"cycles": 26, "served": 0, "stalls": [2, 17, 0], "waits": [[2, 2], [14, 14], [0, 0]]}
    # Member 2 hands over zeros in 3 and 4; the link is full until member 1 takes the first in 13: 9 stalls, and 14.
    found = follow(*cascade((10, 3), (10, 3), (0, 0), outputs=3))
    assert found == {"cycles": 25, "served": 0, "stalls": [1, 0, 9], "waits": [[1, 1], [0, 0], [0, 0]]}


def test_all_members_start_together() -> None:
    # A word for tile 2 is accepted in 0, popped in 2, loaded in 3; the cascade, accepted in 1, is popped by all in 3.
    beats, work, _ = cascade((1, 0), *[(10, 3)] * 3, outputs=3)
    beats["work"], beats["count"] = 1, 3
    load = np.array([(2, 1, 1, NO_SENDER, 0, 1, 1, 0)], BEAT)
    expected = {"cycles": 27, "served": 0, "stalls": [2, 1, 0], "waits": [[0, 0], [2, 2], [1, 1], [0, 0]]}
    assert follow(np.concatenate([load, beats]), work, 3) == expected
    # One LOAD goes to all tiles at once: the same.
    shared = np.array([(0, 3, 1, NO_SENDER, 0, 1, 1, 0)], BEAT)
    assert follow(np.concatenate([shared, beats]), work, 3) == expected
    # Two words for tile 2 and one for tile 1 keep the cascade back until tile 2 has loaded the second, in 4 or 5.
    for words, cycles in ((2, 28), (3, 29)):
        assert follow(np.concatenate([load] * words + [beats]), work, 3) == expected | {"cycles": cycles}


def test_outputs_of_a_group_fill_lanes_one_after_the_other() -> None:
    # Two channels, three lanes, five outputs: 0 and 1 go to lanes in 13 and 14; the next group is ready in 19: output 2
    # completes a beat, 3 goes to a lane in 20; output 4, ready in 25, is the last and completes the second one.
    found = follow(*cascade((10, 4), outputs=5, group=2, lanes=3))
    assert found == {"cycles": 28, "served": 0, "stalls": [0], "waits": [[0, 0]]}


def test_a_tile_that_is_done_with_a_cascade_does_not_wait_for_those_below() -> None:
    # Member 1 hands its outputs over in 13 and 14 and is free in 14: a product of its own is popped then and answered
    # in 16. Member 0 works until 33, and finds both sums where they were handed to.
    beats = np.array([(0, 2, 1, NO_SENDER, 2, 2, 1, 0), (1, 1, 1, NO_SENDER, 1, 1, 1, 2)], BEAT)
    work = np.array([(30, 0), (10, 0), (1, 0)], WORK)
    assert follow(beats, work, 2) == {"cycles": 37, "served": 0, "stalls": [0, 0], "waits": [[0, 0]] * 3}


@pytest.mark.parametrize(("cascaded", "shared"), [(True, True), (True, False), (False, True), (False, False)])
def test_the_commands_of_a_batch(*, cascaded: bool, shared: bool) -> None:
    """Two row tiles of 2 and 1 words, two column tiles of 3 and 1 outputs; the second row tile has no input step."""
    strides = (1, 2) if cascaded else (2, 1)
    changed = np.array([False, True, False, False])
    t = Timing(select=2, settle_multiply=5, convert=3).record()

    def commands(loads: np.ndarray, takes_part: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int], list[Any]]:
        steps = np.array([[2], [0]])
        outputs = np.array([3, 1])
        beats, work, counts, places = cascade_ops(
            4, *strides, cascaded, shared, steps, loads, takes_part, outputs, 2, 3, changed, t
        )
        found = [(int(beat["first"]), int(beat["count"]), int(beat["stride"]), int(beat["outputs"])) for beat in beats]
        return work, places, counts.tolist(), found

    work, places, counts, found = commands(np.array([[2], [1]]), np.ones((2, 1), np.bool_))
    # Two steps: select, settle, and a group of 3 + 1 cycles for two outputs; only the first group before the responses.
    assert [tuple(row) for row in work[places[0]]] == {
        True: [(2 + 5 + 4 * 2 + 2 + 5 + 4, 4), (0, 0), (2 + 5 + 4 + 2 + 5 + 4, 4), (0, 0)],
        False: [(2 + 5 + 4 * 2 + 2 + 5 + 4, 4), (2 + 5 + 4 + 2 + 5 + 4, 4), (0, 0), (0, 0)],
    }[cascaded]
    register = (5, 1, 1, 1)
    expected = {
        (True, True): [*[(4, 2, 2, 0), (4, 2, 2, 0), (5, 2, 2, 0)], *[(4, 2, 1, 3), (6, 2, 1, 1)]],
        (True, False): [
            *[(4, 1, 1, 0), (4, 1, 1, 0), (5, 1, 1, 0), (4, 2, 1, 3)],
            *[(6, 1, 1, 0), (6, 1, 1, 0), (7, 1, 1, 0), (6, 2, 1, 1)],
        ],
        (False, True): [
            *[(4, 2, 1, 0), (4, 2, 1, 0), (4, 1, 1, 3), (5, 1, 1, 1)],
            *[(6, 2, 1, 0), (6, 1, 1, 3), (7, 1, 1, 1)],
        ],
        (False, False): [
            *[(4, 1, 1, 0), (4, 1, 1, 0), (4, 1, 1, 3), (5, 1, 1, 0), (5, 1, 1, 0), (5, 1, 1, 1)],
            *[(6, 1, 1, 0), (6, 1, 1, 3), (7, 1, 1, 0), (7, 1, 1, 1)],
        ],
    }[cascaded, shared]
    assert (found, counts) == ([register, *expected], [len(expected)])
    # One word of the first row tile alone.
    _, _, counts, found = commands(np.array([[1], [0]]), np.array([[True], [False]]))
    expected = {
        (True, True): [(4, 2, 2, 0), (4, 1, 1, 3), (6, 1, 1, 1)],
        (True, False): [(4, 1, 1, 0), (4, 1, 1, 3), (6, 1, 1, 0), (6, 1, 1, 1)],
        (False, True): [(4, 2, 1, 0), (4, 1, 1, 3), (5, 1, 1, 1)],
        (False, False): [(4, 1, 1, 0), (4, 1, 1, 3), (5, 1, 1, 0), (5, 1, 1, 1)],
    }[cascaded, shared]
    assert (found, counts) == ([register, *expected], [len(expected)])
    # Nothing.
    _, _, counts, found = commands(np.zeros((2, 1), np.int64), np.zeros((2, 1), np.bool_))
    assert (found, counts) == ([register], [0])
