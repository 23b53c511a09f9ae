"""Runs an SPI transceiver in Amaranth's simulator with models of parts at its pins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth.sim import Simulator

from twinbar.hw.gateware.front_end.spi_transceiver import MAX_BITS, SpiTransceiver
from twinbar.hw.parts.bus import BusCycles
from twinbar.hw.parts.part_model import SerialDevice, drive_bus


@dataclass
class Word:
    """A word for `SpiTransceiver`: right-aligned value, number of bits."""

    value: int
    bits: int
    chip: int = 0
    last: bool = True
    wait: int = 0
    """Cycles after the word before was accepted in which this one is not offered."""


@dataclass
class BusTrace:
    """What the bus did."""

    accepted: list[int] = field(default_factory=list)
    received: list[tuple[int, list[int]]] = field(default_factory=list)
    select_n: list[int] = field(default_factory=list)
    clock: list[int] = field(default_factory=list)
    data: list[int] = field(default_factory=list)


def run_words(
    cycles: BusCycles,
    words: Sequence[Word],
    devices: Sequence[Sequence[SerialDevice]],
    *,
    clock_hz: float,
    chips: int = 1,
    lanes: int = 0,
    after: int = 3,
) -> BusTrace:
    """Send words as fast as the transceiver takes them; ``devices[chip]`` listen, and give their lanes in order."""
    dut = SpiTransceiver(cycles, chips, lanes)
    period_ns = 1e9 / clock_hz
    trace = BusTrace()

    async def bench(ctx: Any) -> None:
        pending = list(words)
        waited, quiet, cycle = 0, 0, 0
        while quiet < cycles.frame(MAX_BITS) + cycles.sample_delay + after:
            offered = pending[0] if pending and waited >= pending[0].wait else None
            ctx.set(dut.words.valid, offered is not None)
            if offered is not None:
                ctx.set(dut.words.payload.bits, offered.value << (MAX_BITS - offered.bits))
                ctx.set(dut.words.payload.count, offered.bits - 1)
                ctx.set(dut.words.payload.chip, offered.chip)
                ctx.set(dut.words.payload.last, offered.last)
            shown = step_devices(ctx, dut.pins, devices, cycle * period_ns, (cycle + 1) * period_ns)
            if lanes:
                ctx.set(dut.pins.inputs, shown)
            trace.select_n.append(ctx.get(dut.pins.select_n))
            trace.clock.append(ctx.get(dut.pins.clock))
            trace.data.append(ctx.get(dut.pins.data))
            if lanes and ctx.get(dut.received.valid):
                payload = dut.received.payload
                trace.received.append((cycle, [ctx.get(payload[lane]) for lane in range(lanes)]))
            if offered is not None and ctx.get(dut.words.ready):
                trace.accepted.append(cycle)
                pending.pop(0)
                waited = 0
            else:
                waited += 1
            quiet = 0 if pending else quiet + 1
            cycle += 1
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(period_ns * 1e-9)
    simulator.add_testbench(bench)
    simulator.run()
    return trace


def step_devices(
    ctx: Any, pins: Any, devices: Sequence[Sequence[SerialDevice]], time_ns: float, until_ns: float
) -> int:
    """Show the pins of a cycle to the models, and give what their data pins show just before ``until_ns``."""
    select_n, clock, level = ctx.get(pins.select_n), ctx.get(pins.clock), ctx.get(pins.data)
    return drive_bus(devices, time_ns, until_ns, select_n=select_n, clock=clock, data=level)
