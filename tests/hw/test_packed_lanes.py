"""Outputs that share a response beat: which lane each has, and that a product begins with the lowest one."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from twinbar.hw.gateware.control.product_outlet import ProductOutlet
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.sizes import LANE_BITS

LANES = 2
BITS = LANE_BITS[LANES]


def _beats(products: list[tuple[list[int], int]]) -> list[tuple[int, ...]]:
    """Hand over products, each with the number of its outputs that come before it is cut off; give the beats' lanes."""
    unit = ProductOutlet(ControllerConfig(rows=4, columns=8, outputs_per_beat=LANES))
    found: list[tuple[int, ...]] = []

    async def run(context: Any) -> None:
        context.set(unit.product, 1)
        for outputs, given in products:
            context.set(unit.start, 1)
            await context.tick()
            context.set(unit.start, 0)
            context.set(unit.responds, 1)
            for column, result in enumerate(outputs[:given]):
                context.set(unit.result, result)
                context.set(unit.column, column)
                context.set(unit.last_output, column == len(outputs) - 1)
                offers = context.get(unit.offers)
                assert offers != context.get(unit.packed)
                context.set(unit.taken, offers)
                if offers:
                    value = context.get(unit.value)
                    lanes = (value >> BITS * lane & (1 << BITS) - 1 for lane in range(LANES))
                    found.append((context.get(unit.first_column), *lanes))
                await context.tick()
            context.set(unit.responds, 0)
            context.set(unit.taken, 0)

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return found


def test_outputs_share_a_beat_in_their_order_and_the_last_one_leaves_a_lane_empty() -> None:
    assert _beats([([11, 12, 13], 3)]) == [(0, 11, 12), (2, 13, 0)]


@pytest.mark.parametrize("given", [1, 2, 3])
def test_nothing_is_left_of_a_product_that_was_cut_off(given: int) -> None:
    """The next product's first beat is of its own outputs from column 0 on, however many were waiting in lanes."""
    assert _beats([([21, 22, 23, 24], given), ([31, 32], 2)])[-1] == (0, 31, 32)
    assert _beats([([21, 22, 23, 24], given), ([31], 1)])[-1] == (0, 31, 0)
