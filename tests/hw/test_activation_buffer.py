"""Activations lie in words from the lowest field on; nothing is left of the product before, cut off or not."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from twinbar.hw.gateware.control.activation_buffer import ActivationBuffer
from twinbar.hw.gateware.controller_config import ControllerConfig

CONFIG = ControllerConfig(columns=16, input_bits=4, shared_inputs=True, chain=True)
"""Eight codes of four bits to a word, two words."""


def _words(products: list[list[int]], *, cut: bool = False) -> list[int]:
    """Put products one after the other, the first ones without an end if they are cut off; read all words."""
    unit, found = ActivationBuffer(CONFIG), []

    async def run(context: Any) -> None:
        for number, codes in enumerate(products):
            context.set(unit.put, 1)
            for place, code in enumerate(codes):
                context.set(unit.first, place == 0)
                context.set(unit.last, place == len(codes) - 1 and not (cut and number < len(products) - 1))
                context.set(unit.code, code)
                await context.tick()
            context.set(unit.put, 0)
        for word in range(2):
            context.set(unit.index, word)
            await context.tick()
            found.append(int(context.get(unit.word)))

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return found


def test_codes_fill_words_from_the_lowest_field_on() -> None:
    assert _words([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]) == [0x87654321, 0xA9]


def test_the_last_word_is_written_with_the_last_code() -> None:
    assert _words([[15], [1, 2, 3]])[0] == 0x321


def test_the_fields_above_the_last_code_are_empty() -> None:
    assert _words([[15] * 16, [1] * 9]) == [0x11111111, 0x1]


@pytest.mark.parametrize("before", [1, 7, 11])
def test_a_product_that_was_cut_off_leaves_neither_its_place_nor_its_codes(before: int) -> None:
    assert _words([[15] * before, [1, 2]], cut=True)[0] == 0x21
