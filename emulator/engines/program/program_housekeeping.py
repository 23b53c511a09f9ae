"""Commands that do not touch the array, refused commands, and the row registers."""

from typing import Final

import numpy as np

from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import (
    ACCESSING,
    ADDRESS_MASK,
    ARM,
    INDEX_MASK,
    VALUE_MASK,
    WAIT,
    WAIT_MASK,
    WRITE_REGISTER,
)
from twinbar.emulator.engines.program.program_drive import (
    LINE_MASK,
    disarm,
    drive_start_codes,
    entries_hold,
    field_of,
    records_hold,
)
from twinbar.emulator.engines.program.program_front_end import MULTIPLY, READ, SETTLE_DRIVE, drive_codes, send_words
from twinbar.emulator.engines.program.program_registers import read_register, write_register
from twinbar.emulator.kernels.compiled import inline, kernel, part
from twinbar.hw.protocol.commands import ARMING, INPUT
from twinbar.hw.protocol.layouts import ADDRESS_BITS, LINE_BITS, WORD_BITS
from twinbar.hw.protocol.registers import FIELD_CODES, INPUT_GROUP, WRITE_TABLE
from twinbar.hw.protocol.vocabulary import Opcode, Record, Status
from twinbar.hw.timing import ARM_CYCLES, ARM_ENTRY_CYCLES, REGISTER_READ_CYCLES, REGISTER_WRITE_CYCLES, Phase

DISARM: Final = Opcode.DISARM.value
CLEAR: Final = Opcode.CLEAR.value
READ_REGISTER: Final = Opcode.READ_REGISTER.value
SAFE: Final = Opcode.SAFE.value
ABORT: Final = Opcode.ABORT.value
OK: Final = Status.OK.value
WINDOW: Final = Status.WINDOW.value
RECORD_READ: Final = Record.READ.value
RECORD_MULTIPLY: Final = Record.MULTIPLY.value
"""The record that ARM drives last."""
CLEAR_WORDS: Final = INPUT["clear"].offset
"""Bit of the body of LOAD that clears all words."""
BITS_SHIFT: Final = INPUT["bits"].offset
INPUT_GROUP_AT: Final = INPUT_GROUP.address
WRITE_TABLE_AT: Final = WRITE_TABLE.address
USE_TABLE: Final = WRITE_TABLE["use"].put(1)
MODE_MASK: Final = ARMING["mode"].mask


@kernel
def start_housekeeping(row):
    """Prepare a command that does not touch the array, or was refused; its first cycle is BEGIN."""
    opcode = row.opcode
    cycles = 1
    row.state = at.HOUSEKEEPING
    if row.status == OK:
        if opcode in (ARM, WAIT):
            row.state = at.DECODE
        elif opcode == READ_REGISTER:
            cycles = REGISTER_READ_CYCLES
        elif opcode == WRITE_REGISTER:
            cycles = REGISTER_WRITE_CYCLES
    row.end = row.begin + cycles - 1


@part
def _execute(row, tile, chip, pins):
    """Carry out a command of the state HOUSEKEEPING, in its last cycle."""
    opcode, body = row.opcode, row.body
    if (np.int64(1) << opcode) & ACCESSING:
        address = body & ADDRESS_MASK
        if opcode == WRITE_REGISTER:
            if chip.serial and address == SETTLE_DRIVE:
                # Words that were sent before settle as long as was said then.
                send_words(row, chip, row.end + 1)
            if address == INPUT_GROUP_AT:
                # Whoever looks at it in a cycle up to this one sees what was before.
                row.group_before = row.registers[address]
                row.group_since = row.end + 1
            write_register(row, chip, address, (body >> ADDRESS_BITS) & VALUE_MASK)
        else:
            # Counters hold what was before this command: its own cycles have not been added yet.
            row.result = read_register(row, chip, pins, tile, address, row.end)
    elif opcode == DISARM:
        disarm(row, chip, row.end)
    elif opcode == CLEAR:
        row.faults = 0
    elif opcode in (SAFE, ABORT):
        row.aborting -= 1


