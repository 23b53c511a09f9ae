"""AD5628: words, and the part at a bus that keeps its limits, and at one that does not."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words
from hypothesis import given
from hypothesis import strategies as st

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.ad5628 import AD5628, ALL_CHANNELS, Command, pack, unpack
from twinbar.hw.parts.bus import bus_cycles

PART = AD5628()
CLOCK_HZ = 100e6
CYCLES = bus_cycles(PART.timing, CLOCK_HZ, 32)


@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, (1 << 20) - 1))
def test_unpack_is_the_inverse_of_pack(command: int, address: int, data: int) -> None:
    word = pack(command, address, data)
    assert unpack(word) == (command, address, data)
    assert word < 1 << 28  # the four highest bits are don't care


def test_known_words() -> None:
    # Data sheet: command 3 writes and updates; 0x08000001 switches the reference on.
    assert PART.write_and_update(2, 0xABC) == 0x032ABC00
    assert PART.start_up() == (0x08000001,)
    assert AD5628(internal_reference=False).start_up() == (0x08000000,)


@pytest.mark.parametrize(("channel", "code"), [(8, 0), (-1, 0), (0, 4096), (0, -1)])
def test_what_the_part_does_not_have_is_refused(channel: int, code: int) -> None:
    with pytest.raises(ConfigError, match="AD5628 has no"):
        PART.write_and_update(channel, code)


def send(words: list[int], **wrong: int) -> object:
    device = PART.device()
    run_words(replace(CYCLES, **wrong), [Word(word, 32) for word in words], [[device]], clock_hz=CLOCK_HZ)
    return device


def test_outputs_follow_words() -> None:
    words = [
        *PART.start_up(),
        PART.write_and_update(0, 100),
        PART.write_and_update(7, 4095),
        pack(Command.WRITE_INPUT, 3, 77 << 8),
        pack(Command.WRITE_INPUT, 4, 88 << 8),
        pack(Command.UPDATE, 3, 0),
    ]
    device = send(words)
    assert device.violations == []
    assert device.reference_on
    assert device.outputs == [100, 0, 0, 77, 0, 0, 0, 4095]
    device = send([*words, pack(Command.WRITE_INPUT_UPDATE_ALL, 5, 9 << 8)])
    assert device.outputs == [100, 0, 0, 77, 88, 9, 0, 4095]
    device = send([pack(Command.WRITE_AND_UPDATE, ALL_CHANNELS, 5 << 8)])
    assert device.outputs == [5] * 8
    device = send(
        [pack(Command.LDAC, 0, 0b10), pack(Command.WRITE_INPUT, 1, 6 << 8), pack(Command.WRITE_INPUT, 2, 1 << 8)]
    )
    assert device.outputs == [0, 6, 0, 0, 0, 0, 0, 0]
    device = send([*words, pack(Command.RESET, 0, 0)])
    assert device.outputs == [0] * 8
    assert not device.reference_on


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
