"""The write drive: which codes the next pulse needs, and whether they must be driven first."""

from typing import Final

import numpy as np

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_front_end import drive_safe_codes
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.hw.protocol.layouts import LINE_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import (
    COMPLIANCE,
    FIELD_CODES,
    FIELD_HIGH,
    FIELD_LIMIT,
    FIELD_LOW,
    FIELD_STEP,
    FIELD_STOP,
    FIELD_WIDTH,
    PULSE_CODES,
    PULSE_TABLES,
    RECORD_BASE,
    RECORD_STRIDE,
)
from twinbar.hw.protocol.vocabulary import RECORDS, Mode, Record

RECORDS_AT: Final = RECORD_BASE
COMPLIANCE_AT: Final = COMPLIANCE.address
RECORD_COUNT: Final = len(RECORDS)
LINES: Final = 3
LINE_MASK: Final = (1 << LINE_BITS) - 1
WIDTH_MASK: Final = (1 << WIDTH_BITS) - 1
BLANKING_MASK: Final = COMPLIANCE["blanking"].mask
ACTION_SHIFT: Final = COMPLIANCE["action"].offset
RECORD_SET: Final = Record.SET.value
RECORD_RESET: Final = Record.RESET.value
POLARITY_STRIDE: Final = PULSE_TABLES[Record.RESET].base - PULSE_TABLES[Record.SET].base
ENTRY_STRIDE: Final = len(PULSE_TABLES[Record.SET].words)
"""Addresses of the pulse table from one polarity, and from one entry, to the next."""
NO_RECORD: Final = Record.SAFE.value
MODE_SAFE: Final = Mode.SAFE.value


@inline
def field_of(row, record, field):
    """Return a field of a bias record."""
    return row.registers[RECORDS_AT + record * RECORD_STRIDE + field]


@kernel
def disarm(row, chip, cycle):
    """Forbid operations on the array at the end of a cycle; the drive goes to its safe codes."""
    row.mode = MODE_SAFE
    row.record = NO_RECORD
    row.entry = at.NO_ENTRY
    for line in range(LINES):
        row.codes[line] = chip.safe[line]
    if chip.serial:
        drive_safe_codes(row, chip, cycle)


@inline
def drive_start_codes(row, record):
    """Drive a record's start codes."""
    row.record = record
    row.entry = at.NO_ENTRY
    codes = field_of(row, record, FIELD_CODES)
    for line in range(LINES):
        row.codes[line] = (codes >> (line * LINE_BITS)) & LINE_MASK


@kernel
def records_hold(row):
    """Check all bias records against their windows, as ARM does."""
    for record in range(RECORD_COUNT):
        width, limit = field_of(row, record, FIELD_WIDTH), field_of(row, record, FIELD_LIMIT)
        if width & WIDTH_MASK > limit & WIDTH_MASK or width >> WIDTH_BITS > limit >> WIDTH_BITS:
            return False
        for line in range(LINES):
            shift = line * LINE_BITS
            low = (field_of(row, record, FIELD_LOW) >> shift) & LINE_MASK
            code = (field_of(row, record, FIELD_CODES) >> shift) & LINE_MASK
            stop = (field_of(row, record, FIELD_STOP) >> shift) & LINE_MASK
            high = (field_of(row, record, FIELD_HIGH) >> shift) & LINE_MASK
            if not low <= code <= stop <= high:
                return False
    return True


@inline
def record_of(polarity):
    """Return the record of a polarity."""
    return RECORD_RESET if polarity == RESET else RECORD_SET


@inline
def entry_word(row, polarity, number, place):
    """Return a word of an entry of the pulse table."""
    return row.table[polarity * POLARITY_STRIDE + number * ENTRY_STRIDE + place]


@kernel
def entries_hold(row, entries):
    """Check all entries of the pulse table against the windows of their records, as ARM does."""
    for polarity in (SET, RESET):
        record = record_of(polarity)
        low, stop = field_of(row, record, FIELD_LOW), field_of(row, record, FIELD_STOP)
        for number in range(entries):
            codes = entry_word(row, polarity, number, PULSE_CODES)
            for line in range(LINES):
                shift = line * LINE_BITS
                if not (low >> shift) & LINE_MASK <= (codes >> shift) & LINE_MASK <= (stop >> shift) & LINE_MASK:
                    return False
    return True


@inline
def _update_to_entry(row):
    """Bring the entry NUMBER of the record TARGET to the drive; gives whether that takes an update."""
    polarity = np.int64(RESET if row.target == RECORD_RESET else SET)
    entry = 2 * row.number + polarity
    if row.entry == entry and not row.unsettled:
        return False
    row.entry = entry
    row.record = row.target
    codes = entry_word(row, polarity, row.number, PULSE_CODES)
    for line in range(LINES):
        row.codes[line] = (codes >> (line * LINE_BITS)) & LINE_MASK
    return True


@inline
def _update_to_record(row):
    """Bring the next codes of the record TARGET to the drive; gives whether that takes an update.

    The first pulse of a command, and the first after a change of polarity, has the record's start codes; every other
    one has the driven codes plus the step, cut at the stop codes.
    """
    target = row.target
    other = row.record != target
    fresh = other or row.first != 0
    codes, steps, stops = (
        field_of(row, target, FIELD_CODES),
        field_of(row, target, FIELD_STEP),
        field_of(row, target, FIELD_STOP),
    )
    needed = other or row.entry != at.NO_ENTRY or row.unsettled != 0
    for line in range(LINES):
        shift = line * LINE_BITS
        code = (codes >> shift) & LINE_MASK
        if not fresh:
            code = min(row.codes[line] + ((steps >> shift) & LINE_MASK), (stops >> shift) & LINE_MASK)
        if code != row.codes[line]:
            needed = True
            row.codes[line] = code
    row.record = target
    if needed:
        row.entry = at.NO_ENTRY
    return needed


@inline
def update_drive(row):
    """Bring the codes of the next pulse to the drive; gives whether that takes an update."""
    return _update_to_entry(row) if row.uses_table else _update_to_record(row)
