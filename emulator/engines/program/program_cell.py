"""Operations on one cell or column: reads, closed-loop writes, forming, pulse trains, and calibration."""

from typing import Final

import numpy as np

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES
from twinbar.emulator.crossbar.array import NO_CELL, REFERENCE, convert_single, gate_closes, gate_opens
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.devices.layout import NO_LIMIT, RESET, SET
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_admission import (
    ARGUMENT_SHIFT,
    BYTE_MASK,
    INDEX_MASK,
    PULSE_LIMIT_AT,
    RECORD_MASK,
    RECORD_SHIFT,
)
from twinbar.emulator.engines.program.program_drive import (
    ACTION_SHIFT,
    BLANKING_MASK,
    COMPLIANCE_AT,
    RECORD_RESET,
    WIDTH_MASK,
    disarm,
    field_of,
    update_drive,
)
from twinbar.emulator.engines.program.program_front_end import (
    NEUTRAL_TRIM,
    READ,
    accepted_samples,
    halt_request,
    request_connect,
    request_drive,
    request_samples,
    request_select,
)
from twinbar.emulator.engines.program.program_table import (
    COMPARE_AT,
    FAILED,
    FIRST,
    VERIFY,
    WRITE,
    begin_with_pulse,
    compare_bound,
    decide_comparison,
    decide_write,
    ends_in_group,
    start_table,
    window_of,
)
from twinbar.emulator.kernels.compiled import inline, kernel, part
from twinbar.hw.actions import Action
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.commands import CALIBRATION
from twinbar.hw.protocol.layouts import FAULTS, TRIM_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import FIELD_WIDTH
from twinbar.hw.protocol.vocabulary import ComplianceAction, Opcode, Record, Status
from twinbar.hw.timing import Phase

CALIBRATE: Final = Opcode.CALIBRATE.value
CONVERT_RAW: Final = Opcode.CONVERT.value
DRIVE_ONLY: Final = Opcode.DRIVE.value
FORM: Final = Opcode.FORM.value
TRAIN: Final = Opcode.PULSE.value

OK: Final = Status.OK.value
FAULTED: Final = Status.FAULTED.value
RECORD_FORM: Final = Record.FORM.value
COMPLIANCE_OFF: Final = ComplianceAction.OFF.value
COMPLIANCE_FAULTS: Final = ComplianceAction.FAULT.value
COMPLIANCE_FAULT: Final = FAULTS["compliance"].put(1)
"""Bit of the fault among the latched ones."""

SELECT_AT: Final = registers.SELECT.address
SETTLE_READ_AT: Final = registers.SETTLE_READ.address
SETTLE_DRIVE_AT: Final = registers.SETTLE_DRIVE.address
CONVERT_AT: Final = registers.CONVERT.address
RECOVER_AT: Final = registers.RECOVER.address
SAMPLING_AT: Final = registers.SAMPLING.address
RANGE_READ_AT: Final = registers.RANGE_READ.address
GAIN_TARGET_AT: Final = registers.GAIN_TARGET.address
DISCARD_MASK: Final = registers.SAMPLING["discard"].mask
AVERAGE_SHIFT: Final = registers.SAMPLING["log2_average"].offset
SUBTRACT: Final = CALIBRATION["subtract"].put(1)
GAIN: Final = CALIBRATION["gain"].put(1)


