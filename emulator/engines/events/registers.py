"""The registers and tables of a tile: what may be written to them, and what they hold."""

from typing import Final, NamedTuple

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.bias_memory import initial_values
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import LINE_BITS, TRIM_BITS, WIDTH_BITS
from twinbar.hw.protocol.packing import lines_of
from twinbar.hw.protocol.registers import (
    ACTION_COUNTER_BASE,
    BY_NAME,
    COUNTED_ACTIONS,
    FIELD_CODES,
    FIELD_HIGH,
    FIELD_LIMIT,
    FIELD_LOW,
    FIELD_STEP,
    FIELD_STOP,
    FIELD_WIDTH,
    LEVEL_BASE,
    OFFSET_BASE,
    PAIR_OFFSET_BASE,
    PHASE_COUNTER_BASE,
    PULSE_SHAPES,
    REGISTERS,
    TRIM_BASE,
    TRIM_INIT,
    Access,
    Register,
    record_address,
)
from twinbar.hw.protocol.vocabulary import Mode, Record, Status
from twinbar.hw.timing import Phase

LEVELS: Final = 256
INPUTS_ADDRESS: Final = BY_NAME["INPUTS"].address

_BY_ADDRESS: Final = {register.address: register for register in REGISTERS}
_COUNTERS: Final = frozenset(PHASE_COUNTER_BASE + phase for phase in Phase) | frozenset(
    ACTION_COUNTER_BASE + action for action in COUNTED_ACTIONS
)
_WIDTH_MASK: Final = (1 << WIDTH_BITS) - 1
_TRIPLE_BITS: Final = 3 * LINE_BITS

Codes = tuple[int, int, int]
"""Codes of bit line, source line and word line."""


def is_counter(address: int) -> bool:
    """Whether there is a counter at an address."""
    return address in _COUNTERS


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
        self._levels = [0] * LEVELS
        self._offsets = [0] * config.columns
        self._pair_offsets = [0] * (config.columns // 2)
        self.trims = [TRIM_INIT] * config.adc_channels

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def level(self, number: int) -> tuple[int, int]:
        """Give the least and the largest code of a level's window."""
        window = self._levels[number]
        return window & 0xFFFF, window >> 16

    def offset(self, output: int, *, pair: bool) -> int:
        """Give the offset of a column, or of a subtracted pair."""
        return self._pair_offsets[output] if pair else self._offsets[output]

    def set_offset(self, output: int, code: int, *, pair: bool) -> None:
        """Store the offset of a column, or of a subtracted pair."""
        (self._pair_offsets if pair else self._offsets)[output] = code

    def bias(self, record: Record) -> Bias:
        """Give a bias record."""
        values = {field: self._values[_BY_ADDRESS[record_address(record, field)].name] for field in range(7)}
        return Bias(
            codes=lines_of(values[FIELD_CODES]),
            low=lines_of(values[FIELD_LOW]),
            high=lines_of(values[FIELD_HIGH]),
            stop=lines_of(values[FIELD_STOP]),
            step=lines_of(values[FIELD_STEP]),
            width=values[FIELD_WIDTH] & _WIDTH_MASK,
            width_limit=values[FIELD_LIMIT] & _WIDTH_MASK,
            compliance=values[FIELD_WIDTH] >> WIDTH_BITS,
            compliance_limit=values[FIELD_LIMIT] >> WIDTH_BITS,
        )

    def check_read(self, address: int) -> Status:
        """Tell whether something can be read at an address."""
        exists = address in _BY_ADDRESS or address in _COUNTERS or self._table(address) is not None
        return Status.OK if exists else Status.BAD_REGISTER

    def check_write(self, address: int, value: int, mode: Mode) -> Status:
        """Tell whether a value can be written to an address while the tile is in a mode."""
        register = _BY_ADDRESS.get(address)
        if register is None:
            if self._table(address) is None:
                return Status.BAD_REGISTER
            return Status.OK if self._fits_table(address, value) else Status.BAD_VALUE
        if register.access not in (Access.OPEN, Access.LOCKED):
            return Status.BAD_REGISTER
        if register.access is Access.LOCKED and mode is not Mode.SAFE:
            return Status.LOCKED
        return Status.OK if self._fits(register, value) else Status.BAD_VALUE

    def read(self, address: int) -> int:
        """Give what a register or an entry of a table holds."""
        if address in _BY_ADDRESS:
            return self._values[_BY_ADDRESS[address].name]
        table, index = self._entry(address)
        if address >= OFFSET_BASE:
            return table[index] & ((1 << self._config.adc_bits + 1) - 1)
        return table[index]

    def write(self, address: int, value: int) -> None:
        """Write what `check_write` has found good."""
        if address in _BY_ADDRESS:
            self._values[_BY_ADDRESS[address].name] = value
            return
        table, index = self._entry(address)
        if address >= OFFSET_BASE:
            value &= (1 << self._config.adc_bits + 1) - 1
            value -= value >> self._config.adc_bits << self._config.adc_bits + 1
        table[index] = value

    def _entry(self, address: int) -> tuple[list[int], int]:
        entry = self._table(address)
        assert entry is not None
        return entry

    def _table(self, address: int) -> tuple[list[int], int] | None:
        """Give the table behind an address and the index there; None if there is no such entry."""
        for base, table in (
            (PAIR_OFFSET_BASE, self._pair_offsets),
            (OFFSET_BASE, self._offsets),
            (TRIM_BASE, self.trims),
            (LEVEL_BASE, self._levels),
        ):
            if address >= base:
                return (table, address - base) if address - base < len(table) else None
        return None

    def _fits(self, register: Register, value: int) -> bool:
        if register.address in PULSE_SHAPES:
            return value & _WIDTH_MASK != 0
        if register.bits == _TRIPLE_BITS:
            return all(code < 1 << self._config.dac_bits for code in lines_of(value))
        if register is registers.SAMPLING and value >> 4 > 4:
            return False
        return register.least <= value <= register.most

    def _fits_table(self, address: int, value: int) -> bool:
        if address >= OFFSET_BASE:
            # Two's complement of 17 bits, sign-extended from a code.
            extension = value >> self._config.adc_bits
            return extension in (0, (1 << 17 - self._config.adc_bits) - 1)
        if address >= TRIM_BASE:
            return value < 1 << TRIM_BITS
        low, high = value & 0xFFFF, value >> 16
        return low < 1 << self._config.adc_bits and high < 1 << self._config.adc_bits
