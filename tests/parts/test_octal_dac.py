"""Octal DACs: their words, and what their outputs make of them."""

import pytest
from bus_bench import Word, run_words
from hypothesis import given
from hypothesis import strategies as st

from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.ad5628 import AD5628
from twinbar.hw.parts.bus import bus_cycles
from twinbar.hw.parts.dac import BufferedDacDevice
from twinbar.hw.parts.dac8568 import DAC8568
from twinbar.hw.parts.octal_dac import ALL_CHANNELS, OctalDacCommand, OctalDacPart, pack, unpack

PARTS = (AD5628(), DAC8568())
CLOCK_HZ = 100e6


@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, (1 << 20) - 1))
def test_unpack_is_the_inverse_of_pack(command: int, address: int, data: int) -> None:
    word = pack(command, address, data)
    assert unpack(word) == (command, address, data)
    assert word < 1 << 28  # the four highest bits are don't care, or 0


@pytest.mark.parametrize("fields", [(16, 0, 0), (0, 16, 0), (0, 0, 1 << 20), (-1, 0, 0)])
def test_a_field_that_does_not_fit_is_refused(fields: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="of a word of an octal DAC is"):
        pack(*fields)


def outputs_after(part: OctalDacPart, words: list[int]) -> list[int]:
    device = sent(part, words)
    assert device.violations == []
    return device.outputs


def sent(part: OctalDacPart, words: list[int]) -> BufferedDacDevice:
    device = part.device()
    cycles = bus_cycles(part.timing, CLOCK_HZ, part.word_bits)
    run_words(cycles, [Word(word, part.word_bits) for word in words], [[device]], clock_hz=CLOCK_HZ)
    assert isinstance(device, BufferedDacDevice)
    return device


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_outputs_follow_words(part: OctalDacPart) -> None:
    top = (1 << part.bits) - 1
    words = [
        *part.start_up(),
        part.write_and_update(0, 100),
        part.write_and_update(7, top),
        pack(OctalDacCommand.WRITE_INPUT, 3, part.data_of(77)),
        pack(OctalDacCommand.WRITE_INPUT, 4, part.data_of(88)),
        pack(OctalDacCommand.UPDATE, 3, 0),
    ]
    device = sent(part, words)
    assert device.violations == []
    assert device.reference_on
    assert device.outputs == [100, 0, 0, 77, 0, 0, 0, top]
    everything = [*words, pack(OctalDacCommand.WRITE_INPUT_UPDATE_ALL, 5, part.data_of(9))]
    assert outputs_after(part, everything) == [100, 0, 0, 77, 88, 9, 0, top]
    assert outputs_after(part, [*words, pack(OctalDacCommand.UPDATE, ALL_CHANNELS, 0)]) == [
        100,
        0,
        0,
        77,
        88,
        0,
        0,
        top,
    ]
    assert outputs_after(part, [pack(OctalDacCommand.WRITE_AND_UPDATE, ALL_CHANNELS, part.data_of(5))]) == [5] * 8
    transparent = [
        pack(OctalDacCommand.LDAC, 0, 0b10),
        pack(OctalDacCommand.WRITE_INPUT, 1, part.data_of(6)),
        pack(OctalDacCommand.WRITE_INPUT, 2, part.data_of(1)),
    ]
    assert outputs_after(part, transparent) == [0, 6, 0, 0, 0, 0, 0, 0]
    device = sent(part, [*words, pack(OctalDacCommand.RESET, 0, 0)])
    assert device.outputs == [0] * 8
    assert not device.reference_on


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_what_the_part_does_not_know_is_a_violation(part: OctalDacPart) -> None:
    device = sent(part, [pack(OctalDacCommand.WRITE_INPUT, 9, 0), pack(12, 0, 0)])
    assert [v.limit for v in device.violations] == ["address 9 does not exist", "command 12 is not modelled"]
