"""The registers and tables of a tile: what may be written to them, and what they hold."""

from functools import cache, lru_cache
from typing import Final, NamedTuple

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.bias_memory import initial_values
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.fields import Field
from twinbar.hw.protocol.packing import lines_of
from twinbar.hw.protocol.registers import (
    ACTIVATION,
    BY_ADDRESS,
    BY_NAME,
    COMPLIANCE,
    COUNTERS,
    FIELD_CODES,
    FIELD_HIGH,
    FIELD_LIMIT,
    FIELD_LOW,
    FIELD_STEP,
    FIELD_STOP,
    FIELD_WIDTH,
    INPUTS,
    LEVEL_WINDOW,
    LEVEL_WINDOWS,
    OFFSETS,
    PAIR_OFFSETS,
    PULSE_COUNT,
    PULSE_TABLES,
    PULSE_USE,
    REGISTERS,
    SAMPLING,
    SCALES,
    SHAPE,
    TABLES,
    TRIMS,
    WRITE_TABLE,
    Access,
    Register,
    entry_address,
    holder_of,
    record_address,
)
from twinbar.hw.protocol.vocabulary import ComplianceAction, Mode, Record, Status

INPUTS_ADDRESS: Final = INPUTS.address

Codes = tuple[int, int, int]
"""Codes of bit line, source line and word line."""


def is_counter(address: int) -> bool:
    """Whether an address is that of a counter."""
    return any(address - counters.base in counters.numbers for counters in COUNTERS)


class Bias(NamedTuple):
    """A bias record. Widths are in cycles; the rest are codes."""

    codes: Codes
    low: Codes
    high: Codes
    stop: Codes
    step: Codes
    width: int
    width_limit: int
    compliance: int
    compliance_limit: int

    def within_window(self) -> bool:
        """Whether ``LOW <= CODES <= STOP <= HIGH`` lane by lane, and the pulse is within its limits."""
        lanes = zip(self.low, self.codes, self.stop, self.high, strict=True)
        return (
            all(low <= code <= stop <= high for low, code, stop, high in lanes)
            and self.width <= self.width_limit
            and self.compliance <= self.compliance_limit
        )


class TableEntry(NamedTuple):
    """An entry of the pulse table: the codes of its pulses, and how they are used."""

    codes: Codes
    pulses: int
    turns: bool
    ends: bool


class TableSettings(NamedTuple):
    """The register WRITE_TABLE."""

    use: bool
    compare: bool
    keep: bool
    shift: int
    rise: int
    fall: int
    patience: int
    slack: int


class ActivationSettings(NamedTuple):
    """The register ACTIVATION."""

    sums: int
    relu: bool
    shift: int
    zero: int


class SamplingSettings(NamedTuple):
    """The register SAMPLING."""

    discard: int
    log2_average: int


class ComplianceSettings(NamedTuple):
    """The register COMPLIANCE."""

    blanking: int
    action: ComplianceAction


# Operations ask for settings in every phase; what a value stands for is found once.


@cache
def _field(register: str, name: str) -> Field:
    return BY_NAME[register][name]


@lru_cache
def _window(word: int) -> tuple[int, int]:
    low, high = LEVEL_WINDOW.unpack(word).values()
    return low, high


@lru_cache
def _table_settings(word: int) -> TableSettings:
    return TableSettings(**WRITE_TABLE.word.unpack(word))


@lru_cache
def _activation_settings(word: int) -> ActivationSettings:
    return ActivationSettings(**ACTIVATION.word.unpack(word))


@lru_cache
def _sampling_settings(word: int) -> SamplingSettings:
    return SamplingSettings(**SAMPLING.word.unpack(word))


@lru_cache
def _compliance_settings(word: int) -> ComplianceSettings:
    blanking, action = COMPLIANCE.word.unpack(word).values()
    return ComplianceSettings(blanking, ComplianceAction(action))


