"""Checks a command before it starts, in the order that the contract gives."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from twinbar.emulator.compiled import kernel
from twinbar.emulator.engines.program.program_registers import register_status
from twinbar.hw.protocol.layouts import ADDRESS_BITS, MAX_COLUMNS, VALUE_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import LEVELS, PULSE_LIMIT
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status


def _mask(opcodes: Iterable[Opcode]) -> int:
    return sum(1 << opcode.value for opcode in opcodes)


KNOWN: Final = _mask(Opcode)
READING: Final = _mask((Opcode.READ, Opcode.CONVERT, Opcode.CALIBRATE, Opcode.MULTIPLY))
WRITING: Final = _mask((Opcode.WRITE, Opcode.FORM, Opcode.PULSE, Opcode.DRIVE))
CELLS: Final = WRITING | _mask((Opcode.READ, Opcode.CONVERT))
LEVELLED: Final = _mask((Opcode.WRITE, Opcode.FORM))
ACCESSING: Final = _mask((Opcode.READ_REGISTER, Opcode.WRITE_REGISTER))
STOPPABLE: Final = READING | WRITING | _mask((Opcode.ARM, Opcode.WAIT))
"""Refused while a SAFE or ABORT waits; the bits are opcodes."""

ARM: Final = Opcode.ARM.value
CALIBRATE: Final = Opcode.CALIBRATE.value
DRIVE: Final = Opcode.DRIVE.value
LOAD: Final = Opcode.LOAD.value
MULTIPLY: Final = Opcode.MULTIPLY.value
PULSE: Final = Opcode.PULSE.value
SAFE: Final = Opcode.SAFE.value
WAIT: Final = Opcode.WAIT.value
WRITE_REGISTER: Final = Opcode.WRITE_REGISTER.value

MODE_READ: Final = Mode.READ.value
MODE_WRITE: Final = Mode.WRITE.value
RECORD_SET: Final = Record.SET.value
RECORD_FORM: Final = Record.FORM.value
"""SET, RESET and FORM, the records that can be pulsed, follow each other."""

OK: Final = Status.OK.value
UNKNOWN_OPCODE: Final = Status.UNKNOWN_OPCODE.value
BAD_TILE: Final = Status.BAD_TILE.value
ABORTED: Final = Status.ABORTED.value
FAULTED: Final = Status.FAULTED.value
DISARMED: Final = Status.DISARMED.value
BAD_ADDRESS: Final = Status.BAD_ADDRESS.value
BAD_LEVEL: Final = Status.BAD_LEVEL.value
BAD_VALUE: Final = Status.BAD_VALUE.value

LEVELS_AT: Final = LEVELS.address
PULSE_LIMIT_AT: Final = PULSE_LIMIT.address

INDEX_MASK: Final = 1023
COLUMN_SHIFT: Final = 10
ARGUMENT_SHIFT: Final = 20
"""Level, count, and the flags of CALIBRATE and MULTIPLY lie above row and column."""
BYTE_MASK: Final = 255
RECORD_SHIFT: Final = 28
RECORD_MASK: Final = 7
ADDRESS_MASK: Final = (1 << ADDRESS_BITS) - 1
VALUE_MASK: Final = (1 << VALUE_BITS) - 1
WAIT_MASK: Final = (1 << WIDTH_BITS) - 1


@kernel
def outputs_of(body):
    """Give the outputs of a multiplication."""
    outputs = body & INDEX_MASK
    return outputs if outputs else np.int64(MAX_COLUMNS)


@kernel
def _check_address(chip, opcode, body):
    bit = np.int64(1) << opcode
    columns = chip.columns
    column = (body >> COLUMN_SHIFT) & INDEX_MASK
    subtract = (body >> ARGUMENT_SHIFT) & 1
    if bit & CELLS and (body & INDEX_MASK >= chip.rows or column >= columns):
        return BAD_ADDRESS
    if opcode == CALIBRATE and column >= columns >> subtract:
        return BAD_ADDRESS
    if opcode == MULTIPLY and (column + outputs_of(body) > columns >> subtract or column & (chip.channels - 1)):
        return BAD_ADDRESS
    if opcode == LOAD and body & INDEX_MASK >= chip.words:
        return BAD_ADDRESS
    return OK


@kernel
def _check_arguments(row, chip, opcode, body):
    status = _check_address(chip, opcode, body)
    if status != OK:
        return status
    bit = np.int64(1) << opcode
    argument = (body >> ARGUMENT_SHIFT) & BYTE_MASK
    if bit & LEVELLED and argument >= row.registers[LEVELS_AT]:
        return BAD_LEVEL
    record = (body >> RECORD_SHIFT) & RECORD_MASK
    if opcode in (PULSE, DRIVE) and not RECORD_SET <= record <= RECORD_FORM:
        return BAD_VALUE
    if opcode == PULSE and not 1 <= argument <= row.registers[PULSE_LIMIT_AT]:
        return BAD_VALUE
    if opcode == CALIBRATE and argument & 3 == 3:
        return BAD_VALUE
    if opcode == WAIT and body & WAIT_MASK == 0:
        return BAD_VALUE
    if opcode == ARM and body & 3 != MODE_READ and body & 3 != MODE_WRITE:
        return BAD_VALUE
    return OK


@kernel
def admit(row, chip, rules, tile, addressed, opcode, body):
    """Give the status with which a command is refused, or OK.

    Parameters
    ----------
    row : record `program_layout.TILE`
        State of the tile.
    tile, addressed : int
        Number of the tile, and that in the beat.
    opcode, body : int
        The command.
    """
    bit = np.int64(1) << opcode
    if not bit & KNOWN:
        return UNKNOWN_OPCODE
    if addressed != tile and opcode != SAFE:
        return BAD_TILE
    if row.aborting and bit & STOPPABLE:
        return ABORTED
    operates = bit & (READING | WRITING)
    if row.faults and (operates or opcode == ARM):
        return FAULTED
    mode = row.mode
    if operates and mode != MODE_WRITE and not (mode == MODE_READ and bit & READING):
        return DISARMED
    if bit & ACCESSING:
        address, value = body & ADDRESS_MASK, (body >> ADDRESS_BITS) & VALUE_MASK
        return register_status(row, chip, rules, opcode == WRITE_REGISTER, address, value)
    return _check_arguments(row, chip, opcode, body)