@kernel
def start_cell(row, chip):
    """Prepare an operation on a cell or column that was admitted; its selection begins."""
    opcode, body = row.opcode, row.body
    argument = (body >> ARGUMENT_SHIFT) & BYTE_MASK
    row.cell = (body & INDEX_MASK) * chip.columns + row.column
    row.pair = 0
    row.trim_bit = 0
    row.first = 1
    row.left = argument if opcode == TRAIN else row.registers[PULSE_LIMIT_AT]
    row.target = RECORD_FORM if opcode == FORM else (body >> RECORD_SHIFT) & RECORD_MASK
    row.discard = row.registers[SAMPLING_AT] & DISCARD_MASK
    row.average = row.registers[SAMPLING_AT] >> AVERAGE_SHIFT
    start_table(row)
    if opcode == CONVERT_RAW:
        row.discard = 0
        row.average = 0
    elif opcode == CALIBRATE:
        row.cell = NO_CELL
        row.pair = np.int64(body & SUBTRACT != 0)
        if body & GAIN:
            row.cell = REFERENCE
            row.trim_bit = 1 << TRIM_BITS
    row.state = at.SELECT
    if chip.serial:
        row.end = request_select(row, chip, row.begin, False, row.pair != 0, row.trim_bit != 0)
    else:
        row.end = row.begin + row.registers[SELECT_AT] - 1


@inline
def _amplitude(row):
    """Return polarity and voltage code of the record that is driven."""
    across = row.codes[0] - row.codes[1]
    if row.record == RECORD_RESET:
        return RESET, max(-across, np.int64(0))
    return SET, max(across, np.int64(0))


@part
def _open_gate(s, row, tile, begin):
    """Open the write gate in cycle ``begin``; gives the last cycle of the pulse, if no halt ends it."""
    shape = field_of(row, row.record, FIELD_WIDTH)
    end = begin + (shape & WIDTH_MASK) - 1
    row.trip = -1
    row.trips = 0
    action = row.registers[COMPLIANCE_AT] >> ACTION_SHIFT
    if action != COMPLIANCE_OFF:
        earliest = begin + (row.registers[COMPLIANCE_AT] & BLANKING_MASK)
        seen = np.int64(at.NEVER)
        # The input may still be seen high from the pulse before.
        if earliest <= row.limited:
            seen = earliest
        if shape >> WIDTH_BITS != NO_LIMIT:
            polarity, amplitude = _amplitude(row)
            gate = row.codes[2]
            trip = gate_opens(s, tile, row.cell, polarity, amplitude, gate, shape >> WIDTH_BITS)
            row.trip = trip
            if trip >= 0:
                seen = min(seen, max(earliest, begin + trip + SYNCHRONIZER_CYCLES))
        if seen <= end:
            end = seen
            row.trips = np.int64(action == COMPLIANCE_FAULTS)
    return end


@part
def _close_gate(s, row, tile, begin, last):
    """Apply the pulse whose gate was open from cycle ``begin`` to ``last``."""
    width = last - begin + 1
    polarity, amplitude = _amplitude(row)
    heat = gate_closes(s, tile, row.cell, polarity, amplitude, row.codes[2], width)
    row.left -= 1
    row.group -= 1
    row.first = 0
    row.phases[Phase.PULSE] += width
    if polarity == RESET:
        row.resets += 1
        row.actions[Action.PULSE_RESET] += 1
        row.energies[CellEnergy.RESET] += heat
    else:
        row.sets += 1
        row.actions[Action.PULSE_SET] += 1
        row.energies[CellEnergy.SET] += heat
    if 0 <= row.trip < width:
        row.limited = last + SYNCHRONIZER_CYCLES


@inline
def _read_for(s, row, tile, cycles):
    """Account for cycles in which the read path is on: the channel of the column is on, and the cell is heated."""
    row.actions[Action.CHANNEL_CYCLE] += cycles
    if row.cell >= 0:
        row.energies[CellEnergy.VERIFY] += np.int64(s.grid[tile, row.cell]) * cycles


@inline
def _samples(row):
    return row.discard + (np.int64(1) << row.average)


