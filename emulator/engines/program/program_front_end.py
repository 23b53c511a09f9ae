"""A serial front end, as far as time needs it: what is under way at its buses, and when it answers each request.

The formulas are those of ``docs/parts.md``. A request is made in its first cycle, and taken back by `halt_request`;
calls come in the order of time.
"""

from typing import Final

import numpy as np

from twinbar.emulator.contract.program import SYNCHRONIZER_CYCLES
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts
from twinbar.hw.parts.cycles import front_end_cycles
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.registers import TRIM_INIT

WRITE: Final = 1
READ: Final = 2
MULTIPLY: Final = 4
"""Drives of an output, as bits."""
_BITS: Final = {DrivePath.WRITE: WRITE, DrivePath.READ: READ, DrivePath.MULTIPLY: MULTIPLY}
LIMIT: Final = int(DrivenLine.LIMIT)
KEPT_READ: Final = 0
KEPT_MULTIPLY: Final = 1
"""Whose codes are kept."""
NEUTRAL_TRIM: Final = TRIM_INIT

SELECT_AT: Final = registers.SELECT.address
SETTLE_DRIVE_AT: Final = registers.SETTLE_DRIVE.address
SETTLE_DRIVE: Final = registers.SETTLE_DRIVE.address
FAULT_DELAY: Final = 1 + SYNCHRONIZER_CYCLES
"""From the first cycle of a selection that cannot be made to the one in which the tile sees the fault."""


def describe_parts(chip: np.void, controller: ControllerConfig, parts: SerialParts | None) -> None:
    """Fill what the compiled controller knows of its front end."""
    if parts is None:
        return
    parts.check(controller.adc_channels, controller.dac_bits)
    chip["serial"] = 1
    chip["parts"] = front_end_cycles(parts, controller.rows, controller.columns)
    chip["latency"] = parts.adc.latency
    chip["pairs"], chip["reference"] = parts.pairs, parts.reference
    chip["outputs"] = len(parts.outputs)
    for place, output in enumerate(parts.outputs):
        chip["lines"][place] = output.line
        chip["drives"][place] = sum(_BITS[drive] for drive in output.drives)


def power_up_parts(tiles: np.ndarray, chip: np.void) -> None:
    """Put the front ends of all tiles to what they are in cycle 0 after reset."""
    outputs, parts = chip["outputs"], chip["parts"]
    tiles["load_start"] = at.NEVER
    tiles["fault_first"], tiles["fault_last"] = at.NEVER, -1
    tiles["wanted"][:, :outputs] = chip["safe"][chip["lines"][:outputs]]
    tiles["held"][:, :outputs] = -1
    tiles["kept"] = chip["safe"][: at.LINES]
    tiles["chosen"] = -1
    tiles["loader_free"] = parts["power_up"]
    tiles["dac_free"] = parts["power_up"] + parts["dac_start_up"]
    tiles["reader_free"] = parts["power_up"] + parts["adc_start_up"]


# --- DACs -------------------------------------------------------------------------------------------------------------


@kernel
def send_words(row, chip, before):
    """Send the words that are sent before a cycle: the outputs whose code differs, in their order."""
    cycle = max(row.dac_free, row.wanted_since)
    for place in range(chip.outputs):
        if cycle >= before:
            return
        if row.held[place] != row.wanted[place]:
            row.held[place] = row.wanted[place]
            cycle += chip.parts.word
            row.dac_free = cycle
            row.settled = cycle + row.registers[SETTLE_DRIVE_AT]


@inline
def _rests(row, chip, cycle):
    """Return the first cycle from ``cycle`` on in which every output has its code and has settled."""
    words = 0
    for place in range(chip.outputs):
        words += row.held[place] != row.wanted[place]
    if words == 0:
        return max(cycle, max(row.dac_free, row.settled))
    sent = max(row.dac_free, row.wanted_since) + words * chip.parts.word
    return max(cycle, sent + row.registers[SETTLE_DRIVE_AT])


@kernel
def drive_codes(row, chip, cycle, drive, bit_line, source_line, word_line, limit):
    """Take over the codes of a drive; their strobe is in ``cycle``."""
    send_words(row, chip, cycle + 1)
    if drive != WRITE:
        kept = row.kept[KEPT_READ if drive == READ else KEPT_MULTIPLY]
        kept[0], kept[1], kept[2] = bit_line, source_line, word_line
    for place in range(chip.outputs):
        if chip.drives[place] & drive:
            line = chip.lines[place]
            code = limit
            if line == 0:
                code = bit_line
            elif line == 1:
                code = source_line
            elif line != LIMIT:
                code = word_line
            if row.wanted[place] != code:
                row.wanted[place] = code
                row.wanted_since = cycle + 1


@kernel
def drive_safe_codes(row, chip, cycle):
    """Take over the safe codes: the tile was disarmed in ``cycle``."""
    drive_codes(row, chip, cycle + 1, WRITE, chip.safe[0], chip.safe[1], chip.safe[2], np.int64(0))


# --- requests: each gives its last cycle ------------------------------------------------------------------------------


