import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import activities

from twinbar.emulator.contract.activity import INT64_MAX, Activity, ActivityTotal, CellEnergy
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.timing import PHASES, Phase


def test_adding_sums_every_number():
    first = Activity.of({Action.PULSE_SET: 3, Action.SELECT_CELL: 1}, cycles=10, link_cycles=2)
    second = Activity.of({Action.PULSE_SET: 4}, cycles=5, link_cycles=1)
    second.phases[Phase.PULSE] = 7
    second.cell_energy[CellEnergy.RESET] = 9
    first += second
    assert first.actions[Action.PULSE_SET] == 7
    assert first.actions[Action.SELECT_CELL] == 1
    assert (first.cycles, first.link_cycles) == (15, 3)
    assert first.phases.tolist() == second.phases.tolist()
    assert first.cell_energy.tolist() == [0, 9, 0, 0]


@pytest.mark.parametrize("name", ["actions", "cell_energy", "phases"])
def test_overflow_is_detected_and_changes_nothing(name):
    full, one = Activity(), Activity.of({Action.SELECT_CELL: 5})
    getattr(full, name)[0] = INT64_MAX
    getattr(one, name)[0] = 1
    before = full.copy()
    with pytest.raises(OverflowError, match=f"{name} no longer fits 64 bits"):
        full += one
    assert full == before


def test_a_tally_goes_past_64_bits():
    full = ActivityTotal.of(Activity.of({Action.TWIN_ACCESS: INT64_MAX}))
    assert (full + full).actions[Action.TWIN_ACCESS] == 2 * INT64_MAX


def test_tiles_are_summed_and_latency_is_not():
    actions = np.zeros((3, len(ACTIONS)), dtype=np.int64)
    actions[:, Action.PULSE_SET] = [1, 2, 3]
    phases = np.ones((3, len(PHASES)), dtype=np.int64)
    summed = Activity.of_tiles(actions, np.zeros((3, 4), dtype=np.int64), phases, cycles=9)
    assert summed.actions[Action.PULSE_SET] == 6
    assert summed.phases.tolist() == [3] * len(PHASES)
    assert summed.cycles == 9


@pytest.mark.parametrize(("top", "fits"), [(INT64_MAX - 1, True), (INT64_MAX, False)])
def test_overflow_over_tiles_is_detected_exactly(top, fits):
    heat = np.array([[top, 0, 0, 0], [1, 0, 0, 0]])
    shape = np.zeros((2, len(ACTIONS)), dtype=np.int64), heat, np.zeros((2, len(PHASES)), dtype=np.int64)
    if fits:
        assert Activity.of_tiles(*shape, cycles=1).cell_energy[0] == INT64_MAX
    else:
        with pytest.raises(OverflowError, match="cell_energy"):
            Activity.of_tiles(*shape, cycles=1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"actions": np.zeros(3, dtype=np.int64)}, "actions has shape"),
        ({"cell_energy": np.zeros(4)}, "cell_energy has type float64"),
        ({"phases": np.full(len(PHASES), -1)}, "phases holds a negative number"),
        ({"cycles": -1}, "cycles is -1"),
        ({"link_cycles": 1.0}, "link_cycles is 1.0"),
    ],
)
def test_what_cannot_be_a_count_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        Activity(**arguments)


def test_a_fraction_of_an_action_is_refused():
    with pytest.raises(ValueError, match=r"pulse_set is 1\.5"):
        Activity.of({Action.PULSE_SET: 1.5})


@given(activities("write"), activities("write"))
def test_subtracting_undoes_adding(first, second):
    both = ActivityTotal.of(first) + ActivityTotal.of(second)
    assert both - ActivityTotal.of(second) == ActivityTotal.of(first)
    first += second
    # One activity holding both is one program; apart from that the forms agree.
    assert (ActivityTotal.of(first).actions, ActivityTotal.of(first).phases) == (both.actions, both.phases)
    assert (first.cycles, first.link_cycles) == (both.cycles, both.link_cycles)


def test_a_later_state_cannot_be_subtracted():
    with pytest.raises(ValueError, match="not an earlier state"):
        _ = ActivityTotal() - ActivityTotal.of(Activity.of({Action.SELECT_CELL: 1}))


@given(st.integers(0, 13))
def test_activities_that_differ_in_one_action_are_unequal(action):
    assert Activity.of({Action(action): 1}) != Activity()
    assert Activity.of({Action(action): 1}) == Activity.of({Action(action): 1})
