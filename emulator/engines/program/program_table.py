"""Writes by pulse table, and comparisons: which pulses come next, and when a write ends."""

from typing import Final

import numpy as np

from twinbar.emulator.crossbar.array import convert_single
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import ARGUMENT_SHIFT, BYTE_MASK
from twinbar.emulator.engines.program.program_drive import entry_word, record_of
from twinbar.emulator.kernels.compiled import inline, kernel, part
from twinbar.hw.actions import Action
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.commands import WRITING_CELL
from twinbar.hw.protocol.registers import PULSE_COUNT, PULSE_USE, WRITE_TABLE
from twinbar.hw.protocol.vocabulary import Opcode, Status

VERIFY: Final = Opcode.VERIFY.value
WRITE: Final = Opcode.WRITE.value
FAILED: Final = Status.FAILED.value

TABLE_AT: Final = WRITE_TABLE.address
COMPARE_AT: Final = registers.COMPARE.address
RANGE_READ_AT: Final = registers.RANGE_READ.address
USE: Final = WRITE_TABLE["use"].put(1)
COMPARE: Final = WRITE_TABLE["compare"].put(1)
KEEP: Final = WRITE_TABLE["keep"].put(1)
SHIFT_AT, SHIFT_MASK = WRITE_TABLE["shift"].offset, WRITE_TABLE["shift"].mask
RISE_AT, RISE_MASK = WRITE_TABLE["rise"].offset, WRITE_TABLE["rise"].mask
FALL_AT, FALL_MASK = WRITE_TABLE["fall"].offset, WRITE_TABLE["fall"].mask
PATIENCE_AT, PATIENCE_MASK = WRITE_TABLE["patience"].offset, WRITE_TABLE["patience"].mask
SLACK_AT, SLACK_MASK = WRITE_TABLE["slack"].offset, WRITE_TABLE["slack"].mask
NEVER: Final = registers.NEVER
UNCOUNTED: Final = registers.UNCOUNTED

FIRST: Final = WRITING_CELL["first"].put(1)
CODE: Final = WRITING_CELL["code"].put(1)
POLARITY_SHIFT: Final = WRITING_CELL["polarity"].offset
ENTRY_SHIFT, ENTRY_MASK = WRITING_CELL["entry"].offset, WRITING_CELL["entry"].mask
COUNT_MASK: Final = PULSE_USE["count"].mask
TURNS: Final = PULSE_USE["turns"].put(1)
ENDS: Final = PULSE_USE["ends"].put(1)
LOW_MASK: Final = registers.LEVEL_WINDOW["low"].mask
HIGH_SHIFT: Final = registers.LEVEL_WINDOW["high"].offset


@inline
def window_of(row):
    """Return the least and the largest code of the command's level."""
    window = row.levels[(row.body >> ARGUMENT_SHIFT) & BYTE_MASK]
    return window & LOW_MASK, window >> HIGH_SHIFT


@inline
def start_table(row):
    """Prepare what a command does by the register WRITE_TABLE; its other fields are set."""
    opcode, table = row.opcode, row.registers[TABLE_AT]
    row.uses_table = np.int64(opcode == WRITE and table & USE != 0)
    row.compares = np.int64(opcode in (WRITE, VERIFY) and table & COMPARE != 0)
    row.gives_code = 0
    row.miss = 0
    row.group = 0
    row.side = SET
    row.offset = 0
    row.number = 0
    if row.uses_table:
        row.side = (row.body >> POLARITY_SHIFT) & 1
        row.number = (row.body >> ENTRY_SHIFT) & ENTRY_MASK
        if table & KEEP:
            row.offset = row.number


@inline
def _begin_group(row, polarity):
    """Prepare the pulses of the entry NUMBER."""
    row.side = polarity
    row.target = record_of(polarity)
    row.group = entry_word(row, polarity, row.number, PULSE_COUNT) & COUNT_MASK
    return at.PULSE


@inline
def begin_with_pulse(row):
    """Begin a write with pulses; gives what follows the selection."""
    return _begin_group(row, row.side)


@inline
def _fall(row):
    """Lower the offset where the polarity turns."""
    row.offset = max(row.offset - ((row.registers[TABLE_AT] >> FALL_AT) & FALL_MASK), np.int64(0))


@part
def ends_in_group(row):
    """Return what follows the recovery behind a pulse of an entry."""
    if row.group > 0 and row.left > 0:
        return at.PULSE
    use = entry_word(row, row.side, row.number, PULSE_COUNT)
    if use & TURNS and row.left > 0:
        _fall(row)
        row.number = row.offset
        return _begin_group(row, 1 - row.side)
    if not use & ENDS:
        return at.CONNECT
    row.code = 0
    return _answer(row, False)


@inline
def _answer(row, failed):
    """End a write: with a conversion, if comparisons were made and a code is asked for, or the write has failed."""
    if failed:
        row.status = FAILED
    if row.compares and (failed or row.body & CODE):
        row.compares = 0
        row.gives_code = 1
        return at.CONNECT
    return at.RESPOND


@inline
def _is_near(row, table, distance):
    """Whether a code so far from its window ends the write for good."""
    patience = (table >> PATIENCE_AT) & PATIENCE_MASK
    patient = patience != NEVER and row.sets + row.resets >= patience
    return row.uses_table and not row.compares and patient and distance <= (table >> SLACK_AT) & SLACK_MASK


@kernel
def decide_write(row, last, off):
    """Decide a write; gives what follows.

    Parameters
    ----------
    row : record `program_layout.TILE`
        State of the tile.
    last : int
        Greatest number of an entry.
    off : int
        By how many codes the code is outside its window, negative below it; of comparisons, -1, 0 or 1.
    """
    table = row.registers[TABLE_AT]
    distance = abs(off)
    if distance == 0 or _is_near(row, table, distance):
        return _answer(row, False)
    if row.left == 0:
        return _answer(row, True)
    polarity = np.int64(RESET if off > 0 else SET)
    if not row.uses_table:
        row.side = polarity
        row.target = record_of(polarity)
        return at.PULSE
    if row.sets + row.resets > 0:
        if polarity == row.side:
            row.offset = min(row.offset + ((table >> RISE_AT) & RISE_MASK), last)
        else:
            _fall(row)
    shift = (table >> SHIFT_AT) & SHIFT_MASK
    row.number = row.offset
    if not row.compares and shift != UNCOUNTED:
        row.number = min(row.offset + ((distance - 1) >> shift), last)
    return _begin_group(row, polarity)


@part
def decide_comparison(row, chip):
    """Decide on what comparisons have found; gives what follows."""
    row.code = row.miss
    return at.RESPOND if row.opcode == VERIFY else decide_write(row, chip.entries - 1, row.miss)


@part
def compare_bound(s, row, tile, chip):
    """Make a comparison of a read: with the bound on the side of SIDE, then with the other one; gives what follows."""
    below = (row.side == SET) == (row.compared == 0)
    low, high = window_of(row)
    bound = low if below else high + 1
    top = np.int64(1) << chip.adc_bits
    channel = row.column & (chip.channels - 1)
    code = convert_single(
        s, tile, row.cell, row.column, row.pair, channel, row.trims[channel], row.registers[RANGE_READ_AT]
    )
    row.actions[Action.COMPARE] += 1
    row.compared += 1
    over = code >= min(max(bound + row.offsets[0, row.column], np.int64(0)), top)
    row.miss = 0
    if 0 < bound < top and over != below:
        row.miss = np.int64(-1 if below else 1)
    return at.DECIDE if row.miss != 0 or row.compared == 2 else at.COMPARE
