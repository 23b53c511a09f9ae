"""Operations on one cell or column: reads, closed-loop writes, forming, pulse trains, and calibration."""

from typing import Final

import numpy as np

from twinbar.emulator.compiled import inline, kernel
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
VERIFY: Final = Opcode.VERIFY.value
WRITE: Final = Opcode.WRITE.value

OK: Final = Status.OK.value
FAILED: Final = Status.FAILED.value
FAULTED: Final = Status.FAULTED.value
RECORD_SET: Final = Record.SET.value
RECORD_RESET: Final = Record.RESET.value
RECORD_FORM: Final = Record.FORM.value
COMPLIANCE_OFF: Final = ComplianceAction.OFF.value
COMPLIANCE_FAULTS: Final = ComplianceAction.FAULT.value
COMPLIANCE_FAULT: Final = FAULTS["compliance"].put(1)
"""Bit of the fault among the latched ones."""

SELECT_AT: Final = at.REGISTERS + registers.SELECT.address
SETTLE_READ_AT: Final = at.REGISTERS + registers.SETTLE_READ.address
SETTLE_DRIVE_AT: Final = at.REGISTERS + registers.SETTLE_DRIVE.address
CONVERT_AT: Final = at.REGISTERS + registers.CONVERT.address
RECOVER_AT: Final = at.REGISTERS + registers.RECOVER.address
SAMPLING_AT: Final = at.REGISTERS + registers.SAMPLING.address
RANGE_READ_AT: Final = at.REGISTERS + registers.RANGE_READ.address
GAIN_TARGET_AT: Final = at.REGISTERS + registers.GAIN_TARGET.address
DISCARD_MASK: Final = registers.SAMPLING["discard"].mask
AVERAGE_SHIFT: Final = registers.SAMPLING["log2_average"].offset
WINDOW_MASK: Final = registers.LEVEL_WINDOW["low"].mask
WINDOW_SHIFT: Final = registers.LEVEL_WINDOW["high"].offset
SUBTRACT: Final = CALIBRATION["subtract"].put(1)
GAIN: Final = CALIBRATION["gain"].put(1)

IN_SELECT: Final = at.PHASE_CYCLES + Phase.SELECT
IN_SETTLE: Final = at.PHASE_CYCLES + Phase.SETTLE
IN_CONVERT: Final = at.PHASE_CYCLES + Phase.CONVERT
IN_DECIDE: Final = at.PHASE_CYCLES + Phase.DECIDE
IN_PULSE: Final = at.PHASE_CYCLES + Phase.PULSE
IN_RECOVER: Final = at.PHASE_CYCLES + Phase.RECOVER
SELECTIONS: Final = at.ACTION_COUNTS + Action.SELECT_CELL
CONVERSIONS: Final = at.ACTION_COUNTS + Action.CONVERT_VERIFY
UPDATES: Final = at.ACTION_COUNTS + Action.DRIVE_UPDATE
SET_PULSES: Final = at.ACTION_COUNTS + Action.PULSE_SET
RESET_PULSES: Final = at.ACTION_COUNTS + Action.PULSE_RESET
VERIFY_HEAT: Final = at.ENERGIES + CellEnergy.VERIFY
SET_HEAT: Final = at.ENERGIES + CellEnergy.SET
RESET_HEAT: Final = at.ENERGIES + CellEnergy.RESET


