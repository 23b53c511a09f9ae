"""The registers of a controller that a configuration sets, but for what depends on the tile."""

from typing import Final

from twinbar.emulator.crossbar.write_registers import Ramp, WriteRegisters
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.registers import Register
from twinbar.hw.protocol.vocabulary import Record
from twinbar.hw.timing import Timing

MAX_DISCARD: Final = registers.SAMPLING["discard"].most
MAX_AVERAGE: Final = 1 << registers.SAMPLING["log2_average"].most
"""Samples of a read that can be thrown away, and averaged."""


def sampling(timing: Timing, write: WriteRegisters) -> int:
    """Return the register SAMPLING.

    Raises
    ------
    ConfigError
        If the samples that are kept are not 1, 2, 4, 8 or 16, or too many are thrown away.
    """
    kept = timing.samples - write.discard
    if kept < 1 or kept & (kept - 1) or kept > MAX_AVERAGE:
        raise ConfigError(
            f"{kept} of the {timing.samples} samples of a read would be averaged; the controller averages by shifting, "
            f"so keep 1, 2, 4, 8 or {MAX_AVERAGE}"
        )
    if write.discard > MAX_DISCARD:
        raise ConfigError(f"{write.discard} samples of a read would be thrown away; at most {MAX_DISCARD} can be")
    return int(registers.SAMPLING.word.pack(discard=write.discard, log2_average=kept.bit_length() - 1))


def settings(timing: Timing, write: WriteRegisters) -> dict[Register, int]:
    """Return durations and bounds by register."""
    return {
        registers.SELECT: timing.select,
        registers.SETTLE_READ: timing.settle_read,
        registers.SETTLE_DRIVE: timing.settle_drive,
        registers.SETTLE_MULTIPLY: timing.settle_multiply,
        registers.CONVERT: timing.convert,
        registers.RECOVER: timing.recover,
        registers.SAMPLING: sampling(timing, write),
        registers.PULSE_LIMIT: write.limit,
    }


def check_settings(timing: Timing, write: WriteRegisters) -> None:
    """Refuse what the registers of a controller cannot hold.

    Raises
    ------
    ConfigError
        One sentence on the first value out of range.
    """
    for register, value in settings(timing, write).items():
        if not register.least <= value <= register.most:
            raise ConfigError(
                f"{register.name.lower()} is {value}; a controller takes {register.least} to {register.most}"
            )


def bias_records(timing: Timing, write: WriteRegisters) -> dict[Record, dict[int, int]]:
    """Return the fields of the bias records that pulses use, by the numbers of their registers.

    A SET drives its amplitude on the bit line, a RESET on the source line, and both their gate on the word line. What a
    ramp may reach is what the windows allow. Reads and multiplications drive nothing.
    """

    def fields(bit_line: Ramp, source_line: Ramp, word_line: Ramp, width: int) -> dict[int, int]:
        lines = (bit_line, source_line, word_line)
        start = triple(*(line.start for line in lines))
        stop = triple(*(line.stop for line in lines))
        limits = registers.SHAPE.pack(width=width, compliance=registers.NO_LIMIT)
        return {
            registers.FIELD_CODES: start,
            registers.FIELD_LOW: start,
            registers.FIELD_HIGH: stop,
            registers.FIELD_STOP: stop,
            registers.FIELD_WIDTH: limits,
            registers.FIELD_LIMIT: limits,
            registers.FIELD_STEP: triple(*(line.step for line in lines)),
        }

    off = Ramp(0, 0, 0)
    return {
        Record.SET: fields(write.set_amplitude, off, write.set_gate, timing.width_set),
        Record.RESET: fields(off, write.reset_amplitude, write.reset_gate, timing.width_reset),
    }
