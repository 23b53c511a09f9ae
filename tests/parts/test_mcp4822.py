"""MCP4822: words, and the part at a bus that keeps its limits, and at one that does not."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words
from hypothesis import given
from hypothesis import strategies as st

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.bus import bus_cycles
from twinbar.hw.parts.mcp4822 import MCP4822, pack, unpack

PART = MCP4822()
CLOCK_HZ = 100e6
CYCLES = bus_cycles(PART.timing, CLOCK_HZ, 16)


@given(st.integers(0, 1), st.integers(0, 4095), st.booleans(), st.booleans())
def test_unpack_is_the_inverse_of_pack(channel: int, code: int, single_gain: bool, active: bool) -> None:
    assert unpack(pack(channel, code, single_gain=single_gain, active=active)) == (channel, single_gain, active, code)


def test_known_words() -> None:
    # Data sheet: A/B, -, GA, SHDN, code.
    assert PART.write_and_update(0, 0xABC) == 0x3ABC
    assert PART.write_and_update(1, 0xABC) == 0xBABC
    assert MCP4822(single_gain=False).write_and_update(1, 1) == 0x9001


def send(words: list[int], **wrong: int) -> object:
    device = PART.device()
    run_words(replace(CYCLES, **wrong), [Word(word, 16) for word in words], [[device]], clock_hz=CLOCK_HZ)
    return device


def test_outputs_follow_words() -> None:
    device = send([PART.write_and_update(1, 4095), pack(0, 3, active=False)])
    assert device.violations == []
    assert device.outputs == [3, 4095]
    assert device.active == [False, True]
    assert device.single_gain == [True, True]


@pytest.mark.parametrize(
    ("limit", "wrong"),
    [
        ("select_high_ns", {"high": 1}),
        ("select_setup_ns", {"setup": 1, "first": 2}),
        ("data_setup_ns", {"first": 1}),
        ("period_ns", {"first": 2, "second": 2}),
    ],
)
def test_limits_are_checked(limit: str, wrong: dict[str, int]) -> None:
    assert send([0, 0xFFFF]).violations == []
    assert limit in {violation.limit for violation in send([0, 0x5555], **wrong).violations}


def test_what_the_part_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="MCP4822 has no output 2"):
        PART.write_and_update(2, 0)
    with pytest.raises(ConfigError, match="do not fit an MCP4822 word"):
        pack(0, 4096)
