"""What serial parts remember between programs, as far as a host can know it, and how commands bring it back.

What a command takes depends on the codes that the DACs' outputs hold, and on the input that an ADC has chosen. A model
of the parts can be told (`ProgramController.load_cells`), a netlist with parts at its pins cannot: the pulses and
conversions that led there are given again, to cells that are restored afterwards.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract import beats
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.register_settings import POLARITIES
from twinbar.hw.parts.cycles import front_end_cycles
from twinbar.hw.protocol.packing import lines_of, pack
from twinbar.hw.protocol.registers import FIELD_CODES, FIELD_STEP, FIELD_STOP
from twinbar.hw.protocol.vocabulary import Opcode, Record

NOT_CONVERTED: Final = -1
"""Instead of a channel: a tile has not converted anything."""


def come_to_rest(config: CrossbarConfig, tiles: int) -> beats.Commands:
    """Return commands that wait until parts have powered up and outputs that arming has moved have settled.

    What is under way at a bus is no part of what can be brought back; nothing is where direct front ends are.
    """
    parts, array = config.parts, config.array
    if parts is None:
        return np.zeros(0, np.uint64)
    cycles = front_end_cycles(parts, array.rows, array.columns)
    start = cycles.power_up + cycles.dac_start_up + cycles.adc_start_up
    sent = (len(parts.outputs) + 1) * cycles.word
    return pack(Opcode.WAIT, np.arange(tiles), cycles=start + sent + config.timing.settle_drive)


def pulses_to(driven: npt.NDArray[np.int64], records: dict[Record, dict[int, int]], limit: int) -> list[int]:
    """Return how many pulses in a row leave each write drive at its codes (0: none does).

    Parameters
    ----------
    driven : int64 [tiles, 4]
        Record and codes of the three lines.
    records : dict
        Fields of the bias records.
    limit : int
        Pulses of a command at most.
    """
    ramps = {record.value: _ramp(records[record], limit) for record in POLARITIES}
    found = []
    for record, *codes in driven.tolist():
        found.append(next((n for n, step in enumerate(ramps.get(record, []), 1) if step == tuple(codes)), 0))
    return found


def _ramp(fields: dict[int, int], limit: int) -> list[tuple[int, ...]]:
    """Return the codes of each pulse of a command, as ``docs/controller.md`` says."""
    start, step, stop = (lines_of(fields[field]) for field in (FIELD_CODES, FIELD_STEP, FIELD_STOP))
    codes: tuple[int, ...] = start
    ramp = []
    for _ in range(limit):
        ramp.append(codes)
        codes = tuple(min(code + by, most) for code, by, most in zip(codes, step, stop, strict=True))
    return ramp


def recall(
    driven: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64], records: dict[Record, dict[int, int]], limit: int
) -> beats.Commands:
    """Return the commands that bring the front ends of armed tiles back to what they remembered, at rest.

    Parameters
    ----------
    driven : int64 [tiles, 4]
        Record and codes of the lines that each write drive held.
    chosen : int64 [tiles]
        First channel of each tile's last conversion, or `NOT_CONVERTED`.
    records, limit
        As of `pulses_to`.
    """
    pulses = np.array(pulses_to(driven, records, limit), np.int64)
    pulsed = np.flatnonzero(pulses)
    return np.concatenate(
        [
            pack(Opcode.PULSE, pulsed, row=0, column=0, count=pulses[pulsed], record=driven[pulsed, 0]),
            chosen_again(chosen),
        ]
    )


def chosen_again(chosen: npt.NDArray[np.int64]) -> beats.Commands:
    """Return the reads that let ADCs choose channels, int64 [tiles], once more (`NOT_CONVERTED`: none)."""
    converted = np.flatnonzero(chosen != NOT_CONVERTED)
    # The channel of a column is the rest of its division by the channels: column c has channel c here.
    return pack(Opcode.READ, converted, row=0, column=chosen[converted])