@inline
def _drive_record(row, chip, cycle, drive, record):
    """Drive the codes of READ or MULTIPLY; their strobe is in ``cycle``."""
    codes = field_of(row, record, FIELD_CODES)
    word = (codes >> (2 * LINE_BITS)) & LINE_MASK
    drive_codes(row, chip, cycle, drive, codes & LINE_MASK, (codes >> LINE_BITS) & LINE_MASK, word, np.int64(0))


@inline
def _uses_table(row):
    """Whether writes go by the pulse table."""
    return row.registers[WRITE_TABLE_AT] & USE_TABLE != 0


@inline
def _scan_cycles(row, chip):
    """Return the cycles in which ARM checks and loads, behind its first one."""
    return ARM_CYCLES - 1 + (ARM_ENTRY_CYCLES * chip.entries if _uses_table(row) else np.int64(0))


@part
def _load_records(row, chip, last):
    """Drive the records that ARM has loaded up to cycle ``last``: READ in its last cycle but one, then MULTIPLY."""
    final = row.begin + _scan_cycles(row, chip) - 1
    if last >= final - 1:
        _drive_record(row, chip, final, READ, RECORD_READ)
    if last >= final:
        _drive_record(row, chip, final + 1, MULTIPLY, RECORD_MULTIPLY)


@kernel
def advance_housekeeping(row, tile, chip, pins, horizon, cut):
    """Carry out what ends before cycle ``horizon``, up to the response (arguments as in `advance_cell`)."""
    state, begin, end = row.state, row.begin, row.end
    if cut != OK:
        end = horizon - 1
    while end < horizon and state != at.RESPOND:
        cycles = end - begin + 1
        following = at.RESPOND
        if state == at.HOUSEKEEPING:
            if row.status == OK:
                _execute(row, tile, chip, pins)
            row.phases[Phase.DECIDE] += cycles
        elif state == at.DECODE:
            row.phases[Phase.DECIDE] += cycles
            following = at.WAIT
            if row.opcode == ARM:
                disarm(row, chip, end)
                following = at.SCAN
        elif state == at.SCAN:
            row.phases[Phase.DECIDE] += cycles
            holds = records_hold(row) and (not _uses_table(row) or entries_hold(row, chip.entries))
            if holds and chip.serial:
                row.begin = begin
                # A halt keeps from the pins what would be loaded in its cycle.
                _load_records(row, chip, end if cut == OK else end - 1)
            if cut != OK:
                disarm(row, chip, end)
            elif holds:
                row.mode = row.body & MODE_MASK
                row.armed_since = end + 1
                drive_start_codes(row, RECORD_MULTIPLY)
            else:
                row.status = WINDOW
        else:
            row.phases[Phase.SETTLE] += cycles
        if cut != OK:
            row.status = cut
            following = at.RESPOND
        state = following
        begin = end + 1
        end = begin + (row.body & WAIT_MASK if state == at.WAIT else _scan_cycles(row, chip)) - 1
    row.state = state
    row.begin = begin
    row.end = end


@kernel
def write_word(row, inputs, chip, word, fields, clears):
    """Write a word to the row registers, and remember which planes hold a one."""
    bits = chip.field_bits
    rows_per_word = WORD_BITS // bits
    if clears:
        inputs[:] = 0
        row.seen_planes = 0
    first = word * rows_per_word
    mask = (np.int64(1) << chip.input_bits) - 1
    for place in range(min(rows_per_word, chip.rows - first)):
        value = (fields >> (place * bits)) & mask
        inputs[first + place] = value
        row.seen_planes |= value


@kernel
def load_inputs(row, inputs, chip):
    """Write the word of a LOAD to the row registers."""
    body = row.body
    write_word(row, inputs, chip, body & INDEX_MASK, body >> BITS_SHIFT, (body >> CLEAR_WORDS) & 1 != 0)
    row.phases[Phase.SELECT] += 1