@kernel
def start_cell(row, chip):
    """Prepare an operation on a cell or column that was admitted; its selection begins."""
    opcode, body = row[at.OPCODE], row[at.BODY]
    argument = (body >> ARGUMENT_SHIFT) & BYTE_MASK
    row[at.CELL] = (body & INDEX_MASK) * chip[at.CHIP_COLUMNS] + row[at.COLUMN]
    row[at.PAIR] = 0
    row[at.TRIM_BIT] = 0
    row[at.FIRST] = 1
    row[at.LEFT] = argument if opcode == TRAIN else row[PULSE_LIMIT_AT]
    row[at.TARGET] = RECORD_FORM if opcode == FORM else (body >> RECORD_SHIFT) & RECORD_MASK
    row[at.DISCARD] = row[SAMPLING_AT] & DISCARD_MASK
    row[at.AVERAGE] = row[SAMPLING_AT] >> AVERAGE_SHIFT
    if opcode == CONVERT_RAW:
        row[at.DISCARD] = 0
        row[at.AVERAGE] = 0
    elif opcode == CALIBRATE:
        row[at.CELL] = NO_CELL
        row[at.PAIR] = np.int64(body & SUBTRACT != 0)
        if body & GAIN:
            row[at.CELL] = REFERENCE
            row[at.TRIM_BIT] = 1 << TRIM_BITS
    row[at.STATE] = at.SELECT
    if chip[at.CHIP_SERIAL]:
        row[at.END] = request_select(row, chip, row[at.BEGIN], False, row[at.PAIR] != 0, row[at.TRIM_BIT] != 0)
    else:
        row[at.END] = row[at.BEGIN] + row[SELECT_AT] - 1


@inline
def _amplitude(row):
    """Give polarity and voltage code of the record that is driven."""
    across = row[at.CODES] - row[at.CODES + 1]
    if row[at.RECORD] == RECORD_RESET:
        return RESET, max(-across, np.int64(0))
    return SET, max(across, np.int64(0))


@inline
def _open_gate(s, row, tile, begin):
    """Open the write gate in cycle ``begin``; gives the last cycle of the pulse, if no halt ends it."""
    shape = field_of(row, row[at.RECORD], FIELD_WIDTH)
    end = begin + (shape & WIDTH_MASK) - 1
    row[at.TRIP] = -1
    row[at.TRIPS] = 0
    action = row[COMPLIANCE_AT] >> ACTION_SHIFT
    if action != COMPLIANCE_OFF:
        earliest = begin + (row[COMPLIANCE_AT] & BLANKING_MASK)
        seen = np.int64(at.NEVER)
        # The input may still be seen high from the pulse before.
        if earliest <= row[at.LIMITED]:
            seen = earliest
        if shape >> WIDTH_BITS != NO_LIMIT:
            polarity, amplitude = _amplitude(row)
            gate = row[at.CODES + 2]
            trip = gate_opens(s, tile, row[at.CELL], polarity, amplitude, gate, shape >> WIDTH_BITS)
            row[at.TRIP] = trip
            if trip >= 0:
                seen = min(seen, max(earliest, begin + trip + SYNCHRONIZER_CYCLES))
        if seen <= end:
            end = seen
            row[at.TRIPS] = np.int64(action == COMPLIANCE_FAULTS)
    return end


@inline
def _close_gate(s, row, tile, begin, last):
    """Apply the pulse whose gate was open from cycle ``begin`` to ``last``."""
    width = last - begin + 1
    polarity, amplitude = _amplitude(row)
    heat = gate_closes(s, tile, row[at.CELL], polarity, amplitude, row[at.CODES + 2], width)
    row[at.LEFT] -= 1
    row[at.FIRST] = 0
    row[IN_PULSE] += width
    if polarity == RESET:
        row[at.RESETS] += 1
        row[RESET_PULSES] += 1
        row[RESET_HEAT] += heat
    else:
        row[at.SETS] += 1
        row[SET_PULSES] += 1
        row[SET_HEAT] += heat
    if 0 <= row[at.TRIP] < width:
        row[at.LIMITED] = last + SYNCHRONIZER_CYCLES


@inline
def _heat_cell(s, row, tile, cycles):
    if row[at.CELL] >= 0:
        row[VERIFY_HEAT] += np.int64(s.grid[tile, row[at.CELL]]) * cycles


@inline
def _samples(row):
    return row[at.DISCARD] + (np.int64(1) << row[at.AVERAGE])


