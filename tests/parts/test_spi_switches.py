"""ADG1414 and ADG714: chains, and the reset that opens all switches."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words

from twinbar.hw.parts.adg714 import ADG714
from twinbar.hw.parts.adg1414 import ADG1414
from twinbar.hw.parts.bus import bus_cycles
from twinbar.hw.parts.switch import SwitchPart, pattern

PARTS = (ADG1414, ADG714)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_last_bit_reaches_the_first_switch(part: SwitchPart) -> None:
    chain = part.device(3)
    closed = {0, 7, 13, 23}
    run_words(bus_cycles(part.timing, 100e6, 24), [Word(pattern(closed, 24), 24)], [[chain]], clock_hz=100e6)
    assert chain.violations == []
    assert set(chain.closed) == closed


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_reset_clears_what_was_loaded(part: SwitchPart) -> None:
    chain = part.device(1)
    run_words(bus_cycles(part.timing, 100e6, 8), [Word(0xFF, 8)], [[chain]], clock_hz=100e6)
    assert chain.closed == list(range(8))
    chain.open(1e6, True)
    chain.open(1e6 + part.open_ns, False)
    assert chain.closed == []
    assert chain.violations == []
    chain.open(2e6, True)
    chain.open(2e6 + part.open_ns - 1, False)
    assert [violation.limit for violation in chain.violations] == ["open_ns"]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
@pytest.mark.parametrize(("limit", "wrong"), [("select_high_ns", {"high": 1}), ("high_ns", {"first": 2})])
def test_limits_are_checked(part: SwitchPart, limit: str, wrong: dict[str, int]) -> None:
    cycles = bus_cycles(part.timing, 100e6, 8)
    chain = part.device(1)
    run_words(replace(cycles, **wrong), [Word(0x5A, 8)] * 2, [[chain]], clock_hz=100e6)
    assert limit in {violation.limit for violation in chain.violations}
