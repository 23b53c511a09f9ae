"""The average of a read, clamped to the range of codes: at both ends, and one beyond them."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.readout.averager import Averager

BITS = 4
TOP = 15


@pytest.mark.parametrize(
    ("code", "offset", "value"),
    [
        (7, 0, 7),
        (0, 0, 0),
        (0, 1, 0),
        (3, 5, 0),
        (15, 0, TOP),
        (15, -1, TOP),
        (15, -2, TOP),
        (14, -1, TOP),
        (14, -2, TOP),
    ],
)
def test_one_conversion_is_clamped_to_the_range(code: int, offset: int, value: int) -> None:
    averager = Averager(ControllerConfig(adc_bits=BITS))
    found = []

    async def read(context: Any) -> None:
        context.set(averager.single, 1)
        context.set(averager.offset, offset)
        context.set(averager.clear, 1)
        await context.tick()
        await context.tick()
        context.set(averager.clear, 0)
        context.set(averager.code, code)
        context.set(averager.take, 1)
        await context.tick()
        context.set(averager.take, 0)
        found.append(context.get(averager.value))

    simulator = Simulator(averager)
    simulator.add_clock(1e-6)
    simulator.add_testbench(read)
    simulator.run()
    assert found == [value]
