"""The registers of a controller that a configuration sets, but for what depends on the tile."""

from typing import Final

from twinbar.emulator.crossbar.pulse_table import PulseTable
from twinbar.emulator.crossbar.write_algorithms import WriteAlgorithm
from twinbar.emulator.crossbar.write_registers import Ramp, WriteRegisters
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.hw.errors import ConfigError
from twinbar.hw.parts.analog_scale import AnalogScale
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.packing import triple
from twinbar.hw.protocol.registers import Register, record_address
from twinbar.hw.protocol.sizes import LINE_BITS
from twinbar.hw.protocol.vocabulary import Record
from twinbar.hw.timing import Timing

POLARITIES: Final = (Record.SET, Record.RESET)
"""Records of a write, in the order of the polarities."""
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
    """Return durations and bounds by register, but for those of options."""
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


def write_settings(timing: Timing, write: WriteAlgorithm) -> dict[int, int]:
    """Return the registers and entries that say how cells are written, by address; the others do not depend on it."""
    found = {registers.PULSE_LIMIT.address: write.registers.limit}
    for record, fields in bias_records(timing, write).items():
        found |= {record_address(record, field): value for field, value in fields.items()}
    return found | _table_settings(write.table)


def table_register(table: PulseTable) -> int:
    """Return the register WRITE_TABLE of writes by a pulse table."""
    rules = table.rules
    names = ("compare", "keep", "shift", "rise", "fall", "patience", "slack")
    return int(registers.WRITE_TABLE.word.pack(use=1, **{name: getattr(rules, name) for name in names}))


def _table_settings(table: PulseTable | None) -> dict[int, int]:
    """Return the registers of a pulse table by address; none where there is no table."""
    if table is None:
        return {}
    found = {registers.WRITE_TABLE.address: table_register(table)}
    entries = table.entries
    for polarity, record in enumerate(POLARITIES):
        for number in range(len(table)):
            codes = _lines(polarity, *(int(line[polarity, number]) for line in (entries.amplitude, entries.gate)))
            found[registers.entry_address(record, number)] = triple(*codes)
            found[registers.entry_address(record, number, registers.PULSE_COUNT)] = int(
                registers.PULSE_USE.pack(
                    count=int(entries.pulses[polarity, number]),
                    turns=int(entries.turns[polarity, number]),
                    ends=int(entries.ends[polarity, number]),
                )
            )
    return found


def _lines(polarity: int, amplitude: int, gate: int) -> tuple[int, int, int]:
    """Return the codes of bit line, source line and word line of a pulse."""
    return (0, amplitude, gate) if polarity == RESET else (amplitude, 0, gate)


def bias_records(timing: Timing, write: WriteAlgorithm) -> dict[Record, dict[int, int]]:
    """Return the fields of the bias records that pulses use, by the numbers of their registers.

    A SET drives its amplitude on the bit line, a RESET on the source line, and both their gate on the word line. What a
    ramp or a pulse table may reach is what the windows allow. Reads and multiplications drive nothing.
    """

    def fields(polarity: int, amplitude: Ramp, gate: Ramp, width: int) -> dict[int, int]:
        start, step = (_lines(polarity, getattr(amplitude, end), getattr(gate, end)) for end in ("start", "step"))
        low: tuple[int, ...] = start
        stop: tuple[int, ...] = _lines(polarity, amplitude.stop, gate.stop)
        if write.table is not None:
            lines = write.table.entries.amplitude[polarity], write.table.entries.gate[polarity]
            low = tuple(map(min, low, _lines(polarity, *(int(line.min()) for line in lines))))
            stop = tuple(map(max, stop, _lines(polarity, *(int(line.max()) for line in lines))))
        limits = registers.SHAPE.pack(width=width, compliance=registers.NO_LIMIT)
        return {
            registers.FIELD_CODES: triple(*start),
            registers.FIELD_LOW: triple(*low),
            registers.FIELD_HIGH: triple(*stop),
            registers.FIELD_STOP: triple(*stop),
            registers.FIELD_WIDTH: limits,
            registers.FIELD_LIMIT: limits,
            registers.FIELD_STEP: triple(*step),
        }

    ramps = write.registers
    return {
        Record.SET: fields(SET, ramps.set_amplitude, ramps.set_gate, timing.width_set),
        Record.RESET: fields(RESET, ramps.reset_amplitude, ramps.reset_gate, timing.width_reset),
    }


def read_settings(scale: AnalogScale) -> dict[int, int]:
    """Return what reads and multiplications drive, by the numbers of registers; their windows hold that alone."""
    codes = triple(*scale.read_codes(LINE_BITS))
    fields = (registers.FIELD_CODES, registers.FIELD_LOW, registers.FIELD_HIGH, registers.FIELD_STOP)
    return {record_address(record, field): codes for record in (Record.READ, Record.MULTIPLY) for field in fields}
