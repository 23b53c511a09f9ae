"""The pins that say what a tile needs power for, cycle by cycle: ``read_enable`` with ``channels``."""

from typing import Any

import pytest
from controller_bench import Bench, command, set_up

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.vocabulary import Opcode

SIZE: dict[str, Any] = {"rows": 8, "columns": 16, "input_bits": 2}


def channels_on(config: ControllerConfig, beats: list[int], responses: int) -> list[int]:
    """Return the channels that are on, as a mask, in the cycles in which the read path is on."""
    setup = set_up(config)
    trace = Bench(config).run([*setup, *beats], responses=len(setup) + responses)
    return [pins[0].channels for pins in trace.pins if pins[0].read_enable]


@pytest.mark.parametrize("column", [0, 5, 15])
def test_a_read_needs_the_channel_of_its_column(column: int) -> None:
    config = ControllerConfig(adc_channels=4, **SIZE)
    found = channels_on(config, [command(Opcode.READ, row=3, column=column)], 1)
    # SETTLE_READ 3 and CONVERT 3.
    assert found == [1 << column % 4] * (3 + 3)


def test_a_product_needs_the_channels_that_have_an_output_left() -> None:
    config = ControllerConfig(adc_channels=4, **SIZE)
    load = command(Opcode.LOAD, word=0, clear=1, bits=0b01_10_11)
    found = channels_on(config, [load, command(Opcode.MULTIPLY, outputs=6, codes=1)], 6)
    # SETTLE_MULTIPLY 5, CONVERT 3, decide 1 and the responses to outputs 0 to 2 with four channels; with output 3 three
    # are left; CONVERT 3 with the two of the last group.
    assert found == [0b1111] * (5 + 3 + 1 + 3) + [0b0111] + [0b0011] * 3


def test_every_step_of_a_product_begins_with_all_of_its_channels() -> None:
    config = ControllerConfig(adc_channels=2, **SIZE)
    load = command(Opcode.LOAD, word=0, clear=1, bits=0b11)
    found = channels_on(config, [load, command(Opcode.MULTIPLY, outputs=3)], 3)
    # Of both planes: SETTLE_MULTIPLY 5, CONVERT 3 and decide 1 with both channels, then CONVERT 3 with one. In the last
    # one there are the responses to outputs 0 and 1 between the groups.
    assert found == [0b11] * 9 + [0b01] * 3 + [0b11] * 11 + [0b01] * 3
