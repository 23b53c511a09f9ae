"""Multiplications: input steps, groups of outputs, and their responses."""

from typing import Final

import numpy as np

from twinbar.emulator.crossbar.array import convert_sum, is_clipped, sum_step
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import COLUMN_SHIFT, INDEX_MASK, outputs_of
from twinbar.emulator.engines.program.program_cell import CONVERT_AT, SELECT_AT, halt_work
from twinbar.emulator.engines.program.program_front_end import (
    MULTIPLY,
    NEUTRAL_TRIM,
    request_connect,
    request_convert,
    request_select,
)
from twinbar.emulator.kernels.compiled import inline, kernel, part
from twinbar.hw.actions import Action
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.commands import PRODUCT
from twinbar.hw.protocol.vocabulary import Status
from twinbar.hw.timing import Phase

OK: Final = Status.OK.value
SUBTRACT: Final = PRODUCT["subtract"].put(1)
BY_CODES: Final = PRODUCT["codes"].put(1)
SKIP: Final = PRODUCT["skip"].put(1)
"""Bits of the body."""
SETTLE_AT: Final = registers.SETTLE_MULTIPLY.address
RANGE_AT: Final = registers.RANGE_MULTIPLY.address


@inline
def _lowest_plane(planes):
    plane = np.int64(0)
    while not (planes >> plane) & 1:
        plane += 1
    return plane


@inline
def _select_end(row, chip, begin):
    """Return the last cycle of a selection that begins."""
    body = row.body
    if chip.serial:
        return request_select(row, chip, begin, body & BY_CODES != 0, body & SUBTRACT != 0, False)
    return begin + row.registers[SELECT_AT] - 1


@inline
def _connect_end(row, chip, begin):
    """Return the last cycle in which the columns settle."""
    if chip.serial:
        return request_connect(row, chip, begin, MULTIPLY, row.registers[SETTLE_AT])
    return begin + row.registers[SETTLE_AT] - 1


@inline
def _convert_end(row, chip, begin):
    """Return the last cycle of the conversion of a group that begins."""
    if chip.serial:
        return request_convert(row, chip, begin, np.int64(0), min(chip.channels, row.outputs))
    return begin + row.registers[CONVERT_AT] - 1


@kernel
def start_multiply(row, chip):
    """Prepare a multiplication that was admitted; its first cycle is BEGIN."""
    body = row.body
    planes = (np.int64(1) << chip.input_bits) - 1
    if body & SKIP:
        planes = row.seen_planes
    row.empty = np.int64(planes == 0)
    row.planes = 1 if body & BY_CODES else planes
    row.outputs = outputs_of(body)
    row.step = 0
    row.rows_on = 0
    row.packed = 0
    row.state = at.HAND_OVER if row.flows else at.RESPOND
    if not row.empty:
        row.state = at.SELECT
        row.end = _select_end(row, chip, row.begin)


@inline
def _read_for(row, chip, cycles, heats):
    """Account for cycles in which the read path is on: channels with an output left are on, and driven rows heat."""
    row.actions[Action.CHANNEL_CYCLE] += min(chip.channels, row.outputs) * cycles
    if heats:
        row.energies[CellEnergy.FORWARD] += row.heat * cycles


@part
def _convert_group(s, row, tile, chip):
    """Convert the outputs of a group, and add their codes to the sums."""
    body, first = row.body, row.column
    subtract = body & SUBTRACT != 0
    plane = np.int64(0) if body & BY_CODES else _lowest_plane(row.planes)
    count = min(chip.channels, row.outputs)
    low, high = s.scalars[0].adc_min, s.scalars[0].adc_max
    pair = np.int64(subtract)
    if subtract:
        high = (np.int64(1) << (s.shape[0].adc_bits - 1)) - 1
        low = -high - 1
    for channel in range(count):
        output = first + channel
        trim = np.int64(NEUTRAL_TRIM) if chip.serial else row.trims[channel]
        code = convert_sum(s, tile, output, subtract, channel, trim, row.registers[RANGE_AT])
        row.least = min(row.least, code)
        row.most = max(row.most, code)
        if is_clipped(code, low, high):
            row.clipped += 1
        weighted = (code - row.offsets[pair, output]) << plane
        if row.step == 0:
            row.sums[output] = weighted
        else:
            row.sums[output] += weighted
    row.actions[Action.CONVERT_FORWARD] += count
    row.actions[Action.SHIFT_ADD] += count


