"""A whole tile on serial parts: cells are written and multiplied, in cycles counted by hand from ``docs/parts.md``."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.sim import Simulator
from array_model import SwitchedArray
from assemblies import DURATIONS, PMOD, PMOD_CONFIG
from controller_bench import Response, command, decode, set_up
from front_end_bench import PartsAtPins

from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.front_end.serial_front_end import SerialFrontEnd, SerialPinsSignature
from twinbar.hw.gateware.tile import Tile
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.layouts import Command
from twinbar.hw.protocol.layouts import Response as ResponseBeat
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.vocabulary import Opcode, Record, Status
from twinbar.hw.timing import Phase

CONFIG = replace(PMOD_CONFIG, adc_bits=8)
# The models' outputs take 7 us to settle; less would be refused by the crossbar.
SETTLE_DRIVE = 351
SELECT = 2 + 1 + 68 + 132 + 3
"""Cycles of SELECT at rest: the other figures of the parts are worked out in `test_serial_front_end`."""
ARMED = 34 * 3 + 24 + 1
"""Cycle in which ARM is answered: 34 writes of registers take 3 cycles each, ARM 24 to decide and one to respond."""
AT_REST = 50 + 3 * 66 + 7 * 66 + SETTLE_DRIVE
"""First cycle in which all outputs rest: power-up (1 us at 20 ns), three words (reset, reference, power), a word for
each of the seven outputs, settling. ARM ends before the first output is written, so that none is written twice."""
FIRST_SELECT = AT_REST - ARMED
"""SELECT begins in the cycle behind ARM, and ends in the first one in which all outputs rest."""
REGISTERS = {
    "SELECT": DURATIONS.select,
    "SETTLE_READ": DURATIONS.settle_read,
    "SETTLE_MULTIPLY": DURATIONS.settle_multiply,
    "SETTLE_DRIVE": SETTLE_DRIVE,
    "RECOVER": 4,
}
LEVELS = [(0, 5), (20, 30), (60, 255)]
RECORDS = {
    Record.READ: {"codes": (8, 2, 3)},
    Record.MULTIPLY: {"codes": (8, 2, 40)},
    Record.SET: {"codes": (64, 0, 5), "step": (16, 0, 1), "stop": (100, 0, 6), "width": 2},
    Record.RESET: {"codes": (0, 100, 5), "width": 1},
    Record.FORM: {"codes": (64, 0, 9), "width": 3},
}


class TileOnParts(wiring.Component):
    """A tile and its serial front end."""

    def __init__(self, config: ControllerConfig, parts: SerialParts) -> None:
        self.tile, self.front_end = Tile(config), SerialFrontEnd(config, parts)
        super().__init__(
            {
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(ResponseBeat)),
                "pins": Out(SerialPinsSignature(config, parts)),
                "safe": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.tile, m.submodules.front_end = self.tile, self.front_end
        connect(m, self.tile.front, self.front_end.tile)
        connect(m, flipped(self.commands), self.tile.commands)
        connect(m, self.tile.responses, flipped(self.responses))
        connect(m, self.front_end.pins, flipped(self.pins))
        m.d.comb += self.tile.safe.eq(self.safe)
        return m


@dataclass
class Trace:
    """What happened."""

    phases: list[Phase] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    updates: list[tuple[int, Record, tuple[int, int, int], int]] = field(default_factory=list)

    def runs(self, first: int) -> list[tuple[Phase, int]]:
        """Return the phases from a cycle on, with the length of each run."""
        found: list[tuple[Phase, int]] = []
        for phase in self.phases[first:]:
            if found and found[-1][0] == phase:
                found[-1] = (phase, found[-1][1] + 1)
            else:
                found.append((phase, 1))
        return found


def run(beats: list[int], g: dict[tuple[int, int], int] | None = None) -> tuple[Trace, SwitchedArray]:
    dut = TileOnParts(CONFIG, PMOD)
    at_pins = PartsAtPins(PMOD, CONFIG)
    crossbar = SwitchedArray(dict(g or {}), config=CONFIG, parts=PMOD, at_pins=at_pins)
    trace = Trace()
    loads = sum(beat & 31 == Opcode.LOAD.value for beat in beats)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.responses.ready, 1)
        position, cycle, answers = 0, 0, 0
        while answers < len(beats) - loads:
            ctx.set(dut.commands.valid, position < len(beats))
            if position < len(beats):
                ctx.set(dut.commands.payload.as_value(), beats[position])
            crossbar.step(ctx.get(dut.pins.write_gate), ctx.get(dut.pins.read_enable), cycle * at_pins.period_ns)
            at_pins.step(ctx, dut.pins, cycle)
            trace.phases.append(Phase(ctx.get(dut.tile.phase)))
            front = dut.tile.front
            if ctx.get(front.update):
                codes = ctx.get(front.codes.as_value())
                lines = tuple(codes >> shift & 0xFFF for shift in (0, 12, 24))
                trace.updates.append((cycle, Record(ctx.get(front.record)), lines, ctx.get(front.compliance_code)))
            position += bool(position < len(beats) and ctx.get(dut.commands.ready))
            if ctx.get(dut.responses.valid):
                trace.responses.append(decode(ctx.get(dut.responses.payload.as_value()), cycle))
                answers += 0 if _more(trace.responses[-1], beats) else 1
            cycle += 1
            assert cycle < 60_000
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1 / PMOD.clock_hz)
    simulator.add_testbench(bench)
    simulator.run()
    assert at_pins.violations() == []
    return trace, crossbar


def _more(response: Response, beats: list[int]) -> bool:
    """Whether more responses of the same product follow."""
    return response.opcode == Opcode.MULTIPLY.value and response.column % 4 != 3


SET_UP = set_up(CONFIG, levels=LEVELS, records=RECORDS, **REGISTERS)


def test_a_cell_is_written_up_and_down() -> None:
    beats = [command(Opcode.WRITE, row=3, column=7, level=level) for level in (1, 0)]
    trace, crossbar = run([*SET_UP, *beats], {(3, 7): 10})
    up, down = trace.responses[-2:]
    assert (up.status, up.code, up.sets, up.resets) == (Status.OK, 20, 4, 0)
    # 100 codes for one cycle, over 64, move the cell by 1: from 20 to 5, the upper end of level 0.
    assert (down.status, down.code, down.sets, down.resets) == (Status.OK, 5, 0, 15)
    assert [(pulse.row, pulse.column, pulse.width) for pulse in crossbar.pulses] == [(3, 7, 2)] * 4 + [(3, 7, 1)] * 15
    assert [pulse.voltage for pulse in crossbar.pulses] == [64, 80, 96, 100] + [-100] * 15

    first = trace.responses[-3].cycle + 1
    read = [(Phase.SETTLE, 1 + 5), (Phase.CONVERT, 73 + 1), (Phase.DECIDE, 1)]
    # Outputs that change: bit line, word line and limit (from the safe codes); bit and word line; the bit line twice.
    drives = [(Phase.SETTLE, 3 + words * 66 + 351) for words in (3, 2, 1, 1)]
    rise = [part for drive in drives for part in (*read, drive, (Phase.PULSE, 2), (Phase.RECOVER, 4))]
    # All three lines change once; then the same codes are driven.
    fall = [*read, (Phase.SETTLE, 3 + 3 * 66 + 351), (Phase.PULSE, 1), (Phase.RECOVER, 4)]
    fall += 14 * [*read, (Phase.PULSE, 1), (Phase.RECOVER, 4)]
    respond = (Phase.RESPOND, 1)
    expected = [*rise, *read, respond, (Phase.SELECT, SELECT), *fall, *read, respond]
    # The parts are still at their first words when the first cell is selected.
    assert first == ARMED + 1
    assert trace.runs(first) == [(Phase.SELECT, FIRST_SELECT), *expected]


def test_a_vector_is_multiplied() -> None:
    cells = {(row, column): (row + 2 * column) % 5 for row in range(10) for column in range(12)}
    inputs = [1, 0, 3, 2, 0, 1, 1, 0, 2, 3]
    words = [sum(value << 4 * place for place, value in enumerate(inputs[n : n + 8])) for n in (0, 8)]
    beats = [command(Opcode.LOAD, word=n, bits=bits, clear=n == 0) for n, bits in enumerate(words)]
    beats.append(command(Opcode.MULTIPLY, outputs=4, column=4, skip=1))
    trace, _ = run([*SET_UP, *beats], cells)
    products = trace.responses[-4:]
    assert [response.column for response in products] == [4, 5, 6, 7]
    sums = [sum(value * cells[row, column] for row, value in enumerate(inputs)) for column in range(4, 8)]
    assert [response.sum for response in products] == sums

    first = trace.responses[-5].cycle + 1
    assert first == ARMED + 1
    connect = (Phase.SETTLE, 1 + 7)
    # Columns 4 and 5 are connected with the rows, 6 and 7 by the second conversion: 2 + 132 + 3 cycles.
    groups = [(Phase.CONVERT, 73 + 1), (Phase.DECIDE, 1), (Phase.CONVERT, 2 + 132 + 3 + 73 + 1), (Phase.DECIDE, 1)]
    respond = (Phase.RESPOND, 2)
    # Two words are loaded while the parts are still at their first words; SELECT ends no later for it.
    expected = [(Phase.SELECT, FIRST_SELECT), connect, *groups, (Phase.SELECT, SELECT), connect]
    expected += [*groups[:2], respond, *groups[2:], respond]
    assert trace.runs(first) == expected


def test_a_pulse_on_an_output_that_still_moves_is_noticed() -> None:
    hasty = set_up(CONFIG, levels=LEVELS, records=RECORDS, **{**REGISTERS, "SETTLE_DRIVE": SETTLE_DRIVE - 20})
    with pytest.raises(AssertionError, match="opens on a moving output"):
        run([*hasty, command(Opcode.PULSE, row=1, column=1, record=Record.SET, count=1)])


def test_outputs_are_safe_after_a_refused_arming() -> None:
    bad = [command(Opcode.DISARM), command(Opcode.WRITE_REGISTER, address=0x4B, value=triple(0, 0, 0)), SET_UP[-1]]
    trace, crossbar = run([*SET_UP, command(Opcode.PULSE, row=1, column=1, record=Record.SET, count=1), *bad])
    assert trace.responses[-1].status is not Status.OK
    assert len(crossbar.pulses) == 1
    assert trace.updates[-1][1] is Record.SAFE


def test_a_controller_has_a_serial_front_end_per_tile() -> None:
    dut = Controller(replace(CONFIG, tiles=2), PMOD)
    assert [set(tile.signature.members) >= {"dac", "adc", "switches"} for tile in dut.tiles] == [True, True]
    simulator = Simulator(dut)
    seen = []

    async def bench(ctx: Any) -> None:
        for _ in range(400):
            await ctx.tick()
            seen.append([ctx.get(tile.dac.select_n) for tile in dut.tiles])

    simulator.add_clock(1 / PMOD.clock_hz)
    simulator.add_testbench(bench)
    simulator.run()
    assert [0, 0] in seen
