"""The digital functions behind a product: sums beyond their width, and settings that change behind the last sum."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from twinbar.hw.gateware.control.requantizer import Requantizer
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.sizes import SUM_BITS

TOP = (1 << SUM_BITS - 1) - 1
COLUMN = 3
BEHIND = 3
"""Cycles from a sum to the first in which another command may start, by settings that were written in between."""


def _code(total: int, bias: int, scale: int, settings: dict[str, int], other: dict[str, int]) -> int:
    """Give one sum to a requantizer of which another command takes other settings as soon as it may."""
    unit = Requantizer(ControllerConfig(columns=8, input_bits=8, shared_inputs=True, chain=True))
    found = []

    async def run(context: Any) -> None:
        entry = bias & (1 << SUM_BITS) - 1 | scale << SUM_BITS
        context.set(unit.column, COLUMN)
        context.set(unit.value, entry)
        context.set(unit.write, 1)
        context.set(unit.activation, settings)
        context.set(unit.start, 1)
        await context.tick()
        context.set(unit.write, 0)
        context.set(unit.start, 0)
        await context.tick()
        context.set(unit.total, total)
        context.set(unit.take, 1)
        await context.tick()
        context.set(unit.take, 0)
        context.set(unit.total, 0)
        await context.tick().repeat(BEHIND - 1)
        context.set(unit.activation, other)
        context.set(unit.start, 1)
        await context.tick().repeat(Requantizer.cycles() - BEHIND)
        assert context.get(unit.ready)
        found.append(context.get(unit.code))

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return int(found[0])


@pytest.mark.parametrize(
    ("total", "bias", "shift", "code"),
    [
        # The sum is limited to 131071 before the bias is added: 131071 - 131000 = 71, and -131072 + 131071 + 100 = 99.
        (TOP, -131000, 0, 71 + 100),
        (TOP + 1, -131000, 0, 71 + 100),
        (4 * TOP, -131000, 0, 71 + 100),
        (-TOP - 1, TOP, 0, 99),
        (-TOP - 2, TOP, 0, 99),
        # Halves are rounded up: (5 + 1) >> 1 = 3, and (-5 + 1) >> 1 = -2.
        (5, 0, 1, 103),
        (-5, 0, 1, 98),
    ],
)
def test_sums_are_limited_and_rounded_before_anything_is_lost(total: int, bias: int, shift: int, code: int) -> None:
    settings = {"shift": shift, "zero": 100}
    assert _code(total, bias, 1, settings, settings) == code


@pytest.mark.parametrize("other", [{"shift": 31, "zero": 100}, {"shift": 2, "zero": 7}, {"shift": 2, "relu": 1}])
def test_the_last_sum_goes_by_the_settings_of_its_product(other: dict[str, int]) -> None:
    # ((-40 + 0) * 3 + 2) >> 2 = -30, and 100 - 30 = 70.
    assert _code(-40, 0, 3, {"shift": 2, "zero": 100}, other) == 70


@pytest.mark.parametrize(
    ("total", "relu", "code"),
    [
        (30, 0, 130),
        (30, 1, 130),
        # Below 0 the code is that of the sum, or the zero point.
        (-50, 0, 50),
        (-50, 1, 100),
        # A code has eight bits.
        (-101, 0, 0),
        (155, 0, 255),
        (156, 0, 255),
        (156, 1, 255),
    ],
)
def test_codes_are_limited_at_both_ends(total: int, relu: int, code: int) -> None:
    settings = {"shift": 0, "zero": 100, "relu": relu}
    assert _code(total, 0, 1, settings, settings) == code
