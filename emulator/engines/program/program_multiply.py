"""Multiplications: input steps, groups of outputs, and their responses."""

from typing import Final

import numpy as np

from twinbar.emulator.compiled import inline, kernel
from twinbar.emulator.crossbar.array import S_ADC_BITS, convert_sum, is_clipped, sum_step
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.devices.layout import P_ADC_MAX, P_ADC_MIN
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
SETTLE_AT: Final = at.REGISTERS + registers.SETTLE_MULTIPLY.address
RANGE_AT: Final = at.REGISTERS + registers.RANGE_MULTIPLY.address

IN_SELECT: Final = at.PHASE_CYCLES + Phase.SELECT
IN_SETTLE: Final = at.PHASE_CYCLES + Phase.SETTLE
IN_CONVERT: Final = at.PHASE_CYCLES + Phase.CONVERT
IN_DECIDE: Final = at.PHASE_CYCLES + Phase.DECIDE
STEPS: Final = at.ACTION_COUNTS + Action.INPUT_STEP
ROWS_DRIVEN: Final = at.ACTION_COUNTS + Action.ROW_DRIVE
CONVERSIONS: Final = at.ACTION_COUNTS + Action.CONVERT_FORWARD
ADDITIONS: Final = at.ACTION_COUNTS + Action.SHIFT_ADD
FORWARD_HEAT: Final = at.ENERGIES + CellEnergy.FORWARD


@inline
def _lowest_plane(planes):
    plane = np.int64(0)
    while not (planes >> plane) & 1:
        plane += 1
    return plane


@inline
def _sum_at(chip, output):
    return at.OFFSETS + 2 * chip[at.CHIP_COLUMNS] + output


@inline
def _select_end(row, chip, begin):
    """Give the last cycle of a selection that begins."""
    body = row[at.BODY]
    if chip[at.CHIP_SERIAL]:
        return request_select(row, chip, begin, body & BY_CODES != 0, body & SUBTRACT != 0, False)
    return begin + row[SELECT_AT] - 1


@inline
def _connect_end(row, chip, begin):
    """Give the last cycle in which the columns settle."""
    if chip[at.CHIP_SERIAL]:
        return request_connect(row, chip, begin, MULTIPLY, row[SETTLE_AT])
    return begin + row[SETTLE_AT] - 1


@inline
def _convert_end(row, chip, begin):
    """Give the last cycle of the conversion of a group that begins."""
    if chip[at.CHIP_SERIAL]:
        return request_convert(row, chip, begin, np.int64(0), min(chip[at.CHIP_CHANNELS], row[at.OUTPUTS]))
    return begin + row[CONVERT_AT] - 1


@kernel
def start_multiply(row, chip):
    """Prepare a multiplication that was admitted; its first cycle is BEGIN."""
    body = row[at.BODY]
    planes = (np.int64(1) << chip[at.CHIP_INPUT_BITS]) - 1
    if body & SKIP:
        planes = row[at.SEEN_PLANES]
    row[at.EMPTY] = np.int64(planes == 0)
    row[at.PLANES] = 1 if body & BY_CODES else planes
    row[at.OUTPUTS] = outputs_of(body)
    row[at.STEP] = 0
    row[at.ROWS_ON] = 0
    row[at.STATE] = at.RESPOND
    if not row[at.EMPTY]:
        row[at.STATE] = at.SELECT
        row[at.END] = _select_end(row, chip, row[at.BEGIN])


@inline
def _convert_group(s, row, tile, chip):
    """Convert the outputs of a group, and add their codes to the sums."""
    body, first = row[at.BODY], row[at.COLUMN]
    subtract = body & SUBTRACT != 0
    plane = np.int64(0) if body & BY_CODES else _lowest_plane(row[at.PLANES])
    count = min(chip[at.CHIP_CHANNELS], row[at.OUTPUTS])
    low, high = s.scalars[P_ADC_MIN], s.scalars[P_ADC_MAX]
    offsets = np.int64(at.OFFSETS)
    if subtract:
        high = (np.int64(1) << (s.shape[S_ADC_BITS] - 1)) - 1
        low = -high - 1
        offsets += chip[at.CHIP_COLUMNS]
    for channel in range(count):
        output = first + channel
        trim = np.int64(NEUTRAL_TRIM) if chip[at.CHIP_SERIAL] else row[at.TRIMS + channel]
        code = convert_sum(s, tile, output, subtract, channel, trim, row[RANGE_AT])
        row[at.LEAST] = min(row[at.LEAST], code)
        row[at.MOST] = max(row[at.MOST], code)
        if is_clipped(code, low, high):
            row[at.CLIPPED] += 1
        weighted = (code - row[offsets + output]) << plane
        if row[at.STEP] == 0:
            row[_sum_at(chip, output)] = weighted
        else:
            row[_sum_at(chip, output)] += weighted
    row[CONVERSIONS] += count
    row[ADDITIONS] += count