@kernel
def request_select(row, chip, cycle, codes, pair, reference):
    """SELECT; what cannot be connected raises the fault FRONT_END, and is never answered."""
    row.frames = 0
    row.load_start = at.NEVER
    if codes or (pair and not chip.pairs) or (reference and not chip.reference):
        row.fault_first = cycle + FAULT_DELAY
        row.fault_last = at.NEVER
        return row.fault_first
    start = max(cycle, row.loader_free)
    latched = start + 1 + chip.parts.open + chip.parts.rows + chip.parts.columns
    end = max(latched + row.registers[SELECT_AT], _rests(row, chip, cycle))
    row.connected = row.column
    row.loader_free = end + 1
    row.load_start, row.load_latched, row.load_over = start, latched, end + 1
    return end


@kernel
def request_connect(row, chip, cycle, drive, settle):
    """CONNECT_READ or CONNECT_MULTIPLY: outputs that both share take the codes of this one."""
    row.frames = 0
    row.load_start = at.NEVER
    send_words(row, chip, cycle + 1)
    kept = row.kept[KEPT_READ if drive == READ else KEPT_MULTIPLY]
    for place in range(chip.outputs):
        drives = chip.drives[place]
        if drives & drive and drives != drive:
            code = kept[chip.lines[place]]
            if row.wanted[place] != code:
                row.wanted[place] = code
                row.wanted_since = cycle + 1
    return _rests(row, chip, cycle + 1) + settle - 1


@kernel
def request_drive(row, chip, cycle, limit):
    """DRIVE: the codes that are driven come in its second cycle."""
    row.frames = 0
    row.load_start = at.NEVER
    drive_codes(row, chip, cycle + 1, WRITE, row.codes[0], row.codes[1], row.codes[2], limit)
    return _rests(row, chip, cycle + 2)


@kernel
def request_convert(row, chip, cycle, channel, count):
    """CONVERT with ``count`` ADC channels from ``channel`` on, of the column COLUMN."""
    start = cycle
    row.load_start = at.NEVER
    if row.column != row.connected:
        load = max(cycle, row.loader_free)
        start = load + 2 + chip.parts.columns + row.registers[SELECT_AT]
        row.load_start, row.load_latched, row.load_over = load, load + 1 + chip.parts.columns, start
        row.connected = row.column
        row.loader_free = start
    first = max(start, row.reader_free)
    frames = np.int64(1)
    if chip.latency:
        frames = count + np.int64(row.chosen != channel)
    row.frames, row.frames_first = frames, first
    row.free_before, row.chosen_before = row.reader_free, row.chosen
    row.lanes_first = channel
    end = first + frames * chip.parts.frame
    row.reader_free = end
    row.chosen = channel
    return end


@kernel
def request_samples(row, chip, cycle, channel, count):
    """CONVERT ``count`` times in a row, of one channel; gives the last cycle of all."""
    row.sample_end = request_convert(row, chip, cycle, channel, np.int64(1))
    end = row.sample_end + (count - 1) * (chip.parts.frame + 1)
    row.reader_free = end
    return end


@inline
def accepted_samples(row, chip, last):
    """Return how many conversions of `request_samples` were accepted up to cycle ``last``."""
    if last <= row.sample_end:
        return np.int64(1)
    return (last - row.sample_end - 1) // (chip.parts.frame + 1) + 2


@kernel
def halt_request(row, chip, cycle):
    """Take the request back: it is held up to and including ``cycle``, in which it is not answered."""
    start = row.load_start
    if start != at.NEVER:
        if cycle < start:
            row.loader_free = start
        elif cycle < row.load_latched:
            # A chain cannot be left half shifted.
            row.loader_free = row.load_latched + 1
        else:
            row.loader_free = min(cycle + 2, row.load_over)
    if row.frames:
        _halt_frames(row, chip, cycle)
    if row.fault_last == at.NEVER:
        row.fault_last = cycle + FAULT_DELAY
    row.load_start = at.NEVER
    row.frames = 0


@inline
def _halt_frames(row, chip, cycle):
    """Leave out the frames that were not sent up to ``cycle``, of a conversion or of the samples of a read."""
    first, frames, channel = row.frames_first, row.frames, row.lanes_first
    if cycle < first:
        row.reader_free, row.chosen = row.free_before, row.chosen_before
        return
    begun = (cycle - first) // chip.parts.frame + 1
    if begun < frames:
        # The frame that was sent last chooses a channel in the middle of the conversion.
        known = np.int64(row.chosen_before == channel)
        row.chosen = channel + begun - 1 + known
        row.reader_free = first + begun * chip.parts.frame
        return
    end = first + frames * chip.parts.frame
    if cycle > end:
        # Each further sample is one frame, sent in the first cycle of its request.
        end += (cycle - end - 1) // (chip.parts.frame + 1) * (chip.parts.frame + 1) + 1 + chip.parts.frame
    row.reader_free = end


@kernel
def rest_parts(row, chip, cycles):
    """Let the buses stand still at the end of a program."""
    send_words(row, chip, cycles)
    nothing = np.int64(0)
    row.dac_free = max(row.dac_free - cycles, nothing)
    row.settled = max(row.settled - cycles, nothing)
    row.wanted_since = max(row.wanted_since - cycles, nothing)
    row.loader_free = max(row.loader_free - cycles, nothing)
    row.reader_free = max(row.reader_free - cycles, nothing)
    row.fault_first = at.NEVER
    row.fault_last = -1
