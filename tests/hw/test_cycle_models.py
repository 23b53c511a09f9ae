"""The cycles that a component takes are those of the model beside its `elaborate`, and those of the contract."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from amaranth.sim import Simulator

from twinbar.hw import timing
from twinbar.hw.gateware.accounts.tally import Tally
from twinbar.hw.gateware.control.phase_timer import PhaseTimer
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.arming import Arming
from twinbar.hw.gateware.drive.write_drive import WriteDrive
from twinbar.hw.gateware.link.uart import UartTransmitter
from twinbar.hw.gateware.readout.level_memory import LevelMemory
from twinbar.hw.gateware.streams.stream_queue import Queue
from twinbar.hw.protocol.vocabulary import Record


async def cycles_until(ctx: Any, happens: Callable[[], Any]) -> int:
    """Count the cycles from this one to the first in which something happens."""
    for cycle in range(1000):
        if happens():
            return cycle
        await ctx.tick()
    raise AssertionError("it never happens")


def simulate(dut: Any, bench: Callable[[Any], Any]) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("depth", [2, 3, 16])
def test_a_beat_can_be_taken_two_cycles_after_it_was_accepted(depth: int) -> None:
    dut = Queue(8, depth)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.i.payload, 77)
        ctx.set(dut.i.valid, 1)
        assert ctx.get(dut.i.ready)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        assert 1 + await cycles_until(ctx, lambda: ctx.get(dut.o.valid)) == Queue.cycles() == 2
        assert ctx.get(dut.o.payload) == 77

    simulate(dut, bench)
    assert timing.QUEUE_LATENCY == 2


def test_the_check_of_the_records_takes_24_cycles() -> None:
    dut = Arming()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        ctx.set(dut.active, 1)
        # With the first cycle, and with the last one.
        assert 1 + await cycles_until(ctx, lambda: ctx.get(dut.scan.last)) + 1 == Arming.cycles() == 24

    simulate(dut, bench)
    assert timing.ARM_CYCLES == 24


def test_new_codes_reach_the_pins_in_the_second_cycle_of_an_update() -> None:
    dut = WriteDrive(ControllerConfig())

    async def bench(ctx: Any) -> None:
        ctx.set(dut.pulse.target, Record.SET)
        ctx.set(dut.pulse.first, 1)
        ctx.set(dut.reading.even, 0x123)
        ctx.set(dut.pulse.begin, 1)
        await ctx.tick()
        ctx.set(dut.pulse.begin, 0)
        assert 1 + await cycles_until(ctx, lambda: ctx.get(dut.update)) == WriteDrive.cycles() == 2
        assert ctx.get(dut.codes.bit_line) == 0x123

    simulate(dut, bench)
    assert timing.MIN_SETTLE_DRIVE == 2


@pytest.mark.parametrize("duration", [1, 2, 3, 100, 256, 257])
@pytest.mark.parametrize("kind", ["phase", "pulse", "wait"])
def test_a_phase_lasts_as_long_as_its_register_says(kind: str, duration: int) -> None:
    dut = PhaseTimer()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.pulse, kind == "pulse")
        ctx.set(dut.wait, kind == "wait")
        ctx.set(dut.width if kind == "pulse" else dut.wait_cycles, duration)
        ctx.set(dut.duration.cycles, duration if kind == "phase" else 9)
        ctx.set(dut.duration.single, kind == "phase" and duration == 1)
        ctx.set(dut.duration.double, kind == "phase" and duration == 2)
        ctx.set(dut.clock.restart, 1)
        await ctx.tick().repeat(2)
        ctx.set(dut.clock.restart, 0)
        assert ctx.get(dut.clock.first)
        assert await cycles_until(ctx, lambda: ctx.get(dut.clock.last)) + 1 == PhaseTimer.cycles(duration) == duration

    simulate(dut, bench)


def test_a_count_can_be_asked_for_two_cycles_after_it_was_added() -> None:
    def read_after(cycles: int) -> int:
        dut, found = Tally(4, 8), []

        async def bench(ctx: Any) -> None:
            ctx.set(dut.index, 2)
            ctx.set(dut.amount, 5)
            ctx.set(dut.add, 1)
            await ctx.tick()
            ctx.set(dut.add, 0)
            for _ in range(cycles - 1):
                await ctx.tick()
            ctx.set(dut.read_index, 2)
            await ctx.tick()
            found.append(ctx.get(dut.value))

        simulate(dut, bench)
        return found[0]

    assert read_after(Tally.cycles()) == 5
    assert read_after(Tally.cycles() - 1) == 0
    assert Tally.cycles() == 2


@pytest.mark.parametrize("early", [0, 1])
def test_a_code_is_compared_with_a_level_two_cycles_after_it_was_chosen(early: int) -> None:
    dut, found = LevelMemory(ControllerConfig()), []

    async def bench(ctx: Any) -> None:
        for level, window in ((1, 10 | 20 << 16), (2, 30 | 40 << 16)):
            ctx.set(dut.level, level)
            ctx.set(dut.window, window)
            ctx.set(dut.write, 1)
            await ctx.tick()
        ctx.set(dut.write, 0)
        ctx.set(dut.level, 1)
        await ctx.tick().repeat(5)
        ctx.set(dut.level, 2)
        ctx.set(dut.code, 35)
        for _ in range(LevelMemory.cycles() - early):
            await ctx.tick()
        ctx.set(dut.compare, 1)
        await ctx.tick()
        found.append((ctx.get(dut.below), ctx.get(dut.above)))

    simulate(dut, bench)
    # A cycle earlier, the code is still above the level that was chosen before.
    assert found == [(0, early)]
    assert LevelMemory.cycles() == 2


@pytest.mark.parametrize("divisor", [4, 7, 104])
def test_a_byte_takes_ten_bits_on_the_line(divisor: int) -> None:
    dut = UartTransmitter(divisor)

    async def bench(ctx: Any) -> None:
        # 0xFF is a start bit and then ones: the line falls once per byte.
        ctx.set(dut.i.payload, 0xFF)
        ctx.set(dut.i.valid, 1)
        falls, before = [], 1
        for cycle in range(35 * divisor):
            level = ctx.get(dut.tx)
            if before and not level:
                falls.append(cycle)
            before = level
            await ctx.tick()
        assert len(falls) > 2
        assert {b - a for a, b in pairwise(falls)} == {10 * divisor}
        assert UartTransmitter.cycles(divisor) == 10 * divisor

    simulate(dut, bench)
