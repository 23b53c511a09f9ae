"""The SimPy engine and the netlist: the same responses, cells, cycles, counts and heat, for programs of every kind."""

from dataclasses import replace

import pytest
from events_bench import Pair, command, crossbar, set_up, write_register

from twinbar.emulator.contract.program import Pin, PinPulse
from twinbar.emulator.verify.campaign import Coverage, compare, sessions
from twinbar.emulator.verify.compared_engines import engine_of
from twinbar.emulator.verify.elaborations import ELABORATIONS
from twinbar.hw.protocol.packing import unpack
from twinbar.hw.protocol.registers import (
    ACTION_COUNTER_BASE,
    COUNTED_ACTIONS,
    OFFSET_BASE,
    PHASE_COUNTER_BASE,
    REGISTERS,
    TRIM_BASE,
    WRITE_TABLE,
)
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Opcode, Record, Status
from twinbar.hw.timing import Phase

COUNTERS = [PHASE_COUNTER_BASE + phase for phase in Phase] + [
    ACTION_COUNTER_BASE + action for action in COUNTED_ACTIONS
]


def read_all(addresses: list[int], tile: int = 0) -> list[int]:
    return [command(Opcode.READ_REGISTER, tile, address=address) for address in addresses]


def test_registers_and_refusals() -> None:
    pair = Pair(*crossbar())
    every = [register.address for register in REGISTERS]
    writes = [
        command(Opcode.WRITE_REGISTER, address=address, value=value) for address in every for value in (0, 1 << 35)
    ]
    pair.run([*read_all(every), *writes, *read_all(every)])
    pair.run([*set_up(), *writes[:40], command(Opcode.DISARM), *read_all(COUNTERS)])


@pytest.mark.parametrize(
    "action", [ComplianceAction.OFF, ComplianceAction.END_PULSE, ComplianceAction.FAULT], ids=lambda action: action.name
)
def test_writes_pulses_and_the_current_limit(action: ComplianceAction) -> None:
    pair = Pair(*crossbar(preset="reram-es"))
    compliance = 1 | action.value << 16
    pair.run(
        set_up(step=(300, 0, 0), width=9, limit=30, COMPLIANCE=compliance, SAMPLING=0x11, PULSE_LIMIT=6, RECOVER=1)
    )
    tripped = 0
    for row in range(2):
        cell = {"row": row, "column": row}
        program = [
            command(Opcode.CLEAR),
            command(Opcode.ARM, mode=Mode.WRITE),
            command(Opcode.FORM, level=2, **cell),
            *(command(Opcode.WRITE, level=level, **cell) for level in (3, 0, 2)),
            command(Opcode.PULSE, record=Record.SET, count=5, **cell),
            command(Opcode.DRIVE, record=Record.SET, **cell),
            command(Opcode.PULSE, record=Record.RESET, count=3, **cell),
            command(Opcode.READ, **cell),
            command(Opcode.CONVERT, **cell),
            *read_all(COUNTERS),
        ]
        header = unpack(pair.run(program).responses)
        tripped += int(header["compliance"].sum())
    assert bool(tripped) == (action is ComplianceAction.FAULT)


SHORTEST = {"SELECT": 1, "SETTLE_READ": 1, "SETTLE_MULTIPLY": 1, "CONVERT": 1}
"""Phases of one cycle: what a phase needs has to be there at once."""


@pytest.mark.parametrize("durations", [{}, SHORTEST], ids=["usual", "shortest"])
@pytest.mark.parametrize("sample_and_hold", [False, True])
@pytest.mark.parametrize("channels", [1, 2])
def test_products(sample_and_hold: bool, channels: int, durations: dict[str, int]) -> None:
    pair = Pair(*crossbar(rows=18, columns=8, adc_channels=channels, sample_and_hold=sample_and_hold))
    pair.run(set_up(mode=Mode.READ, **durations))
    # Each column has an offset of its own.
    pair.run([command(Opcode.WRITE_REGISTER, address=OFFSET_BASE + column, value=column) for column in range(8)])
    program = []
    for bits in (0x1B2D_0047, 0, 0x5555_5555):
        program.append(command(Opcode.LOAD, word=0, bits=bits, clear=1))
        program.append(command(Opcode.LOAD, word=1, bits=0xFFFF_FFFF & bits))
        for codes, skip, subtract in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)):
            how = {"codes": codes, "skip": skip, "subtract": subtract}
            program.append(command(Opcode.MULTIPLY, column=2, outputs=2 if subtract else 5, **how))
    pair.run(program)
    pair.run(program, ready=[0, 0, 0, 1])


@pytest.mark.parametrize("durations", [{}, SHORTEST], ids=["usual", "shortest"])
def test_a_conversion_behind_comparisons_takes_the_offset_of_its_column(durations: dict[str, int]) -> None:
    config, controller = crossbar(adc_channels=2)
    pair = Pair(config, replace(controller, pulse_entries=16, compare=True))
    # One pulse is too few, so that each write ends with a conversion.
    pair.run(set_up(PULSE_LIMIT=1, WRITE_TABLE=WRITE_TABLE.word.pack(compare=1), **durations))
    offsets = [command(Opcode.WRITE_REGISTER, address=OFFSET_BASE + column, value=3 * column) for column in range(4)]
    cells = [{"row": row, "column": column} for row in range(2) for column in range(4)]
    result = pair.run([*offsets, *(command(Opcode.WRITE, level=3, **cell) for cell in cells)])
    assert {Status(status) for status in unpack(result.responses)["status"][len(offsets) :]} == {Status.FAILED}


