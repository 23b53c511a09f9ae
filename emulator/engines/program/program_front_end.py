"""A serial front end, as far as time needs it: what is under way at its buses, and when it answers each request.

The formulas are those of ``docs/parts.md``. A request is made in its first cycle, and taken back by `halt_request`;
calls come in the order of time.
"""

from typing import Final

import numpy as np

from twinbar.emulator.compiled import inline, kernel
from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES
from twinbar.emulator.engines.program import program_layout as at
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import Drive, Line, SerialParts
from twinbar.hw.parts.cycles import (
    P_ADC_START_UP,
    P_COLUMNS,
    P_DAC_START_UP,
    P_FRAME,
    P_OPEN,
    P_POWER_UP,
    P_ROWS,
    P_WORD,
    front_end_cycles,
)
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.registers import TRIM_INIT

WRITE: Final = 1
READ: Final = 2
MULTIPLY: Final = 4
"""Drives of an output, as bits."""
_BITS: Final = {Drive.WRITE: WRITE, Drive.READ: READ, Drive.MULTIPLY: MULTIPLY}
LIMIT: Final = int(Line.LIMIT)
NEUTRAL_TRIM: Final = TRIM_INIT

WORD: Final = at.CHIP_PARTS + P_WORD
FRAME: Final = at.CHIP_PARTS + P_FRAME
OPEN: Final = at.CHIP_PARTS + P_OPEN
ROWS: Final = at.CHIP_PARTS + P_ROWS
COLUMNS: Final = at.CHIP_PARTS + P_COLUMNS
SELECT_AT: Final = at.REGISTERS + registers.SELECT.address
SETTLE_DRIVE_AT: Final = at.REGISTERS + registers.SETTLE_DRIVE.address
SETTLE_DRIVE: Final = registers.SETTLE_DRIVE.address
FAULT_DELAY: Final = 1 + SYNCHRONIZER_CYCLES
"""From the first cycle of a selection that cannot be made to the one in which the tile sees the fault."""


def describe_parts(chip: np.ndarray, controller: ControllerConfig, parts: SerialParts | None) -> None:
    """Fill what the compiled controller knows of its front end."""
    if parts is None:
        return
    parts.check(controller.adc_channels, controller.dac_bits)
    chip[at.CHIP_SERIAL] = 1
    cycles = front_end_cycles(parts, controller.rows, controller.columns).record()
    chip[at.CHIP_PARTS : at.CHIP_PARTS + len(cycles)] = cycles
    chip[at.CHIP_LATENCY] = parts.adc.latency
    chip[at.CHIP_PAIRS], chip[at.CHIP_REFERENCE] = parts.pairs, parts.reference
    chip[at.CHIP_OUTPUTS] = len(parts.outputs)
    for place, output in enumerate(parts.outputs):
        chip[at.CHIP_LINES + place] = output.line
        chip[at.CHIP_DRIVES + place] = sum(_BITS[drive] for drive in output.drives)


def power_up_parts(tiles: np.ndarray, chip: np.ndarray) -> None:
    """Put the front ends of all rows to what they are in cycle 0 after reset."""
    tiles[:, at.LOAD_START] = at.NEVER
    tiles[:, at.FAULT_FIRST], tiles[:, at.FAULT_LAST] = at.NEVER, -1
    outputs = chip[at.CHIP_OUTPUTS]
    for place in range(outputs):
        tiles[:, at.WANTED + place] = chip[at.CHIP_SAFE + chip[at.CHIP_LINES + place]]
    tiles[:, at.HELD : at.HELD + outputs] = -1
    tiles[:, at.KEPT : at.KEPT + 3] = tiles[:, at.KEPT + 3 : at.KEPT + 6] = chip[at.CHIP_SAFE : at.CHIP_SAFE + 3]
    tiles[:, at.CHOSEN] = -1
    power_up = chip[at.CHIP_PARTS + P_POWER_UP]
    tiles[:, at.LOADER_FREE] = power_up
    tiles[:, at.DAC_FREE] = power_up + chip[at.CHIP_PARTS + P_DAC_START_UP]
    tiles[:, at.READER_FREE] = power_up + chip[at.CHIP_PARTS + P_ADC_START_UP]


# --- DACs -------------------------------------------------------------------------------------------------------------


