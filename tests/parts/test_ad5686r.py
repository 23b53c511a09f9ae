"""AD5686R: words, and the part at a bus that keeps its limits, and at one that does not."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words
from hypothesis import given
from hypothesis import strategies as st

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.ad5686r import AD5686R, Ad5686rCommand, pack, unpack
from twinbar.hw.parts.bus import bus_cycles

PART = AD5686R()
CLOCK_HZ = 100e6
CYCLES = bus_cycles(PART.timing, CLOCK_HZ, 24)


@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, 0xFFFF))
def test_unpack_is_the_inverse_of_pack(command: int, outputs: int, data: int) -> None:
    word = pack(command, outputs, data)
    assert unpack(word) == (command, outputs, data)
    assert word < 1 << 24


def test_known_words() -> None:
    # Data sheet: command 3, address bits D C B A.
    assert PART.write_and_update(2, 0xABCD) == 0x34ABCD
    assert PART.start_up() == (0x600000, 0x700000, 0x400000)
    assert AD5686R(internal_reference=False).start_up() == (0x600000, 0x700001, 0x400000)


def send(words: list[int], **wrong: int) -> object:
    device = PART.device()
    run_words(replace(CYCLES, **wrong), [Word(word, 24) for word in words], [[device]], clock_hz=CLOCK_HZ)
    return device


def test_outputs_follow_words() -> None:
    words = [PART.write_and_update(3, 0xFFFF), pack(Ad5686rCommand.WRITE_INPUT, 0b0101, 9)]
    device = send(words)
    assert device.violations == []
    assert device.reference_on
    assert device.outputs == [0, 0, 0, 0xFFFF]
    assert send([*words, pack(Ad5686rCommand.UPDATE, 0b0100, 0)]).outputs == [0, 0, 9, 0xFFFF]
    assert send([*words, pack(Ad5686rCommand.RESET, 0, 0)]).outputs == [0] * 4
    assert not send([*AD5686R(internal_reference=False).start_up()]).reference_on
    assert [v.limit for v in send([pack(12, 0, 0)]).violations] == ["command 12 is not modelled"]


def test_updates_are_as_far_apart_as_the_sheet_asks() -> None:
    assert CYCLES.frame(24) == 83
    assert send([0, 0]).violations == []
    (violation,) = send([0, 0], high=CYCLES.high - 1).violations
    assert (violation.limit, violation.needed_ns) == ("select_period_ns", 830)
    # At slower clocks the bits alone take longer.
    assert bus_cycles(PART.timing, 12e6, 24).frame(24) == 50


def test_chip_select_high_too_short_is_noticed() -> None:
    high, period = send([0, 0], high=2).violations
    assert {(v.limit, v.needed_ns) for v in (high, period)} == {("select_high_ns", 30), ("select_period_ns", 830)}


def test_what_the_part_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="AD5686R has no output 4"):
        PART.write_and_update(4, 0)
    with pytest.raises(ConfigError, match="outputs of an AD5686R word is 16"):
        pack(3, 16, 0)
