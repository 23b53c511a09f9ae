"""The cycles of a serial front end: the gateware and the model of its clock, run side by side on random requests."""

import random

import pytest
from assemblies import ASSEMBLIES, DURATIONS, PMOD, PMOD_CONFIG
from front_end_bench import FrontEndBench

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts
from twinbar.hw.parts.front_end_clock import FrontEndClock
from twinbar.hw.protocol.vocabulary import Record, Request, Selection

WRITES = (Record.SET, Record.RESET, Record.FORM)


class Run:
    """A front end and the model of its clock, asked the same things in the same cycles."""

    def __init__(self, bench: FrontEndBench, seed: int) -> None:
        self.bench = bench
        config = bench.config
        self.chance = random.Random(seed)
        self.clock = bench.dut.clock(DURATIONS)
        self.answered: list[tuple[str, int, int | None]] = []
        """Kind, cycles, and cycle of the halt."""
        self.codes = {DrivePath.WRITE: (*config.safe_codes, 0)}

    def some_codes(self) -> tuple[int, ...]:
        """Few different codes, so that they are often the same again."""
        return tuple(self.chance.choice((5, 9, 900)) for _ in range(3))

    async def ask(self, kind: str, request: Request, done: int, **choices) -> bool:
        """Make a request that the model says is done in cycle ``done``, or halt it before; whether it was answered."""
        start = self.bench.cycle
        until = None
        if self.chance.random() < 0.25 and done > start:
            until = self.chance.randint(start, done - 1)
        found = await self.bench.request(request, until=until, **choices)
        self.answered.append((kind, done - start + 1, until))
        if until is None:
            assert found == done, f"{kind} from cycle {start}"
            return True
        assert found is None
        self.clock.halt(until)
        if kind == "drive" and until == start:
            # The codes come all the same: the update is under way.
            await self.bench.update(*choices["update_in_second"])
        elif self.chance.random() < 0.7:
            self.codes[DrivePath.WRITE] = (*self.bench.config.safe_codes, 0)
            self.bench.point(Selection.NONE)
            self.clock.update(self.bench.cycle, DrivePath.WRITE, self.bench.config.safe_codes)
            await self.bench.update(Record.SAFE, self.bench.config.safe_codes)
        else:
            self.bench.point(Selection.NONE)
            await self.bench.tick()
        return False

    async def select(self) -> bool:
        config, chance = self.bench.config, self.chance
        column = chance.randrange(config.columns)
        channels = 1 << column % config.adc_channels
        self.bench.point(Selection.CELL, chance.randrange(config.rows), column)
        if chance.random() < 0.5:
            column -= column % config.adc_channels
            channels = (1 << chance.randint(1, config.adc_channels)) - 1
            self.bench.point(Selection.PLANE, column=column, channels=channels)
        self.column, self.channels = column, channels
        return await self.ask("select", Request.SELECT, self.clock.select(self.bench.cycle, column))

    async def convert(self) -> bool:
        bench, config = self.bench, self.bench.config
        if self.chance.random() < 0.4 and self.column % config.adc_channels == 0:
            self.column = self.chance.randrange(0, config.columns, config.adc_channels)
            bench.point(Selection.PLANE, column=self.column, channels=self.channels)
        done = self.clock.convert(bench.cycle, self.column, self.channels)
        levels = [self.chance.randrange(1 << bench.parts.adc.bits) for _ in range(config.adc_channels)]
        bench.at_pins.levels[:] = levels
        if not await self.ask("convert", Request.CONVERT, done):
            return False
        for channel, level in enumerate(levels):
            if self.channels >> channel & 1:
                assert bench.code(channel) == bench.parts.adc.code(level, config.adc_bits)
        closed = bench.at_pins.matrix.closed_columns(self.column, config.adc_channels, self.channels)
        assert set(bench.at_pins.columns.closed) == closed
        return True

    async def read(self, drive: DrivePath) -> bool:
        request = Request.CONNECT_READ if drive is DrivePath.READ else Request.CONNECT_MULTIPLY
        done = self.clock.connect(self.bench.cycle, drive)
        if not await self.ask("connect", request, done):
            return False
        self.check_outputs(drive)
        for _ in range(self.chance.randint(1, 3)):
            if not await self.convert():
                return False
            if self.chance.random() < 0.5:
                await self.bench.tick()
        return True

    async def drive(self) -> bool:
        codes, limit = self.some_codes(), self.chance.choice((0, 255))
        self.codes[DrivePath.WRITE] = (*codes, limit)
        done = self.clock.drive(self.bench.cycle, codes, limit)
        update = (self.chance.choice(WRITES), codes, limit)
        if not await self.ask("drive", Request.DRIVE, done, update_in_second=update):
            return False
        self.check_outputs(DrivePath.WRITE)
        return True

    async def arm(self) -> None:
        for record, drive in ((Record.READ, DrivePath.READ), (Record.MULTIPLY, DrivePath.MULTIPLY)):
            codes = self.some_codes()
            self.codes[drive] = (*codes, 0)
            self.clock.update(self.bench.cycle, drive, codes)
            await self.bench.update(record, codes)

    def check_outputs(self, drive: DrivePath) -> None:
        """What a request has driven is at the outputs, and at rest."""
        bench = self.bench
        for place, output in enumerate(bench.parts.outputs):
            if drive in output.drives:
                code = self.codes[drive][output.line]
                assert bench.at_pins.output(place) == bench.parts.dac_code(output.line, code, bench.config.dac_bits)
                rested_ns = (
                    bench.cycle * bench.at_pins.period_ns - bench.at_pins.dacs[output.chip].changed_ns[output.channel]
                )
                assert rested_ns >= DURATIONS.settle_drive * bench.at_pins.period_ns

    async def go(self, operations: int) -> None:
        """Do random operations as the sequencer of a tile does."""
        # The first may come while the parts still start.
        await self.bench.tick(self.chance.randint(0, 1500))
        await self.arm()
        for _ in range(operations):
            await self.bench.tick(self.chance.choice((1, 1, 2, 40)))
            if self.chance.random() < 0.15:
                await self.arm()
            if not await self.select():
                continue
            for _ in range(self.chance.randint(0, 2)):
                drive = self.chance.choice((DrivePath.READ, DrivePath.MULTIPLY))
                if self.chance.random() < 0.5:
                    if not await self.drive():
                        break
                    await self.bench.tick(self.chance.randint(1, 9))
                elif not await self.read(drive):
                    break


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", ASSEMBLIES)
def test_the_model_gives_the_cycles_of_the_gateware(name: str, seed: int) -> None:
    config, parts = ASSEMBLIES[name]
    answered = run(config, parts, seed, 14)
    kinds = {kind for kind, _, until in answered if until is None}
    assert kinds == {"select", "connect", "convert", "drive"}
    assert any(until is not None for _, _, until in answered)


