"""DAC8568: words, and the part at a bus that keeps its limits, and at one that does not."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words
from hypothesis import given
from hypothesis import strategies as st

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.bus import bus_cycles
from twinbar.hw.parts.dac8568 import ALL_CHANNELS, DAC8568, Control, pack, unpack

PART = DAC8568()
CLOCK_HZ = 100e6
CYCLES = bus_cycles(PART.timing, CLOCK_HZ, 32)


@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, 0xFFFF), st.integers(0, 15))
def test_unpack_is_the_inverse_of_pack(control: int, address: int, code: int, feature: int) -> None:
    word = pack(control, address, code, feature)
    assert unpack(word) == (control, address, code, feature)
    assert word < 1 << 28


def test_known_words() -> None:
    # Data sheet: 0000 0011 nnnn, code, xxxx writes and updates; 0x08000001 switches the reference on.
    assert PART.write_and_update(2, 0xFFFF) == 0x032FFFF0
    assert PART.start_up() == (0x08000001,)


def send(words: list[int], **wrong: int) -> object:
    device = PART.device()
    run_words(replace(CYCLES, **wrong), [Word(word, 32) for word in words], [[device]], clock_hz=CLOCK_HZ)
    return device


def test_outputs_follow_words() -> None:
    words = [*PART.start_up(), PART.write_and_update(7, 0xFFFF), pack(Control.WRITE_INPUT, 3, 7)]
    device = send(words)
    assert device.violations == []
    assert device.reference_on
    assert device.outputs == [0] * 7 + [0xFFFF]
    assert send([*words, pack(Control.UPDATE, ALL_CHANNELS, 0)]).outputs == [0, 0, 0, 7, 0, 0, 0, 0xFFFF]
    assert send([*words, pack(Control.RESET, 0, 0)]).outputs == [0] * 8
    device = send([1 << 31 | PART.write_and_update(0, 5), pack(Control.WRITE_INPUT, 9, 0)])
    assert device.outputs == [0] * 8
    assert [v.limit for v in device.violations] == ["the first prefix bit is not 0", "address 9 does not exist"]


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
