"""Totals of many programs: exact, also where 64 bits are full."""

from twinbar.emulator.contract.activity import INT64_MAX, Activity, ActivityTotal
from twinbar.emulator.ledger.running_total import RunningTotal
from twinbar.hw.actions import Action


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
