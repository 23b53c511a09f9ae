"""AD5628: its own words, and the part at a bus that keeps its limits, and at one that does not."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.ad5628 import AD5628
from twinbar.hw.parts.bus import bus_cycles

PART = AD5628()
CLOCK_HZ = 100e6
CYCLES = bus_cycles(PART.timing, CLOCK_HZ, 32)


def test_known_words() -> None:
    # Data sheet: command 3 writes and updates; 0x08000001 switches the reference on.
    assert PART.write_and_update(2, 0xABC) == 0x032ABC00
    assert PART.start_up() == (0x07000000, 0x08000001, 0x040000FF)
    assert AD5628(internal_reference=False).start_up() == (0x07000000, 0x08000000, 0x040000FF)


@pytest.mark.parametrize(("channel", "code"), [(8, 0), (-1, 0), (0, 4096), (0, -1)])
def test_what_the_part_does_not_have_is_refused(channel: int, code: int) -> None:
    with pytest.raises(ConfigError, match="AD5628 has no"):
        PART.write_and_update(channel, code)


def send(words: list[int], **wrong: int) -> object:
    device = PART.device()
    run_words(replace(CYCLES, **wrong), [Word(word, 32) for word in words], [[device]], clock_hz=CLOCK_HZ)
    return device


def test_a_frame_that_is_cut_short_does_nothing() -> None:
    device = PART.device()
    words = [Word(PART.write_and_update(0, 4000) >> 1, 31), Word(PART.write_and_update(0, 5), 32)]
    run_words(CYCLES, words, [[device]], clock_hz=CLOCK_HZ)
    assert device.writes == [(0, 5)]
    assert [str(violation).split(", ")[1] for violation in device.violations] == ["a frame of 31 bits"]


def test_chip_select_high_too_short_is_noticed() -> None:
    assert send([0, 0]).violations == []
    assert CYCLES.high == 2
    (violation,) = send([0, 0], high=1).violations
    assert (violation.limit, violation.needed_ns) == ("select_high_ns", 15)


def test_a_clock_that_is_too_fast_is_noticed() -> None:
    device = PART.device()
    run_words(bus_cycles(PART.timing, 50e6, 32), [Word(0, 32)], [[device]], clock_hz=150e6)
    assert {"period_ns", "high_ns", "low_ns"} <= {violation.limit for violation in device.violations}


def test_outputs_need_time_to_settle() -> None:
    device = PART.device()
    device.execute(PART.write_and_update(3, 9), 1000.0)
    assert not device.settled(7999.0)
    assert device.settled(8000.0)
    device.execute(PART.write_and_update(3, 9), 8000.0)
    assert device.settled(8000.0)
