"""A tile: takes commands, carries them out, and is stopped by halts."""

from typing import Final

import numpy as np

from twinbar.emulator.compiled import kernel
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import (
    ACCESSING,
    CELLS,
    COLUMN_SHIFT,
    INDEX_MASK,
    LOAD,
    MULTIPLY,
    ON_COLUMNS,
    admit,
)
from twinbar.emulator.engines.program.program_cell import FAILED, FORM, OK, WRITE, advance_cell, start_cell
from twinbar.emulator.engines.program.program_housekeeping import advance_housekeeping, start_housekeeping
from twinbar.emulator.engines.program.program_multiply import advance_multiply, heat_rows, next_output, start_multiply
from twinbar.hw.actions import Action
from twinbar.hw.protocol.commands import CELL_RESULT
from twinbar.hw.protocol.layouts import COMMAND, ECHO_BITS, RESPONSE
from twinbar.hw.protocol.vocabulary import Status
from twinbar.hw.timing import Phase

TILE_SHIFT: Final = COMMAND["tile"].offset
TILE_MASK: Final = COMMAND["tile"].mask
OPCODE_MASK: Final = COMMAND["opcode"].mask
BODY_SHIFT: Final = COMMAND["body"].offset
BODY_MASK: Final = COMMAND["body"].mask
ABORTED: Final = Status.ABORTED.value
NO_CUT: Final = np.int64(Status.OK.value)
"""No halt; not a literal, for which functions would be compiled once more."""
IN_IDLE: Final = at.PHASE_CYCLES + Phase.IDLE
IN_STALL: Final = at.PHASE_CYCLES + Phase.STALL
IN_RESPOND: Final = at.PHASE_CYCLES + Phase.RESPOND
COMMANDS: Final = at.ACTION_COUNTS + Action.COMMAND_BEAT
RESPONSES: Final = at.ACTION_COUNTS + Action.RESPONSE_BEAT
WRITES_OK: Final = at.ACTION_COUNTS + Action.WRITE_OK
WRITES_FAILED: Final = at.ACTION_COUNTS + Action.WRITE_FAILED
STATUS_SHIFT: Final = RESPONSE["status"].offset
FAULTS_SHIFT: Final = RESPONSE["faults"].offset
MODE_SHIFT: Final = RESPONSE["mode"].offset
ECHO_SHIFT: Final = RESPONSE["body"].offset
RESULT_SHIFT: Final = ECHO_SHIFT + ECHO_BITS
LOW_BITS: Final = 64
RESULT_LOW_BITS: Final = LOW_BITS - RESULT_SHIFT
"""Bits of the result in the lower 64 bits of a response."""
HIGH_MASK: Final = (1 << RESPONSE.bits - LOW_BITS) - 1
CODE_MASK: Final = CELL_RESULT["code"].mask
SETS_SHIFT: Final = CELL_RESULT["sets"].offset - ECHO_BITS
RESETS_SHIFT: Final = CELL_RESULT["resets"].offset - ECHO_BITS


@kernel
def start(row, tile, chip, rules, beat, cycle):
    """Take a command from the queue in ``cycle``; it runs from the next cycle on."""
    opcode = beat & OPCODE_MASK
    body = (beat >> BODY_SHIFT) & BODY_MASK
    row[COMMANDS] += 1
    row[at.OPCODE] = opcode
    row[at.BODY] = body
    row[at.BEGIN] = cycle + 1
    row[at.COLUMN] = (body >> COLUMN_SHIFT) & INDEX_MASK
    row[at.RESULT] = 0
    row[at.CODE] = 0
    row[at.SETS] = 0
    row[at.RESETS] = 0
    row[at.CUT] = OK
    status = admit(row, rules, tile, (beat >> TILE_SHIFT) & TILE_MASK, opcode, body)
    row[at.STATUS] = status
    bit = np.int64(1) << opcode
    if status != OK or not (bit & (CELLS | ON_COLUMNS) or opcode in (MULTIPLY, LOAD)):
        start_housekeeping(row)
    elif opcode == LOAD:
        row[at.STATE] = at.LOAD
        row[at.END] = cycle + 1
    elif opcode == MULTIPLY:
        start_multiply(row, chip)
    else:
        start_cell(row, chip)