@part
def _convert(s, row, tile, chip, begin, cycles):
    """Make the conversions that were accepted in the first ``cycles`` cycles of a read's conversions."""
    opcode, column, pair = row.opcode, row.column, row.pair
    offset = np.int64(0)
    if opcode != CONVERT_RAW and (opcode != CALIBRATE or row.trim_bit != 0):
        offset = row.offsets[0, column]
    channel = column & (chip.channels - 1)
    trim = row.trims[channel]
    count = _samples(row)
    if chip.serial:
        # Its parts have no trim.
        trim = np.int64(NEUTRAL_TRIM)
        count = min(count, accepted_samples(row, chip, begin + cycles - 1))
    elif cycles < count * row.registers[CONVERT_AT]:
        count = (cycles - 1) // row.registers[CONVERT_AT] + 1
    total = np.int64(0)
    for sample in range(count):
        code = convert_single(s, tile, row.cell, column, pair, channel, trim, row.registers[RANGE_READ_AT])
        if sample >= row.discard:
            total += code - offset
    row.total = total
    row.actions[Action.CONVERT_VERIFY] += count
    row.phases[Phase.CONVERT] += cycles


@part
def _decide_trim(row, chip, value):
    """Decide a bit of a channel's trim; gives what follows."""
    channel = row.column & (chip.channels - 1)
    bit = row.trim_bit
    trim = row.trims[channel]
    if value > row.registers[GAIN_TARGET_AT]:
        trim &= ~bit
    bit >>= 1
    trim |= bit
    row.trims[channel] = trim
    row.code = trim
    row.trim_bit = bit
    return at.CONNECT if bit else at.RESPOND


@part
def _decide(row, chip):
    """Look at what was read; gives what follows."""
    opcode = row.opcode
    average = (row.total + ((np.int64(1) << row.average) >> 1)) >> row.average
    if opcode == CONVERT_RAW:
        row.code = average
        return at.RESPOND
    value = min(max(average, np.int64(0)), (np.int64(1) << chip.adc_bits) - 1)
    if opcode == CALIBRATE:
        if row.trim_bit:
            return _decide_trim(row, chip, value)
        row.offsets[row.pair, row.column] = average
        row.code = average
        return at.RESPOND
    row.code = value
    low, high = window_of(row)
    if opcode == VERIFY:
        row.code = np.int64(-1) if value < low else np.int64(value > high)
    elif opcode == FORM:
        if value < low:
            if row.left:
                return at.PULSE
            row.status = FAILED
    elif opcode == WRITE and not row.gives_code:
        return decide_write(row, chip.entries - 1, value - low if value < low else max(value - high, np.int64(0)))
    return at.RESPOND


@kernel
def halt_work(row, chip, cycle):
    """Take back what is asked of a serial front end, if it is not answered in ``cycle``."""
    state = row.state
    asks = state == at.SELECT or state == at.CONNECT or state == at.CONVERT or state == at.DRIVE
    if asks and (cycle < row.end or row.fault_last == at.NEVER):
        halt_request(row, chip, cycle)


@part
def _request(row, chip, state, begin):
    """Ask a serial front end for what a state needs; gives the last cycle."""
    if state == at.CONNECT:
        return request_connect(row, chip, begin, READ, row.registers[SETTLE_READ_AT])
    if state == at.CONVERT:
        channel = row.column & (chip.channels - 1)
        return request_samples(row, chip, begin, channel, _samples(row))
    return request_drive(row, chip, begin, field_of(row, row.record, FIELD_WIDTH) >> WIDTH_BITS)


@part
def _ends_in_recover(row):
    """Return what follows the recovery behind a pulse."""
    if row.opcode == TRAIN:
        return at.PULSE if row.left > 0 else at.RESPOND
    return ends_in_group(row) if row.uses_table else at.CONNECT


@part
def _ends_in_select(row, chip, cycles, cut):
    """Account for a selection; gives what follows."""
    row.phases[Phase.SELECT] += cycles
    row.actions[Action.SELECT_CELL] += 1
    if row.opcode == TRAIN or row.opcode == DRIVE_ONLY:
        return at.PULSE
    if row.trim_bit and cut == OK:
        row.trim_bit >>= 1
        row.trims[row.column & (chip.channels - 1)] = row.trim_bit
    if row.uses_table and row.body & FIRST:
        return begin_with_pulse(row)
    return at.CONNECT