@inline
def _convert(s, row, tile, chip, begin, cycles):
    """Make the conversions that were accepted in the first ``cycles`` cycles of a read's conversions."""
    opcode, column, pair = row[at.OPCODE], row[at.COLUMN], row[at.PAIR]
    offset = np.int64(0)
    if opcode != CONVERT_RAW and (opcode != CALIBRATE or row[at.TRIM_BIT] != 0):
        offset = row[at.OFFSETS + column]
    channel = column & (chip[at.CHIP_CHANNELS] - 1)
    trim = row[at.TRIMS + channel]
    count = _samples(row)
    if chip[at.CHIP_SERIAL]:
        # Its parts have no trim.
        trim = np.int64(NEUTRAL_TRIM)
        count = min(count, accepted_samples(row, chip, begin + cycles - 1))
    elif cycles < count * row[CONVERT_AT]:
        count = (cycles - 1) // row[CONVERT_AT] + 1
    total = np.int64(0)
    for sample in range(count):
        code = convert_single(s, tile, row[at.CELL], column, pair, channel, trim, row[RANGE_READ_AT])
        if sample >= row[at.DISCARD]:
            total += code - offset
    row[at.TOTAL] = total
    row[CONVERSIONS] += count
    row[IN_CONVERT] += cycles


@kernel
def _decide_trim(row, chip, value):
    """Decide a bit of a channel's trim; gives what follows."""
    channel = row[at.COLUMN] & (chip[at.CHIP_CHANNELS] - 1)
    bit = row[at.TRIM_BIT]
    trim = row[at.TRIMS + channel]
    if value > row[GAIN_TARGET_AT]:
        trim &= ~bit
    bit >>= 1
    trim |= bit
    row[at.TRIMS + channel] = trim
    row[at.CODE] = trim
    row[at.TRIM_BIT] = bit
    return at.CONNECT if bit else at.RESPOND


@inline
def _decide(row, chip):
    """Look at what was read; gives what follows."""
    opcode = row[at.OPCODE]
    average = (row[at.TOTAL] + ((np.int64(1) << row[at.AVERAGE]) >> 1)) >> row[at.AVERAGE]
    if opcode == CONVERT_RAW:
        row[at.CODE] = average
        return at.RESPOND
    value = min(max(average, np.int64(0)), (np.int64(1) << chip[at.CHIP_ADC_BITS]) - 1)
    if opcode == CALIBRATE:
        if row[at.TRIM_BIT]:
            return _decide_trim(row, chip, value)
        row[at.OFFSETS + row[at.PAIR] * chip[at.CHIP_COLUMNS] + row[at.COLUMN]] = average
        row[at.CODE] = average
        return at.RESPOND
    row[at.CODE] = value
    if opcode == VERIFY:
        window = row[at.LEVELS + ((row[at.BODY] >> ARGUMENT_SHIFT) & BYTE_MASK)]
        row[at.CODE] = np.int64(-1) if value < window & WINDOW_MASK else np.int64(value > window >> WINDOW_SHIFT)
    elif opcode in (WRITE, FORM):
        window = row[at.LEVELS + ((row[at.BODY] >> ARGUMENT_SHIFT) & BYTE_MASK)]
        below = value < window & WINDOW_MASK
        if below or (opcode == WRITE and value > window >> WINDOW_SHIFT):
            if row[at.LEFT] == 0:
                row[at.STATUS] = FAILED
                return at.RESPOND
            if opcode == WRITE:
                row[at.TARGET] = RECORD_SET if below else RECORD_RESET
            return at.PULSE
    return at.RESPOND


@kernel
def halt_work(row, chip, cycle):
    """Take back what is asked of a serial front end, if it is not answered in ``cycle``."""
    state = row[at.STATE]
    asks = state == at.SELECT or state == at.CONNECT or state == at.CONVERT or state == at.DRIVE
    if asks and (cycle < row[at.END] or row[at.FAULT_LAST] == at.NEVER):
        halt_request(row, chip, cycle)


