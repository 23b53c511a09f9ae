"""DAC8568: its own words, and the part at a bus that keeps its limits, and at one that does not."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.bus import bus_cycles
from twinbar.hw.parts.dac8568 import DAC8568

PART = DAC8568()
CLOCK_HZ = 100e6
CYCLES = bus_cycles(PART.timing, CLOCK_HZ, 32)


def test_known_words() -> None:
    # Data sheet: 0000 0011 nnnn, code, xxxx writes and updates; 0x08000001 switches the reference on.
    assert PART.write_and_update(2, 0xFFFF) == 0x032FFFF0
    assert PART.start_up() == (0x07000000, 0x08000001, 0x040000FF)


def test_a_word_that_does_not_begin_with_0_is_a_violation() -> None:
    device = PART.device()
    run_words(CYCLES, [Word(1 << 31 | PART.write_and_update(0, 5), 32)], [[device]], clock_hz=CLOCK_HZ)
    assert device.outputs == [0] * 8
    assert [v.limit for v in device.violations] == ["the first prefix bit is not 0"]


@pytest.mark.parametrize(
    ("limit", "wrong"), [("select_high_ns", {"high": 7}), ("select_hold_ns", {"second": 1, "hold": -0})]
)
def test_limits_are_checked(limit: str, wrong: dict[str, int]) -> None:
    clock_hz = 200e6 if limit == "select_hold_ns" else CLOCK_HZ
    cycles = replace(CYCLES, **wrong)
    device = PART.device()
    run_words(cycles, [Word(0, 32)] * 2, [[device]], clock_hz=clock_hz)
    assert limit in {violation.limit for violation in device.violations}


def test_what_the_part_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="DAC8568 has no code 65536"):
        PART.write_and_update(0, 65536)
