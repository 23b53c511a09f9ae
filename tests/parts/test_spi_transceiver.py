"""The SPI transceiver: modes, frames, counted cycles, and data that is taken when it is valid."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.bus import BusCycles, BusTiming, Wires, bus_cycles
from twinbar.hw.parts.part_model import SerialDevice

CLOCK_HZ = 100e6

LIMITS = BusTiming(
    source="no part",
    mode=0,
    period_ns=50,
    high_ns=20,
    low_ns=20,
    select_setup_ns=35,
    select_hold_ns=45,
    select_high_ns=60,
    data_setup_ns=15,
    data_hold_ns=10,
    access_ns=28,
    select_access_ns=28,
    output_hold_ns=4,
)


class Recorder(SerialDevice):
    """Keeps the frames that it was sent, and sends a fixed word."""

    def __init__(self, timing: BusTiming, answer: int = 0, answer_bits: int = 32) -> None:
        super().__init__(timing, "recorder")
        self.frames: list[tuple[int, int]] = []
        self.answer = [answer >> place & 1 for place in reversed(range(answer_bits))]

    def selected(self, time_ns: float) -> list[int]:
        return self.answer

    def frame(self, word: int, count: int, time_ns: float) -> None:
        self.frames.append((word, count))


@pytest.mark.parametrize("launches_on_sampling_edge", [False, True])
@pytest.mark.parametrize("mode", range(4))
def test_words_go_both_ways_in_every_mode(mode: int, launches_on_sampling_edge: bool) -> None:
    timing = replace(LIMITS, mode=mode, launches_on_sampling_edge=launches_on_sampling_edge)
    part = Recorder(timing, 0x5C3A1, 19)
    cycles = bus_cycles(timing, CLOCK_HZ, 19)
    trace = run_words(cycles, [Word(0x2A5F1, 19), Word(0x40002, 19)], [[part]], clock_hz=CLOCK_HZ, lanes=1)
    assert part.violations == []
    assert part.frames == [(0x2A5F1, 19), (0x40002, 19)]
    assert [words for _, words in trace.received] == [[0x5C3A1]] * 2
    assert trace.clock[0] == trace.clock[-1] == timing.cpol


@pytest.mark.parametrize("bits", [1, 2, 24, 32])
@pytest.mark.parametrize("mode", range(4))
def test_a_frame_takes_the_cycles_that_the_table_gives(mode: int, bits: int) -> None:
    cycles = BusCycles(cpol=mode >> 1, cpha=mode & 1, first=2, second=3, setup=4, hold=2, high=5)
    part = Recorder(replace(LIMITS, mode=mode))
    trace = run_words(cycles, [Word((1 << bits) - 1, bits)] * 3, [[part]], clock_hz=CLOCK_HZ)
    first = trace.accepted[0]
    assert trace.accepted == [first + n * cycles.frame(bits) for n in range(3)]
    low = [cycle for cycle, level in enumerate(trace.select_n) if not level]
    assert low[0] == first + 1
    assert len(low) == 3 * (cycles.frame(bits) - cycles.high)


def test_the_shortest_bus_is_two_cycles_a_bit() -> None:
    cycles = BusCycles(cpol=0, cpha=1, first=1, second=1, setup=1, hold=0, high=1)
    fast = BusTiming("no part", 1, 20, 10, 10, 10, 0, 10, 10, 10)
    part = Recorder(fast)
    trace = run_words(cycles, [Word(0b1011, 4), Word(0b0100, 4)], [[part]], clock_hz=CLOCK_HZ)
    assert part.frames == [(0b1011, 4), (0b0100, 4)]
    assert part.violations == []
    assert trace.accepted[1] - trace.accepted[0] == 1 + 8 + 1


def test_words_of_a_frame_follow_each_other_without_a_gap() -> None:
    part = Recorder(LIMITS, 0x123456, 24)
    cycles = bus_cycles(LIMITS, CLOCK_HZ, 24)
    words = [Word(0xAB, 8, last=False), Word(0x1CD, 9, last=False), Word(0x5F, 7)]
    trace = run_words(cycles, words, [[part]], clock_hz=CLOCK_HZ, lanes=1)
    assert part.frames == [(0xAB << 16 | 0x1CD << 7 | 0x5F, 24)]
    assert part.violations == []
    start = trace.accepted[0] + cycles.setup
    assert trace.accepted[1:] == [start + cycles.bits(8), start + cycles.bits(17)]
    assert [values for _, values in trace.received] == [[0x12], [0x34 << 1], [0x56]]


@pytest.mark.parametrize("mode", range(4))
def test_a_frame_waits_for_a_word_that_comes_late(mode: int) -> None:
    timing = replace(LIMITS, mode=mode)
    part = Recorder(timing)
    cycles = bus_cycles(timing, CLOCK_HZ, 16)
    words = [Word(0x96, 8, last=False), Word(0x69, 8, wait=cycles.frame(8) + 40)]
    run_words(cycles, words, [[part]], clock_hz=CLOCK_HZ)
    assert part.frames == [(0x9669, 16)]
    assert part.violations == []


def test_chip_selects_are_apart() -> None:
    parts = [Recorder(LIMITS) for _ in range(3)]
    words = [Word(5, 4, chip=2), Word(6, 4, chip=0), Word(7, 4, chip=2)]
    trace = run_words(bus_cycles(LIMITS, CLOCK_HZ, 4), words, [[part] for part in parts], clock_hz=CLOCK_HZ, chips=3)
    assert [part.frames for part in parts] == [[(6, 4)], [], [(5, 4), (7, 4)]]
    assert {level ^ 7 for level in trace.select_n} == {0, 1, 4}


@pytest.mark.parametrize("round_trip_ns", [0, 7, 12])
@pytest.mark.parametrize("mode", range(4))
def test_data_is_taken_once_it_is_valid(mode: int, round_trip_ns: float) -> None:
    timing = replace(LIMITS, mode=mode, access_ns=28 + round_trip_ns, select_access_ns=28 + round_trip_ns)
    part = Recorder(timing, 0xB2D, 12)
    cycles = bus_cycles(replace(timing, access_ns=28, select_access_ns=28), CLOCK_HZ, 12, Wires(0, round_trip_ns))
    trace = run_words(cycles, [Word(0, 12)], [[part]], clock_hz=CLOCK_HZ, lanes=1)
    assert [values for _, values in trace.received] == [[0xB2D]]


def test_data_that_is_taken_too_early_is_wrong() -> None:
    slow = replace(LIMITS, access_ns=45, select_access_ns=45)
    part = Recorder(slow, 0xB2D, 12)
    cycles = bus_cycles(slow, CLOCK_HZ, 12)
    assert cycles.sample_delay > 0
    early = replace(cycles, sample_delay=0)
    trace = run_words(early, [Word(0, 12)], [[part]], clock_hz=CLOCK_HZ, lanes=1)
    assert [values for _, values in trace.received] != [[0xB2D]]


@pytest.mark.parametrize("clock_hz", [12e6, 25e6, 48e6, 60e6, 100e6, 133e6])
@pytest.mark.parametrize("mode", range(4))
def test_every_clock_keeps_the_limits(mode: int, clock_hz: float) -> None:
    timing = replace(LIMITS, mode=mode, duty=0.4, select_period_ns=1500)
    part = Recorder(timing, 0xCA5, 12)
    cycles = bus_cycles(timing, clock_hz, 12)
    trace = run_words(cycles, [Word(0x3A5, 12)] * 3, [[part]], clock_hz=clock_hz, lanes=1)
    assert part.violations == []
    assert [values for _, values in trace.received] == [[0xCA5]] * 3


BREAKS = {
    "select_high_ns": {"high": 5},
    "select_setup_ns": {"setup": 1},
    "select_hold_ns": {"hold": 1},
    "high_ns": {"second": 1},
    "low_ns": {"first": 1},
    "period_ns": {"first": 2, "second": 2},
    "data_setup_ns": {"first": 1},
    "select_period_ns": {"high": 6},
}


@pytest.mark.parametrize("limit", BREAKS)
def test_the_model_notices_every_limit(limit: str) -> None:
    timing = replace(LIMITS, select_period_ns=1500, select_setup_ns=60)
    good = bus_cycles(timing, CLOCK_HZ, 12)
    words = [Word(0x955, 12), Word(0x6AA, 12)]
    part = Recorder(timing)
    run_words(good, words, [[part]], clock_hz=CLOCK_HZ)
    assert part.violations == []
    part = Recorder(timing)
    run_words(replace(good, **BREAKS[limit]), words, [[part]], clock_hz=CLOCK_HZ)
    assert limit in {violation.limit for violation in part.violations}


def test_the_model_notices_short_hold_of_data() -> None:
    part = Recorder(replace(LIMITS, data_hold_ns=25))
    cycles = bus_cycles(LIMITS, CLOCK_HZ, 12)
    run_words(cycles, [Word(0x555, 12)], [[part]], clock_hz=CLOCK_HZ)
    assert {violation.limit for violation in part.violations} == {"data_hold_ns"}


def test_a_violation_says_what_was_found() -> None:
    part = Recorder(LIMITS)
    run_words(replace(bus_cycles(LIMITS, CLOCK_HZ, 4), high=5), [Word(9, 4)] * 2, [[part]], clock_hz=CLOCK_HZ)
    (violation,) = part.violations
    assert (violation.limit, violation.found_ns, violation.needed_ns) == ("select_high_ns", pytest.approx(50), 60)
    assert "50 ns, the part needs 60 ns" in str(violation)


def test_times_are_rounded_up() -> None:
    cycles = bus_cycles(LIMITS, CLOCK_HZ, 12)
    # 15 ns before and 20 ns after the sampling edge are 2 cycles each, and 50 ns are 5.
    assert (cycles.first, cycles.second) == (3, 2)
    assert cycles.high == 6
    assert cycles.setup == 1  # 35 ns are 4 cycles, of which the first half of a bit covers 3
    assert cycles.hold == 3  # 45 ns are 5 cycles, of which the second half covers 2


def test_a_clock_that_is_too_slow_is_refused() -> None:
    with pytest.raises(ConfigError, match="permits 100 ns at most"):
        bus_cycles(replace(LIMITS, longest_period_ns=100), 10e6, 12)