@kernel
def send_words(row, chip, before):
    """Send the words that are sent before a cycle: the outputs whose code differs, in their order."""
    cycle = max(row[at.DAC_FREE], row[at.WANTED_SINCE])
    for place in range(chip[at.CHIP_OUTPUTS]):
        if cycle >= before:
            return
        if row[at.HELD + place] != row[at.WANTED + place]:
            row[at.HELD + place] = row[at.WANTED + place]
            cycle += chip[WORD]
            row[at.DAC_FREE] = cycle
            row[at.SETTLED] = cycle + row[SETTLE_DRIVE_AT]


@inline
def _rests(row, chip, cycle):
    """Give the first cycle from ``cycle`` on in which every output has its code and has settled."""
    words = 0
    for place in range(chip[at.CHIP_OUTPUTS]):
        words += row[at.HELD + place] != row[at.WANTED + place]
    if words == 0:
        return max(cycle, max(row[at.DAC_FREE], row[at.SETTLED]))
    sent = max(row[at.DAC_FREE], row[at.WANTED_SINCE]) + words * chip[WORD]
    return max(cycle, sent + row[SETTLE_DRIVE_AT])


@kernel
def drive_codes(row, chip, cycle, drive, bit_line, source_line, word_line, limit):
    """Take over the codes of a drive; their strobe is in ``cycle``."""
    send_words(row, chip, cycle + 1)
    if drive != WRITE:
        kept = at.KEPT if drive == READ else at.KEPT + 3
        row[kept], row[kept + 1], row[kept + 2] = bit_line, source_line, word_line
    for place in range(chip[at.CHIP_OUTPUTS]):
        if chip[at.CHIP_DRIVES + place] & drive:
            line = chip[at.CHIP_LINES + place]
            code = limit
            if line == 0:
                code = bit_line
            elif line == 1:
                code = source_line
            elif line != LIMIT:
                code = word_line
            if row[at.WANTED + place] != code:
                row[at.WANTED + place] = code
                row[at.WANTED_SINCE] = cycle + 1


@kernel
def drive_safe_codes(row, chip, cycle):
    """Take over the safe codes: the tile was disarmed in ``cycle``."""
    safe = at.CHIP_SAFE
    drive_codes(row, chip, cycle + 1, WRITE, chip[safe], chip[safe + 1], chip[safe + 2], np.int64(0))


# --- requests: each gives its last cycle ------------------------------------------------------------------------------


@kernel
def request_select(row, chip, cycle, codes, pair, reference):
    """SELECT; what cannot be connected raises the fault FRONT_END, and is never answered."""
    row[at.FRAMES] = 0
    row[at.LOAD_START] = at.NEVER
    if codes or (pair and not chip[at.CHIP_PAIRS]) or (reference and not chip[at.CHIP_REFERENCE]):
        row[at.FAULT_FIRST] = cycle + FAULT_DELAY
        row[at.FAULT_LAST] = at.NEVER
        return row[at.FAULT_FIRST]
    start = max(cycle, row[at.LOADER_FREE])
    latched = start + 1 + chip[OPEN] + chip[ROWS] + chip[COLUMNS]
    end = max(latched + row[SELECT_AT], _rests(row, chip, cycle))
    row[at.CONNECTED] = row[at.COLUMN]
    row[at.LOADER_FREE] = end + 1
    row[at.LOAD_START], row[at.LOAD_LATCHED], row[at.LOAD_OVER] = start, latched, end + 1
    return end


@kernel
def request_connect(row, chip, cycle, drive, settle):
    """CONNECT_READ or CONNECT_MULTIPLY: outputs that both share take the codes of this one."""
    row[at.FRAMES] = 0
    row[at.LOAD_START] = at.NEVER
    send_words(row, chip, cycle + 1)
    kept = at.KEPT if drive == READ else at.KEPT + 3
    for place in range(chip[at.CHIP_OUTPUTS]):
        drives = chip[at.CHIP_DRIVES + place]
        if drives & drive and drives != drive:
            code = row[kept + chip[at.CHIP_LINES + place]]
            if row[at.WANTED + place] != code:
                row[at.WANTED + place] = code
                row[at.WANTED_SINCE] = cycle + 1
    return _rests(row, chip, cycle + 1) + settle - 1


@kernel
def request_drive(row, chip, cycle, limit):
    """DRIVE: the codes that are driven come in its second cycle."""
    row[at.FRAMES] = 0
    row[at.LOAD_START] = at.NEVER
    codes = at.CODES
    drive_codes(row, chip, cycle + 1, WRITE, row[codes], row[codes + 1], row[codes + 2], limit)
    return _rests(row, chip, cycle + 2)