@part
def _leave_decide(row, chip, begin, end, cut):
    """Go on behind the decision on a group of outputs, in cycle ``begin``; gives the next state and its last cycle."""
    last_group = row.outputs <= chip.channels
    state = np.int64(at.DECIDE)
    # The rows stay driven between the groups of a step.
    stay = not last_group
    if stay:
        _read_for(row, chip, 1, not chip.holds)
    row.phases[Phase.DECIDE] += 1
    if row.planes & (row.planes - 1) == 0:
        state = np.int64(at.HAND_OVER if row.flows else at.RESPOND)
        if not row.flows:
            row.result = row.sums[row.column]
        row.rows_on = np.int64(stay)
    elif cut == OK and not last_group:
        row.column += chip.channels
        row.outputs -= chip.channels
        state = np.int64(at.CONVERT)
        end = _convert_end(row, chip, begin)
    elif cut == OK:
        row.column = (row.body >> COLUMN_SHIFT) & INDEX_MASK
        row.outputs = outputs_of(row.body)
        row.planes &= row.planes - 1
        row.step += 1
        state = np.int64(at.SELECT)
        end = _select_end(row, chip, begin)
    return state, end


@kernel
def advance_multiply(s, row, tile, chip, horizon, cut):
    """Carry out what ends before cycle ``horizon``, up to the next response (arguments as in `advance_cell`)."""
    state, begin, end = row.state, row.begin, row.end
    body = row.body
    if cut != OK:
        if chip.serial:
            halt_work(row, chip, horizon - 1)
        end = horizon - 1
    while end < horizon and state != at.RESPOND and state != at.HAND_OVER:
        cycles = end - begin + 1
        begin = end + 1
        if state == at.SELECT:
            plane = np.int64(0) if body & BY_CODES else _lowest_plane(row.planes)
            heat, rows = sum_step(s, tile, plane, body & SUBTRACT != 0, body & BY_CODES != 0)
            row.heat = heat
            row.actions[Action.ROW_DRIVE] += rows
            row.actions[Action.INPUT_STEP] += 1
            row.phases[Phase.SELECT] += cycles
            state = at.CONNECT
            if cut == OK:
                end = _connect_end(row, chip, begin)
        elif state == at.CONNECT:
            _read_for(row, chip, cycles, True)
            row.actions[Action.CHANNEL_WAKE] += min(chip.channels, row.outputs)
            row.phases[Phase.SETTLE] += cycles
            state = at.CONVERT
            if cut == OK:
                end = _convert_end(row, chip, begin)
        elif state == at.CONVERT:
            _convert_group(s, row, tile, chip)
            _read_for(row, chip, cycles, not chip.holds)
            row.phases[Phase.CONVERT] += cycles
            state = at.DECIDE
            end = begin
        else:
            state, end = _leave_decide(row, chip, begin, end, cut)
        if cut != OK:
            state = at.RESPOND
            row.status = cut
            # An incomplete beat is lost.
            row.column -= row.packed
            row.packed = 0
            row.result = 0
            row.rows_on = 0
    row.state = state
    row.begin = begin
    row.end = end


@kernel
def begin_group(row, chip):
    """Begin to convert the next group of outputs in BEGIN, if all of this one have been handed over."""
    if not row.empty and row.column & (chip.channels - 1) == 0:
        row.state = at.CONVERT
        row.end = _convert_end(row, chip, row.begin)


@kernel
def read_on(row, chip, last):
    """Account for the read path that stays on while a result is answered, up to cycle ``last``; a halt has come there,
    or the beat is handed over."""
    if row.rows_on:
        _read_for(row, chip, last - row.begin + 1, not chip.holds)


@kernel
def next_output(row, chip, cycle, cut):
    """Go on behind a result that was handed over in ``cycle`` and was not the last one.

    Parameters
    ----------
    row : record `program_layout.TILE`
        State of the tile.
    chip : record `program_layout.CHIP`
    cycle : int
    cut : int
        Status that follows, because a halt has come in this cycle or before; OK: it has not.
    """
    channels = chip.channels
    row.column += 1
    row.outputs -= 1
    row.begin = cycle + 1
    row.status = cut
    if row.flows:
        row.result = 0
        row.packed = 0
        if cut == OK:
            row.state = at.HAND_OVER
            begin_group(row, chip)
        return
    new_group = row.column & (channels - 1) == 0
    if row.empty or new_group:
        row.result = 0
        if not row.empty and cut == OK:
            row.state = at.CONVERT
            row.end = _convert_end(row, chip, cycle + 1)
    else:
        row.result = row.sums[row.column]
