"""Registers and tables of a tile: what can be written, and what is read."""

from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.compiled import inline, kernel
from twinbar.emulator.contract.program import Pin
from twinbar.emulator.engines.program import program_layout as at
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.bias_memory import initial_values
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.fields import Word
from twinbar.hw.protocol.layouts import ADDRESS_BITS, VALUE_BITS
from twinbar.hw.protocol.registers import Access
from twinbar.hw.protocol.vocabulary import Mode, Status

# --- what holds a value: positions in a row ---------------------------------------------------------------------------
RULE_ACCESS: Final = 0
RULE_OUTSIDE: Final = 1
"""Bits that no field has."""
RULE_FIELDS: Final = 2
"""How many fields there are; then each of them."""
RULE_FIRST: Final = 3

FIELD_SHIFT: Final = 0
FIELD_MASK: Final = 1
FIELD_SIGN: Final = 2
"""The sign's bit in the field, 0 where there is none."""
FIELD_LEAST: Final = 3
FIELD_MOST: Final = 4
"""Positions from that of a field on."""
FIELD_SIZE: Final = 5

ABSENT: Final = 0
READABLE: Final = 1
OPEN: Final = 2
LOCKED: Final = 3
"""Values of ``RULE_ACCESS``."""
_ACCESS: Final = {Access.CONSTANT: READABLE, Access.LIVE: READABLE, Access.OPEN: OPEN, Access.LOCKED: LOCKED}

OK: Final = Status.OK.value
BAD_REGISTER: Final = Status.BAD_REGISTER.value
IS_LOCKED: Final = Status.LOCKED.value
BAD_VALUE: Final = Status.BAD_VALUE.value
SAFE: Final = Mode.SAFE.value
STOP: Final = int(Pin.STOP)
FAULT: Final = int(Pin.FAULT)

PHASE_BASE: Final = registers.PHASE_COUNTER_BASE
ACTION_BASE: Final = registers.ACTION_COUNTER_BASE
LEVEL_BASE: Final = registers.LEVEL_BASE
TRIM_BASE: Final = registers.TRIM_BASE
OFFSET_BASE: Final = registers.OFFSET_BASE
INPUTS: Final = registers.INPUTS.address
STOP_SHIFT: Final = registers.INPUTS["stop"].offset
FAULT_SHIFT: Final = registers.INPUTS["front_end"].offset
COUNTER_MASK: Final = (1 << registers.COUNTER_BITS) - 1
INDEX_MASK: Final = registers.OFFSETS.capacity - 1
PAIR_SHIFT: Final = registers.PAIR_BIT


class RegisterRules(NamedTuple):
    """What may be written to registers, counters and tables.

    Parameters
    ----------
    number : int64 [addresses]
        Which rule holds at an address; 0 is that of addresses where there is nothing.
    rules : int64 [n, rule size]
    """

    number: np.ndarray
    rules: np.ndarray


def register_rules(config: ControllerConfig) -> RegisterRules:
    """Give what may be written to a controller."""
    number = np.zeros(1 << ADDRESS_BITS, np.int64)
    most = max(len(each.word.fields) for each in (*registers.REGISTERS, *registers.SPACES))
    rules = [[0] * (RULE_FIRST + most * FIELD_SIZE)]

    def add(access: Access, word: Word) -> int:
        rule = [0] * len(rules[0])
        outside = (1 << VALUE_BITS) - 1
        for place, field in enumerate(word):
            outside &= ~(field.mask << field.offset)
            sign = 1 << field.bits - 1 if field.signed else 0
            first = RULE_FIRST + place * FIELD_SIZE
            rule[first : first + FIELD_SIZE] = field.offset, field.mask, sign, *field.bounds(config)
        rule[:RULE_FIRST] = _ACCESS[access], outside, len(word.fields)
        rules.append(rule)
        return len(rules) - 1

    for register in registers.REGISTERS:
        number[register.address] = add(register.access, register.word)
    for space in registers.SPACES:
        entries = np.arange(space.count(config)) if not isinstance(space.entries, tuple) else np.array(space.entries)
        number[space.base + entries] = add(space.access, space.word)
    return RegisterRules(number, np.array(rules, np.int64))