@inline
def _request(row, chip, state, begin):
    """Ask a serial front end for what a state needs; gives the last cycle."""
    if state == at.CONNECT:
        return request_connect(row, chip, begin, READ, row[SETTLE_READ_AT])
    if state == at.CONVERT:
        channel = row[at.COLUMN] & (chip[at.CHIP_CHANNELS] - 1)
        return request_samples(row, chip, begin, channel, _samples(row))
    return request_drive(row, chip, begin, field_of(row, row[at.RECORD], FIELD_WIDTH) >> WIDTH_BITS)


@kernel
def advance_cell(s, row, tile, chip, horizon, cut):
    """Carry out what ends before cycle ``horizon``, up to the response.

    Parameters
    ----------
    s : ArrayState
    row : int64 [row size]
        State of the tile.
    chip : int64 [CHIP_SIZE]
    horizon : int
    cut : int
        Status of a command that a halt ends in cycle ``horizon - 1``; OK: it is not halted.
    """
    state, begin, end = row[at.STATE], row[at.BEGIN], row[at.END]
    if cut != OK:
        if chip[at.CHIP_SERIAL]:
            halt_work(row, chip, horizon - 1)
        end = horizon - 1
    while end < horizon:
        cycles = end - begin + 1
        following = at.RESPOND
        if state == at.CONVERT:
            _heat_cell(s, row, tile, cycles)
            _convert(s, row, tile, chip, begin, cycles)
            following = at.DECIDE
        elif state == at.DECIDE:
            row[IN_DECIDE] += 1
            if cut == OK:
                following = _decide(row, chip)
        elif state == at.CONNECT:
            _heat_cell(s, row, tile, cycles)
            row[IN_SETTLE] += cycles
            following = at.CONVERT
        elif state == at.DRIVE:
            row[IN_SETTLE] += cycles
            row[UPDATES] += 1
            if row[at.OPCODE] != DRIVE_ONLY:
                following = at.PULSE
        elif state == at.PULSE:
            _close_gate(s, row, tile, begin, end)
            following = at.RECOVER
            if row[at.TRIPS] and end == row[at.END]:
                row[at.FAULTS] |= COMPLIANCE_FAULT
                disarm(row, chip, end)
                cut = FAULTED
        elif state == at.RECOVER:
            row[IN_RECOVER] += cycles
            if row[at.OPCODE] != TRAIN:
                following = at.CONNECT
            elif row[at.LEFT] > 0:
                following = at.PULSE
        else:
            row[IN_SELECT] += cycles
            row[SELECTIONS] += 1
            following = at.CONNECT
            if row[at.OPCODE] == TRAIN or row[at.OPCODE] == DRIVE_ONLY:
                following = at.PULSE
            elif row[at.TRIM_BIT] and cut == OK:
                row[at.TRIM_BIT] >>= 1
                row[at.TRIMS + (row[at.COLUMN] & (chip[at.CHIP_CHANNELS] - 1))] = row[at.TRIM_BIT]
        begin = end + 1
        if cut != OK:
            row[at.STATUS] = cut
            following = at.RESPOND
        elif following == at.PULSE and state != at.DRIVE:
            if update_drive(row):
                following = at.DRIVE
            elif row[at.OPCODE] == DRIVE_ONLY:
                following = at.RESPOND
        state = following
        if chip[at.CHIP_SERIAL] and (state == at.CONNECT or state == at.CONVERT or state == at.DRIVE):
            end = _request(row, chip, state, begin)
        elif state == at.CONNECT:
            end = begin + row[SETTLE_READ_AT] - 1
        elif state == at.CONVERT:
            end = begin + _samples(row) * row[CONVERT_AT] - 1
        elif state == at.DECIDE:
            end = begin
        elif state == at.DRIVE:
            end = begin + row[SETTLE_DRIVE_AT] - 1
        elif state == at.PULSE:
            end = _open_gate(s, row, tile, begin)
        elif state == at.RECOVER:
            end = begin + row[RECOVER_AT] - 1
        else:
            break
        row[at.END] = end
    row[at.STATE] = state
    row[at.BEGIN] = begin
