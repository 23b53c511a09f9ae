"""ADS8688: commands, results one frame later, ranges, and its limits."""

from dataclasses import replace

import pytest
from bus_bench import Word, run_words

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.ads8688 import (
    ADS8688,
    RANGE_REGISTER,
    Range,
    choose,
    chosen,
    write_register,
    written_register,
)
from twinbar.hw.parts.bus import bus_cycles

PART = ADS8688()
CLOCK_HZ = 100e6
CYCLES = bus_cycles(PART.timing, CLOCK_HZ, 32)


def test_known_words() -> None:
    # Data sheet: MAN_Ch_0 is C000h, MAN_Ch_7 DC00h; RST is 8500h; program write is address << 9 | 1 << 8 | data.
    assert [choose(channel) for channel in (0, 1, 7)] == [0xC000, 0xC400, 0xDC00]
    assert PART.start_up()[0] == (0x85000000, 32)
    assert write_register(RANGE_REGISTER, 6) == (0x0B0600, 24)
    assert [chosen(choose(channel)) for channel in range(8)] == list(range(8))
    assert chosen(0xC001) is None
    assert written_register(write_register(0x0C, 2).word) == (0x0C, 2)
    assert written_register(0) is None


def send(frames: list[tuple[int, int]], clock_hz: float = CLOCK_HZ, part: ADS8688 = PART, **wrong: int):
    device = part.device(lambda channel: 0x1000 * channel + 0x9A5)
    cycles = replace(bus_cycles(part.timing, clock_hz, 32), **wrong)
    words = [Word(word, bits, wait=cycles.frame(32)) for word, bits in frames]
    trace = run_words(cycles, words, [[device]], clock_hz=clock_hz, lanes=1)
    return device, [PART.result(values[0]) for _, values in trace.received]


@pytest.mark.parametrize("clock_hz", [12e6, 48e6, 60e6, 100e6])
def test_a_result_belongs_to_the_command_before(clock_hz: float) -> None:
    frames = [(PART.command(channel), 32) for channel in (3, 0, 7, 7)] + [(0, 32)]
    device, results = send(frames, clock_hz)
    assert device.violations == []
    assert results[1:] == [0x39A5, 0x09A5, 0x79A5, 0x79A5]
    assert device.conversions == [3, 0, 7, 7]


def test_start_up_sets_the_ranges() -> None:
    part = ADS8688(bipolar=False, input_range=Range.UNIPOLAR_5V12)
    device, _ = send(list(part.start_up()), part=part)
    assert device.ranges == [6] * 8
    assert device.violations == []


def test_half_a_million_samples_a_second() -> None:
    assert CYCLES.frame(32) == 200


@pytest.mark.parametrize(
    ("limit", "wrong"),
    [
        ("select_period_ns", {"high": 3}),
        ("period_ns", {"first": 2, "second": 3}),
        ("conversion", {"first": 2, "second": 2}),
        ("select_setup_ns", {"first": 1, "setup": 1}),
    ],
)
def test_limits_are_checked(limit: str, wrong: dict[str, int]) -> None:
    device = PART.device(lambda channel: 0)
    run_words(replace(CYCLES, **wrong), [Word(0, 32)] * 2, [[device]], clock_hz=CLOCK_HZ, lanes=1)
    assert limit in {violation.limit for violation in device.violations}


def test_frames_that_mean_nothing_are_violations() -> None:
    device, _ = send([(0x1234_0000, 32), (0, 31), (0x0B0600 & ~(1 << 16), 24)])
    assert len(device.violations) == 3


@pytest.mark.parametrize(
    ("result", "adc_bits", "code"),
    [(0x8000, 12, 0), (0xFFFF, 12, 4095), (0, 12, -4096), (0x7FFF, 12, -1), (0, 15, -32768)],
)
def test_results_are_mapped_to_signed_codes(result: int, adc_bits: int, code: int) -> None:
    assert PART.code(result, adc_bits) == code


def test_mistakes_are_explained() -> None:
    with pytest.raises(ConfigError, match="does not agree with bipolar = True"):
        ADS8688(input_range=Range.UNIPOLAR_10V24)
    with pytest.raises(ConfigError, match="ADS8688 has no input 8"):
        PART.command(8)
    with pytest.raises(ConfigError, match="7 and 8 bits"):
        write_register(0x80, 0)