def run(config: ControllerConfig, parts: SerialParts, seed: int, operations: int) -> list[tuple[str, int, int | None]]:
    bench = FrontEndBench(config, parts, DURATIONS)
    side_by_side = Run(bench, seed)

    async def script(_: FrontEndBench) -> None:
        await side_by_side.go(operations)

    bench.run(script)
    return side_by_side.answered


def test_a_limit_of_all_ones_is_the_full_scale() -> None:
    for _, parts in ASSEMBLIES.values():
        assert parts.dac_code(DrivenLine.LIMIT, 255, 12) == (1 << parts.dac.bits) - 1
        assert parts.dac_code(DrivenLine.LIMIT, 0, 12) == 0


def test_a_halt_chooses_no_other_input_of_parts_that_have_one() -> None:
    # Two AD7476A convert together, in one frame; whatever a halt leaves of it, the next frame converts input 0 again.
    config = PMOD_CONFIG
    clock = FrontEndClock(PMOD, config.rows, config.columns, config.adc_channels, config.safe_codes, DURATIONS)
    done = clock.convert(100, 0, 0b11)
    assert clock.state(done)[-1] == 0
    clock.convert(done + 1, 0, 0b11)
    clock.halt(done + 1)
    assert clock.state(done + 200)[-1] == 0
