"""Totals of many programs: exact, also where 64 bits are full."""

import numpy as np
import pytest

from twinbar.emulator.contract.activity import INT64_MAX, Activity, ActivityTotal
from twinbar.emulator.ledger.running_total import RunningTotal
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.timing import PHASES, Phase

NO_PULSES = np.array([Action.PULSE_SET, Action.PULSE_RESET])


def phases(idle: int) -> list[int]:
    return [idle if phase == Phase.IDLE else 0 for phase in range(len(PHASES))]


def test_programs_and_counts_are_those_of_all_programs() -> None:
    running = RunningTotal()
    for pulses in (3, 4):
        running.add(Activity.of({Action.PULSE_SET: pulses}, cycles=10))
    # Asking in between changes nothing.
    assert running.total().programs == 2
    running.add(Activity.of({Action.PULSE_SET: 5}, cycles=1))
    total = running.total()
    assert (total.actions[Action.PULSE_SET], total.cycles, total.programs) == (12, 21, 3)


def test_counts_beyond_64_bits_are_carried() -> None:
    running = RunningTotal(ActivityTotal.of(Activity.of({Action.TWIN_ACCESS: 1})))
    for _ in range(3):
        running.add(Activity.of({Action.TWIN_ACCESS: INT64_MAX}))
    total = running.total()
    # The total that it began with is a program, too.
    assert (total.actions[Action.TWIN_ACCESS], total.programs) == (3 * (2**63 - 1) + 1, 4)


def test_plausible_counts_are_added_as_all_are() -> None:
    actions = [0 if action in NO_PULSES else 3 * action + 1 for action in range(len(ACTIONS))]
    activity = Activity(actions, [5, 6, 7, 8], 9, 10, range(200, 200 + len(PHASES)), 11)
    quick, all_checked = RunningTotal(), RunningTotal()
    for _ in range(2):
        assert quick.add_plausible(activity, NO_PULSES, channels=1)
        all_checked.add(activity)
    assert quick.total() == all_checked.total() == ActivityTotal.of(activity) + ActivityTotal.of(activity)


@pytest.mark.parametrize(
    ("actions", "channels"),
    [
        ({Action.PULSE_RESET: 1}, 1),
        # Two channels for five cycles are ten channel-cycles.
        ({Action.CHANNEL_CYCLE: 11}, 2),
        ({Action.COMMAND_BEAT: INT64_MAX}, 1),
    ],
    ids=["of another kind", "more than all channels", "a sum might not fit"],
)
def test_what_is_to_be_looked_at_is_not_added(actions: dict[Action, int], channels: int) -> None:
    running = RunningTotal()
    assert running.add_plausible(Activity(phases=phases(5)), NO_PULSES, channels)
    before = running.total()
    activity = Activity(phases=phases(5))
    for action, count in actions.items():
        activity.counts[action] = count
    assert not running.add_plausible(activity, NO_PULSES, channels)
    assert running.total() == before


def test_totals_may_be_large_and_are_carried_in_the_end() -> None:
    # Heat is counted in small units: eight programs of 2^60 are 2^63, which a total of 64 bits does not hold.
    running, added = RunningTotal(), 0
    activity = Activity(cell_energy=[0, 0, 0, 1 << 60])
    for _ in range(12):
        if running.add_plausible(activity, NO_PULSES, channels=1):
            added += 1
        else:
            running.add(activity)
    assert running.total().cell_energy == (0, 0, 0, 12 << 60)
    # Four fit, four are looked at until the eighth is carried, three fit behind it, and the last is looked at.
    assert added == 7


def test_all_channels_may_be_on_all_the_time() -> None:
    activity = Activity(phases=phases(5))
    activity.counts[Action.CHANNEL_CYCLE] = 10
    assert RunningTotal().add_plausible(activity, NO_PULSES, channels=2)