@kernel
def request_convert(row, chip, cycle, channel, count):
    """CONVERT with ``count`` ADC channels from ``channel`` on, of the column COLUMN."""
    start = cycle
    row[at.LOAD_START] = at.NEVER
    if row[at.COLUMN] != row[at.CONNECTED]:
        load = max(cycle, row[at.LOADER_FREE])
        start = load + 2 + chip[COLUMNS] + row[SELECT_AT]
        row[at.LOAD_START], row[at.LOAD_LATCHED], row[at.LOAD_OVER] = load, load + 1 + chip[COLUMNS], start
        row[at.CONNECTED] = row[at.COLUMN]
        row[at.LOADER_FREE] = start
    first = max(start, row[at.READER_FREE])
    frames = np.int64(1)
    if chip[at.CHIP_LATENCY]:
        frames = count + np.int64(row[at.CHOSEN] != channel)
    row[at.FRAMES], row[at.FRAMES_FIRST] = frames, first
    row[at.FRAMES_BEFORE], row[at.FRAMES_BEFORE + 1] = row[at.READER_FREE], row[at.CHOSEN]
    row[at.LANES_FIRST], row[at.LANES_FIRST + 1] = channel, count
    end = first + frames * chip[FRAME]
    row[at.READER_FREE] = end
    row[at.CHOSEN] = channel
    return end


@kernel
def request_samples(row, chip, cycle, channel, count):
    """CONVERT ``count`` times in a row, of one channel; gives the last cycle of all."""
    row[at.SAMPLE_END] = request_convert(row, chip, cycle, channel, np.int64(1))
    end = row[at.SAMPLE_END] + (count - 1) * (chip[FRAME] + 1)
    row[at.READER_FREE] = end
    return end


@inline
def accepted_samples(row, chip, last):
    """Give how many conversions of `request_samples` were accepted up to cycle ``last``."""
    if last <= row[at.SAMPLE_END]:
        return np.int64(1)
    return (last - row[at.SAMPLE_END] - 1) // (chip[FRAME] + 1) + 2


@kernel
def halt_request(row, chip, cycle):
    """Take the request back: it is held up to and including ``cycle``, in which it is not answered."""
    start = row[at.LOAD_START]
    if start != at.NEVER:
        if cycle < start:
            row[at.LOADER_FREE] = start
        elif cycle < row[at.LOAD_LATCHED]:
            # A chain cannot be left half shifted.
            row[at.LOADER_FREE] = row[at.LOAD_LATCHED] + 1
        else:
            row[at.LOADER_FREE] = min(cycle + 2, row[at.LOAD_OVER])
    if row[at.FRAMES]:
        _halt_frames(row, chip, cycle)
    if row[at.FAULT_LAST] == at.NEVER:
        row[at.FAULT_LAST] = cycle + FAULT_DELAY
    row[at.LOAD_START] = at.NEVER
    row[at.FRAMES] = 0


@inline
def _halt_frames(row, chip, cycle):
    """Leave out the frames that were not sent up to ``cycle``, of a conversion or of the samples of a read."""
    first, frames, channel = row[at.FRAMES_FIRST], row[at.FRAMES], row[at.LANES_FIRST]
    if cycle < first:
        row[at.READER_FREE], row[at.CHOSEN] = row[at.FRAMES_BEFORE], row[at.FRAMES_BEFORE + 1]
        return
    begun = (cycle - first) // chip[FRAME] + 1
    if begun < frames:
        # The frame that was sent last chooses a channel in the middle of the conversion.
        known = np.int64(row[at.FRAMES_BEFORE + 1] == channel)
        row[at.CHOSEN] = channel + begun - 1 + known
        row[at.READER_FREE] = first + begun * chip[FRAME]
        return
    end = first + frames * chip[FRAME]
    if cycle > end:
        # Each further sample is one frame, sent in the first cycle of its request.
        end += (cycle - end - 1) // (chip[FRAME] + 1) * (chip[FRAME] + 1) + 1 + chip[FRAME]
    row[at.READER_FREE] = end


@kernel
def rest_parts(row, chip, cycles):
    """Let the buses stand still at the end of a program."""
    send_words(row, chip, cycles)
    for time in (at.DAC_FREE, at.SETTLED, at.WANTED_SINCE, at.LOADER_FREE, at.READER_FREE):
        row[time] = max(row[time] - cycles, np.int64(0))
    row[at.FAULT_FIRST] = at.NEVER
    row[at.FAULT_LAST] = -1