@kernel
def advance(s, row, tile, chip, pins, horizon, cut):
    """Carry out what ends before cycle ``horizon``, up to the next response (arguments as in `advance_cell`)."""
    state = row[at.STATE]
    if state < at.SELECT:
        if state >= at.HOUSEKEEPING:
            advance_housekeeping(row, tile, chip, pins, horizon, cut)
    elif row[at.OPCODE] == MULTIPLY:
        advance_multiply(s, row, tile, chip, horizon, cut)
    else:
        advance_cell(s, row, tile, chip, horizon, cut)


@kernel
def response_of(row, tile):
    """Give the response that a tile offers: its lower 64 bits, and the 16 above."""
    opcode = row[at.OPCODE]
    result = row[at.RESULT]
    if opcode != MULTIPLY and not (np.int64(1) << opcode) & ACCESSING:
        result = row[at.CODE] & CODE_MASK | row[at.SETS] << SETS_SHIFT | row[at.RESETS] << RESETS_SHIFT
    low = opcode | tile << TILE_SHIFT | row[at.STATUS] << STATUS_SHIFT
    low |= row[at.FAULTS] << FAULTS_SHIFT | row[at.MODE] << MODE_SHIFT
    echo = row[at.BODY] & INDEX_MASK | row[at.COLUMN] << COLUMN_SHIFT
    low |= echo << ECHO_SHIFT | result << RESULT_SHIFT
    return low, (result >> RESULT_LOW_BITS) & HIGH_MASK


@kernel
def hand_over(row, chip, cycle, halted):
    """Go on behind a response that was handed over in ``cycle``.

    Parameters
    ----------
    row : int64 [row size]
        State of the tile.
    chip : int64 [CHIP_SIZE]
    cycle : int
    halted : int
        Status that a halt in this cycle gives; OK: there is none.

    Returns
    -------
    bool
        The command is over.
    """
    status, opcode = row[at.STATUS], row[at.OPCODE]
    row[IN_STALL] += cycle - row[at.BEGIN]
    row[IN_RESPOND] += 1
    row[RESPONSES] += 1
    if opcode in (WRITE, FORM):
        if status == OK:
            row[WRITES_OK] += 1
        elif status == FAILED:
            row[WRITES_FAILED] += 1
    if opcode != MULTIPLY or status != OK or row[at.OUTPUTS] == 1:
        return True
    heat_rows(row, cycle)
    cut = row[at.CUT] if row[at.CUT] != OK else halted
    if cut != OK:
        row[at.ROWS_ON] = 0
    next_output(row, chip, cycle, cut)
    return False


@kernel
def stop_work(s, row, tile, chip, pins, cycle, reason):
    """Stop what a tile does in ``cycle``, in which it hands over no response.

    Parameters
    ----------
    s : ArrayState
    row : int64 [row size]
        State of the tile.
    tile : int
    chip : int64 [CHIP_SIZE]
    pins : int64 [n, 4]
    cycle : int
    reason : int
        Status that the halt gives.
    """
    state = row[at.STATE]
    if state >= at.DECODE:
        advance(s, row, tile, chip, pins, cycle + 1, reason)
    elif state == at.HOUSEKEEPING:
        advance(s, row, tile, chip, pins, cycle + 1, NO_CUT)
    elif state == at.RESPOND and row[at.OPCODE] == MULTIPLY and row[at.STATUS] == OK and row[at.CUT] == OK:
        row[at.CUT] = reason
        heat_rows(row, cycle)
        row[at.ROWS_ON] = 0


@kernel
def rest(row, last):
    """Account for the cycles up to ``last`` in which a tile was idle."""
    row[IN_IDLE] += last - row[at.BEGIN] + 1
    row[at.BEGIN] = last + 1
