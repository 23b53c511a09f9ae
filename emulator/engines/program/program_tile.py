"""A tile: takes commands, carries them out, and is stopped by halts."""

from typing import Final

import numpy as np

from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import (
    ACCESSING,
    CELLS,
    COLUMN_SHIFT,
    INDEX_MASK,
    LOAD,
    MULTIPLY,
    ON_COLUMNS,
    TRANSFER,
    admit,
)
from twinbar.emulator.engines.program.program_cell import FAILED, FORM, OK, WRITE, advance_cell, start_cell
from twinbar.emulator.engines.program.program_housekeeping import advance_housekeeping, start_housekeeping
from twinbar.emulator.engines.program.program_multiply import advance_multiply, next_output, read_on, start_multiply
from twinbar.emulator.engines.program.program_transfer import (
    ANSWERED,
    destination_of,
    forget_activations,
    words_of,
)
from twinbar.emulator.kernels.compiled import inline, kernel, part
from twinbar.hw.actions import Action
from twinbar.hw.protocol.commands import CELL_RESULT, INPUT, PRODUCT
from twinbar.hw.protocol.layouts import COMMAND, ECHO_BITS, RESPONSE
from twinbar.hw.protocol.vocabulary import Status
from twinbar.hw.timing import TRANSFER_LATENCY, Phase

TILE_SHIFT: Final = COMMAND["tile"].offset
TILE_MASK: Final = COMMAND["tile"].mask
OPCODE_MASK: Final = COMMAND["opcode"].mask
BODY_SHIFT: Final = COMMAND["body"].offset
BODY_MASK: Final = COMMAND["body"].mask
ABORTED: Final = Status.ABORTED.value
NO_CUT: Final = np.int64(Status.OK.value)
"""No halt; not a literal, for which functions would be compiled once more."""
STATUS_SHIFT: Final = RESPONSE["status"].offset
FAULTS_SHIFT: Final = RESPONSE["faults"].offset
MEMBERS_SHIFT: Final = BODY_SHIFT + PRODUCT["members"].offset
MEMBERS_MASK: Final = PRODUCT["members"].mask
CLEAR: Final = INPUT["clear"].put(1)
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
def start(row, tile, chip, rules, beat, cycle, owns, astray, ends):
    """Take a command from the queue in ``cycle``; it runs from the next cycle on.

    Parameters
    ----------
    row : record `program_layout.TILE`
        State of the tile.
    tile : int
    chip : record `program_layout.CHIP`
    rules : Rules
    beat, cycle : int
    owns : bool
        The tile counts the beat as its command; another one does otherwise.
    astray : bool
        The beat is for a tile, group or cascade that does not exist.
    ends : bool
        Another member refuses the cascade.
    """
    opcode = beat & OPCODE_MASK
    body = (beat >> BODY_SHIFT) & BODY_MASK
    row.actions[Action.COMMAND_BEAT if owns else Action.SHARED_BEAT] += 1
    row.opcode = opcode
    row.body = body
    row.begin = cycle + 1
    row.column = (body >> COLUMN_SHIFT) & INDEX_MASK
    row.result = 0
    row.code = 0
    row.sets = 0
    row.resets = 0
    row.cut = OK
    status = admit(row, rules, astray, owns, opcode, body)
    if status == OK and ends:
        status = ABORTED
    row.status = status
    bit = np.int64(1) << opcode
    if opcode == MULTIPLY and chip.chain:
        forget_activations(row)
    if status != OK or not (bit & (CELLS | ON_COLUMNS) or opcode in (MULTIPLY, LOAD, TRANSFER)):
        start_housekeeping(row)
    elif opcode == LOAD:
        row.state = at.LOAD
        row.end = cycle + 1
        if body & CLEAR:
            row.unfilled = 0
    elif opcode == TRANSFER:
        row.state = at.TRANSFER
        row.end = cycle + TRANSFER_LATENCY + words_of(body)
    elif opcode == MULTIPLY:
        _join(row, tile, chip, beat, body)
        start_multiply(row, chip)
    else:
        start_cell(row, chip)


@kernel
def members_of(beat, chip):
    """Return the members of a cascade; 1 for any other command."""
    if not chip.cascade or beat & OPCODE_MASK != MULTIPLY:
        return np.int64(1)
    return max((beat >> MEMBERS_SHIFT) & MEMBERS_MASK, np.int64(1))


@inline
def _join(row, tile, chip, beat, body):
    """Note which cascade a multiplication is of; its links are empty."""
    members = members_of(beat, chip)
    row.first_member = tile if members == 1 else (beat >> TILE_SHIFT) & TILE_MASK
    row.last_member = row.first_member + members - 1
    row.runs = np.int64(members > 1)
    row.keeps = destination_of(row)
    row.flows = np.int64(members > 1 or chip.lanes > 1 or row.keeps != ANSWERED)
    if tile > row.first_member:
        row.link_in = 0
        row.link_out = 0


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
    """Return the response that a tile offers: its lower 64 bits, and the 16 above."""
    opcode = row.opcode
    result = row.result
    if opcode != MULTIPLY and not (np.int64(1) << opcode) & ACCESSING:
        result = row.code & CODE_MASK | row.sets << SETS_SHIFT | row.resets << RESETS_SHIFT
    low = opcode | tile << TILE_SHIFT | row.status << STATUS_SHIFT
    low |= row.faults << FAULTS_SHIFT | row.mode << MODE_SHIFT
    # A beat of several outputs names the first one.
    column = row.column - row.packed if opcode == MULTIPLY else row.column
    echo = row.body & INDEX_MASK | column << COLUMN_SHIFT
    low |= echo << ECHO_SHIFT | result << RESULT_SHIFT
    return low, (result >> RESULT_LOW_BITS) & HIGH_MASK


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
        row.runs = 0
        row.packed = 0
        return True
    read_on(row, chip, cycle)
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
        read_on(row, chip, cycle)
        row.rows_on = 0


@kernel
def rest(row, last):
    """Account for the cycles up to ``last`` in which a tile was idle."""
    row.phases[Phase.IDLE] += last - row.begin + 1
    row.begin = last + 1