@part
def _complete(s, row, tile, chip, state, begin, end, cut):
    """Carry out a state that lasted from cycle ``begin`` to ``end``; gives what follows if no halt does."""
    cycles = end - begin + 1
    following = at.RESPOND
    if state == at.CONVERT:
        _read_for(s, row, tile, cycles)
        _convert(s, row, tile, chip, begin, cycles)
        following = at.DECIDE
    elif state == at.COMPARE:
        _read_for(s, row, tile, cycles)
        row.phases[Phase.CONVERT] += cycles
        following = compare_bound(s, row, tile, chip)
    elif state == at.DECIDE:
        row.phases[Phase.DECIDE] += 1
        if cut == OK:
            following = decide_comparison(row, chip) if row.compares else _decide(row, chip)
    elif state == at.CONNECT:
        _read_for(s, row, tile, cycles)
        row.actions[Action.CHANNEL_WAKE] += 1
        row.phases[Phase.SETTLE] += cycles
        following = at.CONVERT
        if row.compares:
            row.compared = 0
            following = at.COMPARE
    elif state == at.DRIVE:
        row.phases[Phase.SETTLE] += cycles
        row.actions[Action.DRIVE_UPDATE] += 1
        row.unsettled = np.int64(cut != OK)
        if row.opcode != DRIVE_ONLY:
            following = at.PULSE
    elif state == at.PULSE:
        _close_gate(s, row, tile, begin, end)
        following = at.RECOVER
    elif state == at.RECOVER:
        row.phases[Phase.RECOVER] += cycles
        if cut == OK:
            following = _ends_in_recover(row)
    else:
        following = _ends_in_select(row, chip, cycles, cut)
    return following


@part
def _driven_first(row, state, following):
    """Drive the codes of a pulse that follows ``state``; gives DRIVE where that takes an update."""
    if following == at.PULSE and state != at.DRIVE:
        if update_drive(row):
            return at.DRIVE
        if row.opcode == DRIVE_ONLY:
            return at.RESPOND
    return following


@part
def _last_cycle(s, row, tile, chip, state, begin):
    """Return the last cycle of a state that begins, if no halt ends it."""
    if chip.serial and (state == at.CONNECT or state == at.CONVERT or state == at.DRIVE):
        return _request(row, chip, state, begin)
    if state == at.PULSE:
        return _open_gate(s, row, tile, begin)
    cycles = np.int64(1)
    if state == at.CONNECT:
        cycles = row.registers[SETTLE_READ_AT]
    elif state == at.CONVERT:
        cycles = _samples(row) * row.registers[CONVERT_AT]
    elif state == at.COMPARE:
        cycles = row.registers[COMPARE_AT]
    elif state == at.DRIVE:
        cycles = row.registers[SETTLE_DRIVE_AT]
    elif state == at.RECOVER:
        cycles = row.registers[RECOVER_AT]
    return begin + cycles - 1


@kernel
def advance_cell(s, row, tile, chip, horizon, cut):
    """Carry out what ends before cycle ``horizon``, up to the response.

    Parameters
    ----------
    s : ArrayState
    row : record `program_layout.TILE`
        State of the tile.
    chip : record `program_layout.CHIP`
    horizon : int
    cut : int
        Status of a command that a halt ends in cycle ``horizon - 1``; OK: it is not halted.
    """
    state, begin, end = row.state, row.begin, row.end
    if cut != OK:
        if chip.serial:
            halt_work(row, chip, horizon - 1)
        end = horizon - 1
    while end < horizon:
        following = _complete(s, row, tile, chip, state, begin, end, cut)
        if state == at.PULSE and row.trips and end == row.end:
            row.faults |= COMPLIANCE_FAULT
            disarm(row, chip, end)
            cut = FAULTED
        if cut != OK:
            row.status = cut
            following = at.RESPOND
        state = _driven_first(row, state, following)
        begin = end + 1
        if state == at.RESPOND:
            break
        end = _last_cycle(s, row, tile, chip, state, begin)
        row.end = end
    row.state = state
    row.begin = begin
