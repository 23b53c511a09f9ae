"""What runs inside the HDL simulator: each program on the Verilog and on the fast engine, and both must agree."""

import cocotb
import numpy as np
import sessions
from bench import Observed, SafetyPins, VerilogBench
from sessions import CONTROLLER, SAFE_CODES, beats, multiply, set_up, write, write_list

from twinbar.emulator.contract.program import Pin, PinPulse, Program, ProgramResult
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.hw.protocol.packing import pack, triple, unpack
from twinbar.hw.protocol.registers import FIELD_WIDTH, record_address
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Opcode, Record, Selection, Status

SAFE_STATE = SafetyPins(Selection.NONE.value, 0, 0, Record.SAFE.value, int(triple(*SAFE_CODES)), 0, update=0)


class Pair:
    """The Verilog and the fast engine, side by side."""

    def __init__(self, dut: object) -> None:
        crossbar = sessions.crossbar()
        self.bench = VerilogBench(dut, crossbar, CONTROLLER)
        self.fast = FastController(crossbar, CONTROLLER)
        self.crossbar = crossbar

    async def run(self, program: Program, *, watch: bool = False) -> tuple[Observed, ProgramResult]:
        """Run a program on both, and compare all that the pins show."""
        seen, expected = await self.bench.run(program, watch=watch), self.fast.run(program)
        assert seen.responses == [beat.tobytes() for beat in expected.responses]
        assert seen.response_cycles == expected.response_cycles.tolist()
        assert seen.accepted == expected.accepted.tolist()
        assert seen.cycles == expected.cycles
        assert np.array_equal(seen.phases, expected.phases), (seen.phases, expected.phases)
        cells = self.fast.cells()
        for name in ("g", "pulses", "conversions"):
            assert np.array_equal(cells[name], getattr(self.bench.state, name)), name
        return seen, expected


async def armed(dut: object, **settings: int) -> Pair:
    """Return both controllers, set up and armed."""
    pair = Pair(dut)
    await pair.bench.start()
    _, result = await pair.run(Program(set_up(pair.crossbar, **settings)))
    assert statuses(result) == {Status.OK}
    return pair


def statuses(result: ProgramResult) -> set[Status]:
    """Return the statuses among the responses."""
    return {Status(int(status)) for status in unpack(result.responses)["status"]}


def every_cell(level: int, tiles: int = 2) -> np.ndarray:
    """Return a write list of some cells of all tiles, interleaved."""
    return write_list((tile, place % 8, (3 * place) % 8, level) for place in range(8) for tile in range(tiles))


def assert_made_safe(pins: list[SafetyPins], halt: int) -> None:
    """A tile that was driven in the cycle of a halt is safe from the next one on; the strobe tells the front end."""
    assert pins[halt].record != Record.SAFE.value
    assert pins[halt + 1] == SAFE_STATE._replace(update=1), pins[halt + 1]
    assert set(pins[halt + 2 :]) == {SAFE_STATE}


@cocotb.test()
async def write_lists_up_and_down(dut: object) -> None:
    """SET and RESET, success and failure, two tiles side by side."""
    pair = await armed(dut)
    found = set()
    for level in (3, 0, 2, 1):
        _, result = await pair.run(Program(every_cell(level)))
        found |= statuses(result)
    assert found == {Status.OK, Status.FAILED}
    polarities = {pulse.record for watch in pair.bench.watches for pulse in watch.pulses}
    assert polarities == {Record.SET, Record.RESET}


@cocotb.test()
async def pulse_widths_on_the_pins(dut: object) -> None:
    """The write gate is open for exactly the cycles of the record's register, for each kind of pulse."""
    pair = await armed(dut)
    widths = {Record.SET: 1, Record.RESET: 7, Record.FORM: 23}
    await pair.run(
        Program(
            beats(
                pack(Opcode.DISARM, 1),
                *(
                    pack(Opcode.WRITE_REGISTER, 1, address=record_address(record, FIELD_WIDTH), value=width | 255 << 28)
                    for record, width in widths.items()
                ),
                pack(Opcode.ARM, 1, mode=Mode.WRITE),
            )
        )
    )
    trains = [pack(Opcode.PULSE, 1, row=2, column=5, count=3, record=record.value) for record in widths]
    await pair.run(Program(beats(*trains)))
    seen = [(pulse.record, pulse.width) for pulse in pair.bench.watches[1].pulses]
    assert seen == [(record, width) for record, width in widths.items() for _ in range(3)]
    assert not pair.bench.watches[0].pulses


@cocotb.test()
async def multiplications(dut: object) -> None:
    """Bit planes and codes, single columns and pairs, empty vectors; responses wait for a slow consumer."""
    pair = await armed(dut)
    await pair.run(Program(every_cell(3)))
    vector = [5, 0, 15, 1, 8, 2, 0, 9]
    for inputs, arguments in (
        (vector, {"outputs": 8}),
        (vector, {"outputs": 4, "subtract": 1, "codes": 1}),
        (vector, {"outputs": 3, "column": 2, "skip": 1}),
        ([0] * 8, {"outputs": 4, "skip": 1}),
        ([0, 0, 4, 0, 0, 0, 0, 0], {"outputs": 4, "subtract": 1, "skip": 1}),
    ):
        both = beats(multiply(0, inputs, **arguments), multiply(1, inputs[::-1], **arguments))
        await pair.run(Program(both))
        await pair.run(Program(both, ready=np.array([False, False, True, False, False, False, False], bool)))