@kernel
def advance_multiply(s, row, tile, chip, horizon, cut):
    """Carry out what ends before cycle ``horizon``, up to the next response (arguments as in `advance_cell`)."""
    state, begin, end = row[at.STATE], row[at.BEGIN], row[at.END]
    body, channels = row[at.BODY], chip[at.CHIP_CHANNELS]
    if cut != OK:
        if chip[at.CHIP_SERIAL]:
            halt_work(row, chip, horizon - 1)
        end = horizon - 1
    while end < horizon and state != at.RESPOND:
        cycles = end - begin + 1
        last_group = row[at.OUTPUTS] <= channels
        begin = end + 1
        if state == at.SELECT:
            plane = np.int64(0) if body & BY_CODES else _lowest_plane(row[at.PLANES])
            heat, rows = sum_step(s, tile, plane, body & SUBTRACT != 0, body & BY_CODES != 0)
            row[at.HEAT] = heat
            row[ROWS_DRIVEN] += rows
            row[STEPS] += 1
            row[IN_SELECT] += cycles
            state = at.CONNECT
            if cut == OK:
                end = _connect_end(row, chip, begin)
        elif state == at.CONNECT:
            row[FORWARD_HEAT] += row[at.HEAT] * cycles
            row[IN_SETTLE] += cycles
            state = at.CONVERT
            if cut == OK:
                end = _convert_end(row, chip, begin)
        elif state == at.CONVERT:
            _convert_group(s, row, tile, chip)
            if not chip[at.CHIP_HOLDS]:
                row[FORWARD_HEAT] += row[at.HEAT] * cycles
            row[IN_CONVERT] += cycles
            state = at.DECIDE
            end = begin
        else:
            # The rows stay driven between the groups of a step.
            if not (last_group or chip[at.CHIP_HOLDS]):
                row[FORWARD_HEAT] += row[at.HEAT]
            row[IN_DECIDE] += 1
            if row[at.PLANES] & (row[at.PLANES] - 1) == 0:
                state = at.RESPOND
                row[at.RESULT] = row[_sum_at(chip, row[at.COLUMN])]
                row[at.ROWS_ON] = np.int64(not (last_group or chip[at.CHIP_HOLDS]))
            elif cut == OK and not last_group:
                row[at.COLUMN] += channels
                row[at.OUTPUTS] -= channels
                state = at.CONVERT
                end = _convert_end(row, chip, begin)
            elif cut == OK:
                row[at.COLUMN] = (body >> COLUMN_SHIFT) & INDEX_MASK
                row[at.OUTPUTS] = outputs_of(body)
                row[at.PLANES] &= row[at.PLANES] - 1
                row[at.STEP] += 1
                state = at.SELECT
                end = _select_end(row, chip, begin)
        if cut != OK:
            state = at.RESPOND
            row[at.STATUS] = cut
            row[at.RESULT] = 0
            row[at.ROWS_ON] = 0
    row[at.STATE] = state
    row[at.BEGIN] = begin
    row[at.END] = end


@kernel
def heat_rows(row, last):
    """Account for rows that stay driven while a result is answered, up to cycle ``last``; a halt has come there, or
    the beat is handed over."""
    if row[at.ROWS_ON]:
        row[FORWARD_HEAT] += row[at.HEAT] * (last - row[at.BEGIN] + 1)


@kernel
def next_output(row, chip, cycle, cut):
    """Go on behind a result that was handed over in ``cycle`` and was not the last one.

    Parameters
    ----------
    row : int64 [row size]
        State of the tile.
    chip : int64 [CHIP_SIZE]
    cycle : int
    cut : int
        Status that follows, because a halt has come in this cycle or before; OK: it has not.
    """
    channels = chip[at.CHIP_CHANNELS]
    row[at.COLUMN] += 1
    row[at.OUTPUTS] -= 1
    row[at.BEGIN] = cycle + 1
    row[at.STATUS] = cut
    new_group = row[at.COLUMN] & (channels - 1) == 0
    if row[at.EMPTY] or new_group:
        row[at.RESULT] = 0
        if not row[at.EMPTY] and cut == OK:
            row[at.STATE] = at.CONVERT
            row[at.END] = _convert_end(row, chip, cycle + 1)
    else:
        row[at.RESULT] = row[_sum_at(chip, row[at.COLUMN])]
