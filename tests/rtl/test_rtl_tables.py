"""Writes by the pulse table and by comparisons: the compiled netlist gives what other engines give."""

from dataclasses import replace

import numpy as np
import pytest
from rtl_samples import CONTROLLER, LEVELS, command, counter_reads, crossbar, program, set_up, write_register

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.controller_engine import MakeController
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.engines.rtl.pysim import PysimController
from twinbar.emulator.engines.rtl.rtl_controller import RtlController
from twinbar.hw.actions import Action
from twinbar.hw.protocol.packing import triple, unpack, unpack_results
from twinbar.hw.protocol.registers import ALWAYS_COUNTED, PULSE_COUNT, PULSE_USE, WRITE_TABLE, entry_address
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status

pytestmark = pytest.mark.compiler

TABLES = replace(CONTROLLER, pulse_entries=16, compare=True)


def table(rng: np.random.Generator, tile: int, *, compare: int) -> list[int]:
    """Return the beats that fill the table of a tile anyhow, within the windows that `set_up` gives, and arm it."""
    config, beats = crossbar(), [command(Opcode.DISARM, tile)]
    drive = config.registers
    starts = {
        Record.SET: (drive.set_amplitude.start, 0, drive.set_gate.start),
        Record.RESET: (0, drive.reset_amplitude.start, drive.reset_gate.start),
    }
    for record, (bit_line, source_line, word_line) in starts.items():
        for number in range(TABLES.pulse_entries):
            step = 8 * number
            codes = (bit_line + step, 0, word_line) if record is Record.SET else (0, source_line + step, word_line)
            turns = int(rng.random() < 0.2)
            ends = int(rng.random() < 0.1 and not turns)
            use = PULSE_USE.pack(count=int(rng.integers(1, 4)), turns=turns, ends=ends)
            for place, value in ((0, triple(*codes)), (PULSE_COUNT, use)):
                address = entry_address(record, number, place)
                beats.append(command(Opcode.WRITE_REGISTER, tile, address=address, value=value))
    setting = WRITE_TABLE.word.pack(
        use=1,
        compare=compare,
        keep=int(rng.integers(2)),
        shift=int(rng.choice([0, 1, 2, 15])),
        rise=int(rng.integers(4)),
        fall=int(rng.integers(4)),
        patience=int(rng.choice([0, 3, 255])),
        slack=int(rng.integers(3)),
    )
    return [*beats, write_register("WRITE_TABLE", setting, tile), command(Opcode.ARM, tile, mode=Mode.WRITE)]


def writes(rng: np.random.Generator, beats: int = 24) -> Program:
    """Return a program of writes and verifies, which a halt interrupts now and then."""
    commands = []
    for _ in range(beats):
        tile = int(rng.integers(TABLES.tiles))
        place = {"row": int(rng.integers(3)), "column": int(rng.integers(4)), "level": int(rng.integers(LEVELS))}
        flags = {name: int(rng.integers(2)) for name in ("first", "polarity", "code")}
        opcode = Opcode.WRITE if rng.random() < 0.8 else Opcode.VERIFY
        arguments = {**flags, "entry": int(rng.integers(TABLES.pulse_entries))} if opcode is Opcode.WRITE else {}
        commands.append(command(opcode, tile, **place, **arguments))
        if rng.random() < 0.15:
            commands.append(command(Opcode.ABORT, tile))
    gaps = rng.integers(0, 300, len(commands)) * rng.integers(0, 2, len(commands))
    return program(commands, arrivals=np.cumsum(gaps) - gaps[0])


@pytest.mark.parametrize("make", [FastController, pytest.param(PysimController, marks=pytest.mark.slow)])
def test_the_compiled_netlist_writes_by_the_table_like_others(make: MakeController) -> None:
    # At this clock, pulses take ten cycles instead of a hundred: Amaranth's simulator takes a millisecond for each.
    config, rng = crossbar(clock_hz=10e6), np.random.default_rng(7)
    engines = [RtlController(config, TABLES), make(config, TABLES)]
    ready = [beat for tile in range(TABLES.tiles) for beat in set_up(config, tile, PULSE_LIMIT=9, COMPARE=3)]
    programs = [program(ready)]
    for compare in (0, 1):
        programs.append(program([beat for tile in range(TABLES.tiles) for beat in table(rng, tile, compare=compare)]))
        programs += [writes(rng) for _ in range(2)]
    statuses, actions = set(), np.zeros(len(Action), np.int64)
    for todo in programs:
        one, other = (engine.run(todo) for engine in engines)
        for name in ("responses", "response_cycles", "accepted", "cycles", "phases", "actions", "energy"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        statuses |= set(unpack(one.responses)["status"].tolist())
        actions += one.actions.sum(0)
    for name, values in engines[0].cells().items():
        assert np.array_equal(values, engines[1].cells()[name]), name
    assert {Status.OK.value, Status.FAILED.value, Status.ABORTED.value} == statuses
    used = [Action.PULSE_SET, Action.PULSE_RESET, Action.CONVERT_VERIFY, Action.COMPARE, Action.DRIVE_UPDATE]
    assert (actions[used] > 50).all()
    # The netlist's own counters say the same.
    reads = engines[0].run(program(counter_reads(0)))
    counted = unpack_results(Opcode.READ_REGISTER, reads.responses)["value"].tolist()
    assert counted[ALWAYS_COUNTED.index(Action.COMPARE)] > 25