@cocotb.test()
async def calibration(dut: object) -> None:
    """Offsets of columns and pairs, and the trims of the channels."""
    pair = await armed(dut, SAMPLING=1 | 2 << 4)
    _, result = await pair.run(
        Program(
            beats(
                *(pack(Opcode.CALIBRATE, tile, column=column) for column in range(8) for tile in range(2)),
                *(pack(Opcode.CALIBRATE, 0, column=pair, subtract=1) for pair in range(4)),
                *(pack(Opcode.CALIBRATE, 1, column=column, gain=1) for column in (2, 5)),
                pack(Opcode.READ, 1, row=3, column=5),
            )
        )
    )
    assert statuses(result) == {Status.OK}
    await pair.run(Program(every_cell(2)))


@cocotb.test()
async def refusals_leave_the_next_command_unharmed(dut: object) -> None:
    """Unknown opcodes, addresses and levels out of range, locked registers; then a write that works."""
    pair = await armed(dut)
    bad = [
        np.array([0, 31], np.uint64),
        pack(Opcode.READ, 9, row=0, column=0),
        pack(Opcode.WRITE, 0, row=8, column=0, level=0),
        pack(Opcode.WRITE, 0, row=0, column=8, level=0),
        pack(Opcode.WRITE, 0, row=0, column=0, level=4),
        pack(Opcode.PULSE, 0, row=0, column=0, count=13, record=Record.SET.value),
        write("SELECT", 4),
        pack(Opcode.LOAD, 0, word=1),
        pack(Opcode.MULTIPLY, 0, column=1, outputs=1),
    ]
    for command in bad:
        _, result = await pair.run(Program(beats(command, write_list([(0, 1, 1, 3)]))))
        assert Status.OK in statuses(result) or Status.FAILED in statuses(result)
        assert len(statuses(result)) > 1


@cocotb.test()
async def faults_and_the_safe_state(dut: object) -> None:
    """Stop, front-end fault, SAFE, ABORT and the watchdog in the middle of a write; the gate is closed at once."""
    crowd = every_cell(0)
    for cause in ("stop", "fault", "safe", "abort", "watchdog"):
        pair = await armed(dut)
        await pair.run(Program(every_cell(3)))
        pins: list[PinPulse] = []
        program, arrivals = crowd, np.zeros(len(crowd), np.int64)
        if cause == "stop":
            pins = [PinPulse(Pin.STOP, 150, 155)]
        elif cause == "fault":
            pins = [PinPulse(Pin.FAULT, 133, 133, tile=1)]
        elif cause == "watchdog":
            program = beats(
                *(pack(Opcode.DISARM, tile) for tile in range(2)),
                *(write("WATCHDOG", 90, tile) for tile in range(2)),
                *(pack(Opcode.ARM, tile, mode=Mode.WRITE) for tile in range(2)),
                crowd[:4],
            )
            # The writes come when the tiles are armed, so that the last one starts the watchdogs.
            arrivals = np.array([0] * (len(program) - 4) + [60] * 4)
        else:
            last = pack(Opcode.SAFE) if cause == "safe" else pack(Opcode.ABORT, 1)
            program, arrivals = beats(crowd[:8], last), np.array([0] * 8 + [140])
        seen, result = await pair.run(Program(program, arrivals, pins=pins), watch=True)
        ended = Status.ABORTED if cause in ("safe", "abort") else Status.FAULTED
        assert ended in statuses(result), (cause, statuses(result))
        # Pins are seen two cycles later; SAFE and ABORT count when they are presented, behind the beat before them.
        presented = max(140, seen.accepted[-2] + 1)
        if cause == "abort":
            stopped = seen.pins[1][presented + 1]
            assert (stopped.selection, stopped.write_gate, stopped.read_enable) == (Selection.NONE.value, 0, 0)
            assert stopped.record != Record.SAFE.value
        elif cause == "fault":
            assert_made_safe(seen.pins[1], 133 + 2)
            assert SAFE_STATE not in seen.pins[0]
        else:
            halt = {"stop": 150 + 2, "safe": presented, "watchdog": seen.accepted[-1] + 91}[cause]
            for tile in seen.pins:
                assert_made_safe(tile, halt)
        again = beats(
            *(pack(Opcode.CLEAR, tile) for tile in range(2)),
            *(pack(Opcode.ARM, tile, mode=Mode.WRITE) for tile in range(2)),
            every_cell(1),
        )
        if cause != "watchdog":
            _, result = await pair.run(Program(again))
            assert ended not in statuses(result)


@cocotb.test()
async def current_limit(dut: object) -> None:
    """The compliance input ends pulses, or is a fault, behind its blanking."""
    for action in (ComplianceAction.END_PULSE, ComplianceAction.FAULT):
        pair = await armed(dut, COMPLIANCE=1 | action.value << 16, limits=12)
        seen, result = await pair.run(Program(every_cell(3)), watch=True)
        if action is ComplianceAction.FAULT:
            assert Status.FAULTED in statuses(result)
            halts = [max(at for at, pins in enumerate(tile) if pins.write_gate) for tile in seen.pins]
            for tile, halt in zip(seen.pins, halts, strict=True):
                if tile[-1].record == Record.SAFE.value:
                    assert_made_safe(tile, halt)
            assert any(tile[-1] == SAFE_STATE for tile in seen.pins)
        widths = {pulse.width for watch in pair.bench.watches for pulse in watch.pulses}
        assert min(widths) < pair.crossbar.timing.width_set, widths
