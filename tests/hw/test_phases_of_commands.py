"""Cycles of each phase of a command, from its durations and by hand; and a least duration in cycles."""

import pytest

from twinbar.hw.timing import PHASES, Phase, Timing, add_multiply, add_write, cycles_for

TIMES = Timing(
    select=2,
    settle_read=3,
    settle_drive=5,
    settle_multiply=7,
    convert=11,
    samples=4,
    width_set=13,
    width_reset=17,
    recover=19,
).record()


def test_a_write_converts_each_sample_of_each_read() -> None:
    phases = [0] * len(PHASES)
    before = add_write(phases, TIMES, reads=3, sets=1, resets=2, drive_updates=2)
    found = {phase: cycles for phase, cycles in zip(Phase, phases, strict=True) if cycles}
    assert found == {
        Phase.SELECT: 2,
        Phase.SETTLE: 3 * 3 + 2 * 5,
        Phase.CONVERT: 3 * 4 * 11,
        Phase.DECIDE: 3,
        Phase.PULSE: 13 + 2 * 17,
        Phase.RECOVER: 3 * 19,
        Phase.RESPOND: 1,
    }
    assert before == 2 + 19 + 132 + 3 + 47 + 57


def test_a_product_converts_each_group_of_each_step_once() -> None:
    phases = [0] * len(PHASES)
    add_multiply(phases, TIMES, steps=2, conversions=6, outputs=5)
    found = {phase: cycles for phase, cycles in zip(Phase, phases, strict=True) if cycles}
    assert found == {
        Phase.SELECT: 2 * 2,
        Phase.SETTLE: 2 * 7,
        Phase.CONVERT: 6 * 11,
        Phase.DECIDE: 6,
        Phase.RESPOND: 5,
    }


@pytest.mark.parametrize(
    ("nanoseconds", "cycles"),
    # At 50 MHz a cycle is 20 ns: a least duration is rounded up, and is a cycle at least.
    [(0, 1), (1, 1), (20, 1), (21, 2), (40, 2), (59.9, 3), (60, 3), (60.1, 4)],
)
def test_a_least_duration_is_rounded_up(nanoseconds: float, cycles: int) -> None:
    assert cycles_for(nanoseconds * 1e-9, 50e6) == cycles
