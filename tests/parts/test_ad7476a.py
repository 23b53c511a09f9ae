"""AD7476A: the frame, the dummy conversion, acquisition, and data that is valid one period after its launch."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.ad7476a import AD7476A
from twinbar.hw.parts.bus import Wires, bus_cycles

PART = AD7476A()


def convert(codes: list[int], clock_hz: float = 100e6, **wrong: int) -> tuple[object, list[int]]:
    """Convert with a dummy frame before, and give the model and the results."""
    left = [0, *codes]
    device = PART.device(lambda channel: left.pop(0))
    cycles = replace(bus_cycles(PART.timing, clock_hz, PART.frame_bits), **wrong)
    words = [Word(0, PART.frame_bits) for _ in range(len(codes) + 1)]
    trace = run_words(cycles, words, [[device]], clock_hz=clock_hz, lanes=1)
    return device, [values[0] for _, values in trace.received][1:]


@pytest.mark.parametrize("clock_hz", [12e6, 25e6, 48e6, 60e6, 100e6])
def test_results_at_every_clock(clock_hz: float) -> None:
    device, words = convert([0, 4095, 0x5A3, 1], clock_hz)
    assert device.violations == []
    assert [PART.result(word) for word in words] == [0, 4095, 0x5A3, 1]
    assert all(word >> 12 == 0 for word in words)


def test_a_million_samples_a_second() -> None:
    cycles = bus_cycles(PART.timing, 100e6, PART.frame_bits)
    assert cycles.frame(PART.frame_bits) == 100


def test_the_first_conversion_is_wrong() -> None:
    device = PART.device(lambda channel: 0x123)
    trace = run_words(bus_cycles(PART.timing, 100e6, 16), [Word(0, 16)] * 2, [[device]], clock_hz=100e6, lanes=1)
    results = [PART.result(values[0]) for _, values in trace.received]
    assert results[0] != 0x123
    assert results[1] == 0x123
    assert [(frame.word, frame.bits) for frame in PART.start_up()] == [(0, 16)]


def test_two_parts_share_clock_and_chip_select() -> None:
    devices = [PART.device(lambda channel: 0xA5A), PART.device(lambda channel: 0x123)]
    cycles = bus_cycles(PART.timing, 100e6, 16)
    trace = run_words(cycles, [Word(0, 16)] * 2, [devices], clock_hz=100e6, lanes=2)
    assert trace.received[1][1] == [0xA5A, 0x123]


@pytest.mark.parametrize(
    ("limit", "wrong"),
    [
        ("select_high_ns", {"high": 12}),
        ("acquisition", {"high": 8, "second": 2, "first": 2}),
        ("select_setup_ns", {"setup": 1, "first": 1}),
        ("period_ns", {"first": 2, "second": 2}),
        ("duty", {"first": 2, "second": 4}),
        ("select_period_ns", {"high": 13}),
    ],
)
def test_limits_are_checked(limit: str, wrong: dict[str, int]) -> None:
    clock_hz = 400e6 if limit == "select_setup_ns" else 100e6
    device, _ = convert([1, 2], clock_hz, **wrong)
    assert limit in {violation.limit for violation in device.violations}


def test_a_board_that_delays_slows_the_clock() -> None:
    _, words = convert([0x800, 0x7FF])
    assert [PART.result(word) for word in words] == [0x800, 0x7FF]
    assert bus_cycles(PART.timing, 100e6, 16, Wires(round_trip_ns=25)).bits(1) == 7  # 40 ns + 25 ns


def test_short_frames_are_violations() -> None:
    device = PART.device(lambda channel: 0)
    run_words(bus_cycles(PART.timing, 100e6, 16), [Word(0, 15)], [[device]], clock_hz=100e6, lanes=1)
    assert "a frame of 15 bits, the part takes 16" in {violation.limit for violation in device.violations}


@pytest.mark.parametrize(("adc_bits", "code"), [(12, 0x9AB), (8, 0x9A), (14, 0x9AB << 2)])
def test_results_are_mapped_to_the_codes_of_a_tile(adc_bits: int, code: int) -> None:
    assert PART.code(0x9AB, adc_bits) == code


def test_the_part_has_one_input() -> None:
    with pytest.raises(ConfigError, match="AD7476A has no input 1"):
        PART.command(1)
