"""Runs a serial front end in Amaranth's simulator, request by request, with models of its parts at the pins."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from amaranth.sim import Simulator
from bus_bench import step_devices

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.front_end.serial_front_end import SerialFrontEnd
from twinbar.hw.parts.adc import AdcDevice
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.cycles import matrix_of
from twinbar.hw.parts.dac import DacDevice
from twinbar.hw.parts.front_end_clock import FrontEndRegisters
from twinbar.hw.parts.i2c import i2c_bus
from twinbar.hw.parts.part_model import Violation
from twinbar.hw.parts.switch import SWITCHES, SwitchChain
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.vocabulary import Record, Request, Selection


class PartsAtPins:
    """The models of all parts of a front end, connected to its pins.

    ``levels[channel]`` is the result that the ADC gives for a channel when it samples.
    """

    def __init__(self, parts: SerialParts, config: ControllerConfig) -> None:
        self.parts = parts
        self.matrix = matrix_of(parts, config.rows, config.columns)
        self.levels = [0] * config.adc_channels
        self.dacs: list[DacDevice] = [parts.dac.device() for _ in range(parts.dacs)]
        self.i2c = i2c_bus(parts.dac, self.dacs)
        self.rows: SwitchChain = parts.switch.device(self.matrix.row_switches // SWITCHES)
        self.columns: SwitchChain = parts.switch.device(self.matrix.column_switches // SWITCHES)
        if parts.adc.latency:
            self.adcs: list[AdcDevice] = [parts.adc.device(lambda channel: self.levels[channel])]
        else:
            self.adcs = [self._converter(channel) for channel in range(config.adc_channels)]
        self.period_ns = 1e9 / parts.clock_hz
        # What the board puts between the parts and the transceiver.
        self._registers = deque([0] * parts.adc_board.input_registers)

    def _converter(self, lane: int) -> AdcDevice:
        return self.parts.adc.device(lambda _: self.levels[lane])

    def step(self, ctx: Any, pins: Any, cycle: int) -> None:
        """Show the pins of a cycle to the models."""
        time_ns, until_ns = cycle * self.period_ns, (cycle + 1) * self.period_ns
        for chain in (self.rows, self.columns):
            chain.open(time_ns, bool(ctx.get(pins.switches_open)))
        if self.i2c is None:
            step_devices(ctx, pins.dac, [[dac] for dac in self.dacs], time_ns, until_ns)
        else:
            ctx.set(pins.dac.inputs, self.i2c.drive(time_ns, ctx.get(pins.dac.clock), ctx.get(pins.dac.data)))
        step_devices(ctx, pins.switches, [[self.rows], [self.columns]], time_ns, until_ns)
        shown = step_devices(ctx, pins.adc, [self.adcs], time_ns, until_ns - self.parts.adc_board.round_trip_ns)
        self._registers.append(shown)
        ctx.set(pins.adc.inputs, self._registers.popleft())

    def violations(self) -> list[Violation]:
        """Return what any of the parts has noticed."""
        devices = [*self.dacs, *self.adcs, self.rows, self.columns, *([] if self.i2c is None else [self.i2c])]
        return [violation for device in devices for violation in device.violations]

    def output(self, place: int) -> int:
        """Return the code of an output, by its place in `SerialParts.outputs`."""
        output = self.parts.outputs[place]
        return self.dacs[output.chip].outputs[output.channel]


class FrontEndBench:
    """A serial front end that is driven as a tile would drive it."""

    def __init__(self, config: ControllerConfig, parts: SerialParts, durations: FrontEndRegisters) -> None:
        self.config, self.parts, self.durations = config, parts, durations
        self.dut = SerialFrontEnd(config, parts)
        self.at_pins = PartsAtPins(parts, config)
        self.cycle = 0

    def run(self, script: Callable[["FrontEndBench"], Awaitable[None]]) -> None:
        """Run a script of the calls below; no part may see its limits broken."""

        async def bench(ctx: Any) -> None:
            self.ctx = ctx
            for name in ("select", "settle_read", "settle_multiply", "settle_drive"):
                ctx.set(getattr(self.dut.tile.durations, name), getattr(self.durations, name))
            ctx.set(self.dut.tile.record, Record.SAFE)
            await script(self)

        simulator = Simulator(self.dut)
        simulator.add_clock(1 / self.parts.clock_hz)
        simulator.add_testbench(bench)
        simulator.run()
        assert self.at_pins.violations() == []

    async def tick(self, cycles: int = 1) -> None:
        """Let cycles pass."""
        for _ in range(cycles):
            self.at_pins.step(self.ctx, self.dut.pins, self.cycle)
            await self.ctx.tick()
            self.cycle += 1

    async def request(self, request: Request, *, until: int | None = None, update_in_second: Any = None) -> int | None:
        """Hold a request until it is answered (its last cycle), or halt in cycle ``until`` (None)."""
        tile = self.dut.tile
        start = self.cycle
        self.ctx.set(tile.request, request)
        while True:
            self.ctx.set(tile.update, 0)
            if update_in_second is not None and self.cycle == start + 1:
                self.set_codes(*update_in_second)
            self.at_pins.step(self.ctx, self.dut.pins, self.cycle)
            done = self.ctx.get(tile.done)
            await self.ctx.tick()
            self.cycle += 1
            assert self.cycle - start < 100_000, f"{request.name} is not answered"
            if done or self.cycle - 1 == until:
                self.ctx.set(tile.request, Request.NONE)
                self.ctx.set(tile.update, 0)
                return self.cycle - 1 if done else None

    def set_codes(self, record: Record, codes: Sequence[int], limit: int = 0) -> None:
        """Put codes on the pins, with the strobe, in this cycle."""
        tile = self.dut.tile
        self.ctx.set(tile.record, record)
        self.ctx.set(tile.codes.as_value(), triple(*codes))
        self.ctx.set(tile.compliance_code, limit)
        self.ctx.set(tile.update, 1)

    async def update(self, record: Record, codes: Sequence[int], limit: int = 0) -> None:
        """Put codes on the pins, with the strobe, for a cycle."""
        self.set_codes(record, codes, limit)
        await self.tick()
        self.ctx.set(self.dut.tile.update, 0)

    def point(
        self, selection: Selection, row: int = 0, column: int = 0, *, channels: int | None = None, plane: int = 0
    ) -> None:
        """Set what is selected; the channels are that of the column, or as given."""
        tile = self.dut.tile
        if channels is None:
            channels = 1 << column % self.config.adc_channels
        for name, value in (("selection", selection), ("row", row), ("column", column), ("plane", plane)):
            self.ctx.set(getattr(tile, name), value)
        self.ctx.set(tile.channels, channels)

    async def load(self, word: int, bits: int, *, clear: bool = False) -> None:
        """Write a word of the row registers."""
        tile = self.dut.tile
        for name, value in (("row_load", 1), ("row_clear", clear), ("row_word", word), ("row_bits", bits)):
            self.ctx.set(getattr(tile, name), value)
        await self.tick()
        self.ctx.set(tile.row_load, 0)

    def code(self, channel: int) -> int:
        """Return the code of a channel now."""
        return int(self.ctx.get(self.dut.tile.code[channel]))
