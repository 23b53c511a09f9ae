"""A tile: takes commands, carries them out, and is stopped by halts."""

from typing import Final

import numpy as np

from twinbar.emulator.compiled import kernel, part
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import (
    ACCESSING,
    CALIBRATE,
    CELLS,
    COLUMN_SHIFT,
    INDEX_MASK,
    LOAD,
    MULTIPLY,
    admit,
)
from twinbar.emulator.engines.program.program_cell import FAILED, FORM, OK, WRITE, advance_cell, start_cell
from twinbar.emulator.engines.program.program_housekeeping import advance_housekeeping, start_housekeeping
from twinbar.emulator.engines.program.program_multiply import advance_multiply, heat_rows, next_output, start_multiply
from twinbar.hw.actions import Action
from twinbar.hw.protocol.layouts import TILE_BITS
from twinbar.hw.protocol.vocabulary import Status
from twinbar.hw.timing import Phase

TILE_SHIFT: Final = 5
TILE_MASK: Final = (1 << TILE_BITS) - 1
OPCODE_MASK: Final = 31
BODY_SHIFT: Final = 16
BODY_MASK: Final = (1 << 48) - 1
ABORTED: Final = Status.ABORTED.value
NO_CUT: Final = np.int64(Status.OK.value)
"""No halt; not a literal, for which functions would be compiled once more."""
STATUS_SHIFT: Final = 13
FAULTS_SHIFT: Final = 17
MODE_SHIFT: Final = 22
ECHO_SHIFT: Final = 24
RESULT_SHIFT: Final = 44
RESULT_LOW_BITS: Final = 20
"""Bits of the result in the lower 64 bits of a response."""
CODE_BITS: Final = 18
RESETS_SHIFT: Final = 26


@kernel
def start(row, tile, chip, rules, beat, cycle):
    """Take a command from the queue in ``cycle``; it runs from the next cycle on."""
    opcode = beat & OPCODE_MASK
    body = (beat >> BODY_SHIFT) & BODY_MASK
    row.actions[Action.COMMAND_BEAT] += 1
    row.opcode = opcode
    row.body = body
    row.begin = cycle + 1
    row.column = (body >> COLUMN_SHIFT) & INDEX_MASK
    row.result = 0
    row.code = 0
    row.sets = 0
    row.resets = 0
    row.cut = OK
    status = admit(row, chip, rules, tile, (beat >> TILE_SHIFT) & TILE_MASK, opcode, body)
    row.status = status
    bit = np.int64(1) << opcode
    if status != OK or not (bit & CELLS or opcode in (CALIBRATE, MULTIPLY, LOAD)):
        start_housekeeping(row)
    elif opcode == LOAD:
        row.state = at.LOAD
        row.end = cycle + 1
    elif opcode == MULTIPLY:
        start_multiply(row, chip)
    else:
        start_cell(row, chip)


@kernel
def advance(s, row, tile, chip, pins, horizon, cut):
    """Carry out what ends before cycle ``horizon``, up to the next response (arguments as in `advance_cell`)."""
    state = row.state
    if state < at.SELECT:
        if state >= at.HOUSEKEEPING:
            advance_housekeeping(row, tile, chip, pins, horizon, cut)
    elif row.opcode == MULTIPLY:
        advance_multiply(s, row, tile, chip, horizon, cut)
    else:
        advance_cell(s, row, tile, chip, horizon, cut)


@kernel
def response_of(row, tile):
    """Give the response that a tile offers: its lower 64 bits, and the 16 above."""
    opcode = row.opcode
    result = row.result
    if opcode != MULTIPLY and not (np.int64(1) << opcode) & ACCESSING:
        code = row.code & ((np.int64(1) << CODE_BITS) - 1)
        result = code | row.sets << CODE_BITS | row.resets << RESETS_SHIFT
    low = opcode | tile << TILE_SHIFT | row.status << STATUS_SHIFT
    low |= row.faults << FAULTS_SHIFT | row.mode << MODE_SHIFT
    echo = row.body & INDEX_MASK | row.column << COLUMN_SHIFT
    low |= echo << ECHO_SHIFT | result << RESULT_SHIFT
    return low, (result >> RESULT_LOW_BITS) & 0xFFFF


@kernel
def hand_over(row, chip, cycle, halted):
    """Go on behind a response that was handed over in ``cycle``.

    Parameters
    ----------
    row : record `program_layout.TILE`
        State of the tile.
    chip : record `program_layout.CHIP`
    cycle : int
    halted : int
        Status that a halt in this cycle gives; OK: there is none.

    Returns
    -------
    bool
        The command is over.
    """
    status, opcode = row.status, row.opcode
    row.phases[Phase.STALL] += cycle - row.begin
    row.phases[Phase.RESPOND] += 1
    row.actions[Action.RESPONSE_BEAT] += 1
    if opcode in (WRITE, FORM):
        if status == OK:
            row.actions[Action.WRITE_OK] += 1
        elif status == FAILED:
            row.actions[Action.WRITE_FAILED] += 1
    if opcode != MULTIPLY or status != OK or row.outputs == 1:
        return True
    heat_rows(row, cycle)
    cut = row.cut if row.cut != OK else halted
    if cut != OK:
        row.rows_on = 0
    next_output(row, chip, cycle, cut)
    return False


@part
def stop_work(s, row, tile, chip, pins, cycle, reason):
    """Stop what a tile does in ``cycle``, in which it hands over no response.

    Parameters
    ----------
    s : ArrayState
    row : record `program_layout.TILE`
        State of the tile.
    tile : int
    chip : record `program_layout.CHIP`
    pins : `program_layout.PIN` [n]
    cycle : int
    reason : int
        Status that the halt gives.
    """
    state = row.state
    if state >= at.DECODE:
        advance(s, row, tile, chip, pins, cycle + 1, reason)
    elif state == at.HOUSEKEEPING:
        advance(s, row, tile, chip, pins, cycle + 1, NO_CUT)
    elif state == at.RESPOND and row.opcode == MULTIPLY and row.status == OK and row.cut == OK:
        row.cut = reason
        heat_rows(row, cycle)
        row.rows_on = 0


@kernel
def rest(row, last):
    """Account for the cycles up to ``last`` in which a tile was idle."""
    row.phases[Phase.IDLE] += last - row.begin + 1
    row.begin = last + 1
