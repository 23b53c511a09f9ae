"""74HC595: chains of several lengths, the latch, and the pin that opens all switches."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words

from twinbar.hw.parts.bus import bus_cycles
from twinbar.hw.parts.hc595 import HC595_2V, HC595_4V5
from twinbar.hw.parts.switch import SwitchPart, pattern


@pytest.mark.parametrize("part", [HC595_2V, HC595_4V5], ids=lambda part: part.name)
@pytest.mark.parametrize("parts", [1, 3])
def test_the_last_bit_reaches_the_first_output(part: SwitchPart, parts: int) -> None:
    chain = part.device(parts)
    closed = {0, 5, 8 * parts - 1}
    cycles = bus_cycles(part.timing, 25e6, 8 * parts)
    run_words(cycles, [Word(pattern(closed, 8 * parts), 8 * parts)], [[chain]], clock_hz=25e6)
    assert chain.violations == []
    assert set(chain.closed) == closed


def test_outputs_change_only_at_the_latch() -> None:
    chain = HC595_4V5.device(2)
    cycles = bus_cycles(HC595_4V5.timing, 50e6, 16)
    words = [Word(0xFF, 8, last=False)]
    run_words(cycles, words, [[chain]], clock_hz=50e6)
    assert chain.closed == []
    chain = HC595_4V5.device(2)
    run_words(cycles, [*words, Word(0x01, 8)], [[chain]], clock_hz=50e6)
    assert chain.closed == [0, *range(8, 16)]


def test_output_enable_opens_and_keeps() -> None:
    chain = HC595_4V5.device(1)
    run_words(bus_cycles(HC595_4V5.timing, 50e6, 8), [Word(0x81, 8)], [[chain]], clock_hz=50e6)
    chain.open(1e6, True)
    assert chain.closed == []
    chain.open(2e6, False)
    assert chain.closed == [0, 7]


@pytest.mark.parametrize(
    ("limit", "wrong"),
    [
        ("select_high_ns", {"high": 1}),
        ("select_hold_ns", {"hold": 1, "second": 1}),
        ("data_setup_ns", {"first": 1}),
        ("period_ns", {"first": 2, "second": 2}),
    ],
)
def test_limits_are_checked(limit: str, wrong: dict[str, int]) -> None:
    part = HC595_4V5
    good = bus_cycles(part.timing, 100e6, 8)
    for cycles, expected in ((good, False), (replace(good, **wrong), True)):
        chain = part.device(1)
        run_words(cycles, [Word(0x55, 8)] * 2, [[chain]], clock_hz=100e6)
        assert (limit in {violation.limit for violation in chain.violations}) is expected


def test_too_few_bits_are_a_violation() -> None:
    chain = HC595_4V5.device(2)
    run_words(bus_cycles(HC595_4V5.timing, 50e6, 8), [Word(0x55, 8)], [[chain]], clock_hz=50e6)
    assert [violation.limit for violation in chain.violations] == ["8 bits for 16 switches"]