def power_up(tiles: np.ndarray, config: ControllerConfig) -> None:
    """Fill the registers and tables of all rows with what they hold after power-up."""
    values = initial_values(config)
    tiles[:, at.REGISTERS : at.REGISTERS + len(values)] = values
    tiles[:, at.TRIMS : at.TRIMS + config.adc_channels] = registers.TRIM_INIT


@inline
def _is_legal(rule, value):
    """Whether a value has nothing outside the fields, and each within its bounds."""
    if value & rule[RULE_OUTSIDE]:
        return False
    for place in range(rule[RULE_FIELDS]):
        first = RULE_FIRST + place * FIELD_SIZE
        sign = rule[first + FIELD_SIGN]
        number = (((value >> rule[first + FIELD_SHIFT]) & rule[first + FIELD_MASK]) ^ sign) - sign
        if not rule[first + FIELD_LEAST] <= number <= rule[first + FIELD_MOST]:
            return False
    return True


@kernel
def register_status(row, rules, writes, address, value):
    """Give the status of reading, or with ``writes`` writing, a register or an entry of a table."""
    rule = rules.rules[rules.number[address]]
    access = rule[RULE_ACCESS]
    if access == ABSENT or (writes and access == READABLE):
        return BAD_REGISTER
    if writes and access == LOCKED and row[at.MODE] != SAFE:
        return IS_LOCKED
    if writes and not _is_legal(rule, value):
        return BAD_VALUE
    return OK


@inline
def _offset_position(chip, address):
    pair = (address >> PAIR_SHIFT) & 1
    return at.OFFSETS + pair * chip[at.CHIP_COLUMNS] + (address & INDEX_MASK)


@inline
def _place(chip, address):
    """Give where an address that can be written lies in a tile's row."""
    if address >= OFFSET_BASE:
        return _offset_position(chip, address)
    if address >= TRIM_BASE:
        return at.TRIMS + address - TRIM_BASE
    if address >= LEVEL_BASE:
        return at.LEVELS + address - LEVEL_BASE
    return at.REGISTERS + address


@kernel
def write_register(row, chip, address, value):
    """Store a value that `register_status` found good."""
    if address >= OFFSET_BASE:
        # Held as a signed number.
        value &= (np.int64(2) << chip[at.CHIP_ADC_BITS]) - 1
        value -= (value >> chip[at.CHIP_ADC_BITS]) << (chip[at.CHIP_ADC_BITS] + 1)
    row[_place(chip, address)] = value


@inline
def is_high(pins, pin, tile, cycle):
    """Whether an input is seen high in a cycle."""
    for pulse in range(pins.shape[0]):
        if (
            pins[pulse, at.PIN] == pin
            and (pin == STOP or pins[pulse, at.PIN_TILE] == tile)
            and pins[pulse, at.PIN_FIRST] <= cycle <= pins[pulse, at.PIN_LAST]
        ):
            return True
    return False


@kernel
def read_register(row, chip, pins, tile, address, cycle):
    """Give the value of a register, counter or entry of a table; inputs as they are seen in ``cycle``."""
    if LEVEL_BASE > address >= ACTION_BASE:
        return row[at.ACTION_COUNTS + address - ACTION_BASE] & COUNTER_MASK
    if ACTION_BASE > address >= PHASE_BASE:
        return row[at.PHASE_CYCLES + address - PHASE_BASE] & COUNTER_MASK
    if address == INPUTS:
        # The compliance input is low again long before a register can be read.
        stop = np.int64(is_high(pins, STOP, tile, cycle))
        fault = np.int64(is_high(pins, FAULT, tile, cycle))
        return stop << STOP_SHIFT | fault << FAULT_SHIFT
    value = row[_place(chip, address)]
    if address >= OFFSET_BASE:
        value &= (np.int64(2) << chip[at.CHIP_ADC_BITS]) - 1
    return value
