"""Random programs for the sample controller: every opcode, refusals, halts, a consumer that waits."""

from typing import Any

import numpy as np
from rtl_samples import CONTROLLER, LEVELS, command

from twinbar.emulator.contract.program import Pin, PinPulse, Program
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record

RARE = (Opcode.SAFE, Opcode.ABORT, Opcode.DISARM)
ROWS, COLUMNS = CONTROLLER.rows, CONTROLLER.columns
REGISTERS = {0x20: 1 << 16, 0x401: 1 << CONTROLLER.adc_bits, 0x13: 9, 0x802: 16}
"""Addresses that are written, with the first value that is not."""


def random_command(rng: np.random.Generator) -> int:
    """Draw a command: mostly legal, for a tile that mostly exists."""

    def below(limit: int) -> int:
        return int(rng.integers(limit))

    def one_of(*values: Any) -> Any:
        return values[below(len(values))]

    opcode = one_of(*Opcode)
    if opcode in RARE and rng.random() < 0.6:
        opcode = Opcode.WRITE
    fields: dict[str, Any] = {}
    if opcode in (Opcode.READ, Opcode.WRITE, Opcode.FORM, Opcode.CONVERT):
        fields = {"row": one_of(ROWS, *range(ROWS)), "column": below(COLUMNS), "level": below(LEVELS + 1)}
    elif opcode in (Opcode.PULSE, Opcode.DRIVE):
        record = one_of(Record.SET, Record.RESET, Record.FORM, Record.SET, Record.RESET, Record.READ)
        fields = {"row": below(ROWS), "column": below(COLUMNS), "count": below(5), "record": record}
    elif opcode is Opcode.CALIBRATE:
        fields = {"column": below(COLUMNS), **one_of({"gain": 1}, {"subtract": 1}, {}, {})}
    elif opcode is Opcode.LOAD:
        fields = {"clear": below(2), "bits": below(1 << 32) & below(1 << 32)}
    elif opcode is Opcode.MULTIPLY:
        flags = {name: below(2) for name in ("subtract", "codes", "skip")}
        fields = {"outputs": 1 + below(4), "column": one_of(0, 2, 4), **flags}
    elif opcode is Opcode.WAIT:
        fields = {"cycles": one_of(1, 7, 300, 700)}
    elif opcode is Opcode.ARM:
        fields = {"mode": one_of(Mode.READ, Mode.WRITE, Mode.WRITE)}
    elif opcode is Opcode.READ_REGISTER:
        fields = {"address": one_of(0x10, 0x41, 0x83, 0x94, 0x400, 0x803, 0xFF)}
    elif opcode is Opcode.WRITE_REGISTER:
        address = one_of(*REGISTERS)
        fields = {"address": address, "value": below(REGISTERS[address])}
    return command(opcode, one_of(0, 1, 0, 1, 0, 1, 2), **fields)


def random_program(rng: np.random.Generator, *, pins: bool, beats: int = 60) -> Program:
    """Draw a program; with ``pins`` there are pulses on the stop and fault pins too."""
    commands = [random_command(rng) for _ in range(beats)]
    # What a halt has left is made good now and then, or little would happen after the first.
    for at in range(5, beats - 1, 11):
        tile = int(rng.integers(2))
        commands[at : at + 2] = command(Opcode.CLEAR, tile), command(Opcode.ARM, tile, mode=Mode.WRITE)
    gaps = rng.integers(0, rng.choice([1, 2, 400]), beats) * rng.integers(0, 2, beats)
    arrivals = np.cumsum(gaps) - gaps[0]
    ready = [np.ones(1), rng.random(23) < 0.4, np.repeat([1, 0], [300, 40])][rng.integers(3)].astype(bool)
    ready[-1] |= not ready.any()
    pulses = []
    if pins:
        stop, fault = (int(first) for first in rng.integers(50, 5000, 2))
        pulses = [PinPulse(Pin.STOP, stop, stop + 20), PinPulse(Pin.FAULT, fault, fault, tile=1)]
    return Program(np.array(commands, np.uint64), arrivals, ready, pulses)
