"""The counters carry into each of their bits, and wrap; no program is long enough to show the highest ones."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from twinbar.hw.gateware.accounts.tally import Tally
from twinbar.hw.protocol.registers import COUNTER_BITS


@pytest.mark.parametrize("bit", [*range(8, COUNTER_BITS, 9), COUNTER_BITS - 1, COUNTER_BITS])
def test_a_carry_reaches_every_bit(bit: int) -> None:
    dut = Tally(4, 8)
    before, amount = (1 << bit) - 3, 200
    found = []

    async def count(ctx: Any) -> None:
        # The storage is the only place from which so high a value can start.
        ctx.set(dut.index, 2)
        ctx.set(dut.amount, amount)
        ctx.set(dut.add, 1)
        await ctx.tick()
        ctx.set(dut.add, 0)
        ctx.set(dut.read_index, 2)
        await ctx.tick().repeat(3)
        found.append(ctx.get(dut.value))

    simulator = Simulator(with_first_value(dut, before))
    simulator.add_clock(1e-8)
    simulator.add_testbench(count)
    simulator.run()
    assert found == [(before + amount) % (1 << COUNTER_BITS)]


def with_first_value(dut: Tally, value: int) -> Tally:
    """Return counter 2 a value at power-up."""
    elaborate = dut.elaborate

    def elaborated(platform: Any) -> Any:
        m = elaborate(platform)
        m.submodules.storage.data.init[2] = value
        return m

    dut.elaborate = elaborated  # type: ignore[method-assign]
    return dut