@pytest.mark.parametrize("durations", [{}, SHORTEST], ids=["usual", "shortest"])
def test_calibration_and_ageing(durations: dict[str, int]) -> None:
    pair = Pair(*crossbar(adc_channels=2, adc_offset_codes=2.0, adc_gain_error=0.05))
    pair.run([*set_up(mode=Mode.READ, SAMPLING=0x21, **durations), write_register("GAIN_TARGET", 30)])
    calibrations = [
        *(command(Opcode.CALIBRATE, column=column) for column in range(4)),
        *(command(Opcode.CALIBRATE, column=column, subtract=1) for column in range(2)),
        *(command(Opcode.CALIBRATE, column=column, gain=1) for column in range(2)),
        *read_all([OFFSET_BASE + column for column in range(4)] + [TRIM_BASE, TRIM_BASE + 1]),
        command(Opcode.READ, row=1, column=3),
    ]
    pair.run(calibrations)
    for engine in (pair.events, pair.netlist):
        engine.set_tick(1000)
    pair.run(calibrations)


def test_tiles_share_the_streams() -> None:
    pair = Pair(*crossbar(tiles=3, depth=2))
    pair.run([beat for tile in range(3) for beat in set_up(tile, mode=Mode.READ)])
    beats = []
    for row in range(3):
        for tile in (0, 1, 2, 2, 0):
            beats.append(command(Opcode.READ, tile, row=row, column=1))
            beats.append(command(Opcode.MULTIPLY, tile, outputs=3))
        beats.append(command(Opcode.READ, 77, row=0, column=0))
    pair.run(beats)
    pair.run([*beats[:9], command(Opcode.SAFE), *beats[9:]], ready=[0, 1, 0])


STOPPED = [
    command(Opcode.WRITE, row=1, column=1, level=3),
    command(Opcode.PULSE, row=2, column=1, record=Record.RESET, count=2),
    command(Opcode.MULTIPLY, outputs=3, skip=1),
    command(Opcode.CALIBRATE, column=0, gain=1),
    command(Opcode.ARM, mode=Mode.WRITE),
    command(Opcode.WAIT, cycles=9),
    command(Opcode.READ_REGISTER, address=0x10),
]
"""Commands that are halted in every one of their cycles. They start in cycle 3 of their program."""


BRIEF = {"SELECT": 1, "SETTLE_READ": 1, "SETTLE_DRIVE": 2, "SETTLE_MULTIPLY": 2, "CONVERT": 2, "RECOVER": 1}


@pytest.mark.parametrize(
    ("stopped", "halt"),
    [
        *((stopped, halt) for stopped in STOPPED for halt in ("ABORT", "fault")),
        *((STOPPED[0], halt) for halt in ("SAFE", "stop")),
    ],
    ids=lambda value: value if isinstance(value, str) else Opcode(value & 31).name,
)
def test_a_halt_in_every_cycle(stopped: int, halt: str) -> None:
    pair = Pair(*crossbar(adc_channels=2, sample_and_hold=False))
    prepare = [command(Opcode.CLEAR), command(Opcode.ARM, mode=Mode.WRITE), command(Opcode.LOAD, bits=0x2D, clear=1)]
    after = command(Opcode.READ, row=0, column=0)
    pair.run(set_up(step=(200, 0, 0), width=2, COMPLIANCE=0, **BRIEF))
    pair.run(prepare)
    cycles = min(pair.run([stopped]).cycles, 30)
    seen = set()
    for cycle in range(1, cycles + 1):
        pair.run(prepare)
        if halt in ("ABORT", "SAFE"):
            result = pair.run([stopped, command(Opcode[halt]), after], arrivals=[0, cycle, cycle], ready=[1, 0, 0])
        else:
            pin = Pin.STOP if halt == "stop" else Pin.FAULT
            result = pair.run([stopped, after], ready=[1, 0, 0], pins=[PinPulse(pin, cycle, cycle + cycle % 5)])
        seen |= {Status(status) for status in unpack(result.responses)["status"].tolist()}
    if Opcode(stopped & 31) is not Opcode.READ_REGISTER:
        assert (Status.ABORTED if halt in ("ABORT", "SAFE") else Status.FAULTED) in seen


def test_the_watchdog_bites_to_the_cycle() -> None:
    pair = Pair(*crossbar())
    pair.run(set_up(mode=None, WATCHDOG=40))
    for gap in range(34, 48):
        beats = [
            command(Opcode.CLEAR),
            command(Opcode.ARM, mode=Mode.READ),
            command(Opcode.WAIT, cycles=30),
            command(Opcode.READ, row=0, column=0),
        ]
        pair.run(beats, arrivals=[0, 0, 3, 3 + gap])
        # Time stands still between programs, so that the watchdog goes on where it stopped.
        pair.run([command(Opcode.READ, row=0, column=0)])


def test_random_programs() -> None:
    coverage = Coverage()
    engines = {name: engine_of(name) for name in ("events", "pysim")}
    drawn = sessions(20, 20, list(ELABORATIONS.values()))
    found = compare(engines, drawn, coverage, tries=0)
    assert found is None, found.difference if found else None
    assert coverage.programs == 20
    assert coverage.responses > 300