class RegisterFile:
    """The registers and tables of a tile, after power-up.

    Counters and the synchronised inputs are read where they are; here is only known that they exist.

    Parameters
    ----------
    config : ControllerConfig

    Attributes
    ----------
    trims : list of int
        Gain trims of the ADC channels.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        values = initial_values(config)
        self._values = {register.name: values[register.address] for register in REGISTERS}
        self._tables = {table.name: list(table.inits) * (table.count(config) // len(table.words)) for table in TABLES}
        self.trims = self._tables[TRIMS.name]

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def field(self, register: str, name: str) -> int:
        """Return a field of a register."""
        return int(_field(register, name).of(self._values[register]))

    def level(self, number: int) -> tuple[int, int]:
        """Return the least and the largest code of a level's window."""
        return _window(self._tables[LEVEL_WINDOWS.name][number])

    def offset(self, output: int, *, pair: bool) -> int:
        """Return the offset of a column, or of a subtracted pair."""
        return self._tables[(PAIR_OFFSETS if pair else OFFSETS).name][output]

    def set_offset(self, output: int, code: int, *, pair: bool) -> None:
        """Store the offset of a column, or of a subtracted pair."""
        self._tables[(PAIR_OFFSETS if pair else OFFSETS).name][output] = code

    def bias(self, record: Record) -> Bias:
        """Return a bias record."""
        values = {
            field: self._values[BY_ADDRESS[record_address(record, field)].name]
            for field in (FIELD_CODES, FIELD_LOW, FIELD_HIGH, FIELD_STOP, FIELD_LIMIT, FIELD_WIDTH, FIELD_STEP)
        }
        width, limit = SHAPE.unpack(values[FIELD_WIDTH]), SHAPE.unpack(values[FIELD_LIMIT])
        return Bias(
            codes=lines_of(values[FIELD_CODES]),
            low=lines_of(values[FIELD_LOW]),
            high=lines_of(values[FIELD_HIGH]),
            stop=lines_of(values[FIELD_STOP]),
            step=lines_of(values[FIELD_STEP]),
            width=width["width"],
            width_limit=limit["width"],
            compliance=width["compliance"],
            compliance_limit=limit["compliance"],
        )

    @property
    def write_table(self) -> TableSettings:
        """The register WRITE_TABLE; 0 where there is none."""
        return _table_settings(self._values[WRITE_TABLE.name])

    @property
    def activation(self) -> ActivationSettings:
        """The register ACTIVATION; 0 where there is none."""
        return _activation_settings(self._values[ACTIVATION.name])

    @property
    def sampling(self) -> SamplingSettings:
        """The register SAMPLING."""
        return _sampling_settings(self._values[SAMPLING.name])

    @property
    def compliance(self) -> ComplianceSettings:
        """The register COMPLIANCE."""
        return _compliance_settings(self._values[COMPLIANCE.name])

    def scale(self, column: int) -> tuple[int, int]:
        """Return the bias and the scale of a column's sums."""
        bias, scale = SCALES.word.unpack(self._tables[SCALES.name][column]).values()
        return bias, scale

    def entry(self, polarity: Record, number: int) -> TableEntry:
        """Return an entry of the pulse table."""
        table = PULSE_TABLES[polarity]
        place = entry_address(polarity, number) - table.base
        values = self._tables[table.name]
        count, turns, ends = PULSE_USE.unpack(values[place + PULSE_COUNT]).values()
        return TableEntry(lines_of(values[place]), count, bool(turns), bool(ends))

    def entries_within_windows(self) -> bool:
        """Whether ``LOW <= codes <= STOP`` lane by lane, for all entries of both polarities."""
        for polarity in PULSE_TABLES:
            bias = self.bias(polarity)
            for number in range(self._config.pulse_entries):
                codes = self.entry(polarity, number).codes
                if not all(low <= code <= stop for low, code, stop in zip(bias.low, codes, bias.stop, strict=True)):
                    return False
        return True

    def check_read(self, address: int) -> Status:
        """Tell whether something can be read at an address."""
        return Status.BAD_REGISTER if holder_of(address, self._config) is None else Status.OK

    def check_write(self, address: int, value: int, mode: Mode) -> Status:
        """Tell whether a value can be written to an address while the tile is in a mode."""
        holder = holder_of(address, self._config)
        if holder is None or not holder.access.writable:
            return Status.BAD_REGISTER
        if holder.access is Access.LOCKED and mode is not Mode.SAFE:
            return Status.LOCKED
        return Status.OK if holder.word_at(address).holds(value, self._config) else Status.BAD_VALUE

    def read(self, address: int) -> int:
        """Return what a register or an entry of a table holds."""
        holder = holder_of(address, self._config)
        assert holder is not None
        if isinstance(holder, Register):
            return self._values[holder.name]
        value = self._tables[holder.name][address - holder.base]
        # An offset is read with its sign behind the bits of a code.
        return value % (2 << self._config.adc_bits) if holder in (OFFSETS, PAIR_OFFSETS) else value

    def write(self, address: int, value: int) -> None:
        """Write what `check_write` has found good."""
        holder = holder_of(address, self._config)
        assert holder is not None
        if isinstance(holder, Register):
            self._values[holder.name] = value
        else:
            is_offset = holder in (OFFSETS, PAIR_OFFSETS)
            self._tables[holder.name][address - holder.base] = registers.OFFSET.of(value) if is_offset else value
