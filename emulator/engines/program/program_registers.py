"""Registers and tables of a tile: what can be written, and what is read."""

from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.contract.program import Pin
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.bias_memory import initial_values
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.fields import Word
from twinbar.hw.protocol.layouts import ADDRESS_BITS, VALUE_BITS
from twinbar.hw.protocol.registers import Access
from twinbar.hw.protocol.vocabulary import Mode, Status

_WORDS: Final = (
    *(each.word for each in registers.REGISTERS),
    *(word for each in registers.SPACES for word in each.words),
)
_MOST_FIELDS: Final = max(len(word.fields) for word in _WORDS)
REGISTER_RULE: Final = np.dtype(
    [
        ("access", np.int64),
        # Bits that no field has.
        ("outside", np.int64),
        # Bits of which at most one is set.
        ("exclusive", np.int64),
        # How many fields there are; then, of each, its place, the sign's bit in it (0 where there is none), and bounds.
        ("fields", np.int64),
        ("shift", np.int64, (_MOST_FIELDS,)),
        ("mask", np.int64, (_MOST_FIELDS,)),
        ("sign", np.int64, (_MOST_FIELDS,)),
        ("least", np.int64, (_MOST_FIELDS,)),
        ("most", np.int64, (_MOST_FIELDS,)),
    ]
)
"""What may be written to a register, or to an entry of a table."""

ABSENT: Final = 0
READABLE: Final = 1
OPEN: Final = 2
LOCKED: Final = 3
"""Values of ``access``."""
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
ENTRY_BASE: Final = registers.SET_PULSES.base
SCALE_BASE: Final = registers.SCALES.base
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
    rules : `REGISTER_RULE` [n]
    """

    number: np.ndarray
    rules: np.ndarray


def register_rules(config: ControllerConfig) -> RegisterRules:
    """Return what may be written to a controller."""
    number = np.zeros(1 << ADDRESS_BITS, np.int64)
    rules = [np.zeros((), REGISTER_RULE)[()]]

    def add(access: Access, word: Word) -> int:
        rule = np.zeros((), REGISTER_RULE)[()]
        rule["access"], rule["fields"], rule["outside"] = _ACCESS[access], len(word.fields), (1 << VALUE_BITS) - 1
        rule["exclusive"] = word.exclusive_bits
        for place, field in enumerate(word):
            rule["outside"] &= ~(field.mask << field.offset)
            rule["shift"][place], rule["mask"][place] = field.offset, field.mask
            rule["sign"][place] = 1 << field.bits - 1 if field.signed else 0
            rule["least"][place], rule["most"][place] = field.bounds(config)
        rules.append(rule)
        return len(rules) - 1

    for register in registers.REGISTERS:
        if register.exists(config):
            number[register.address] = add(register.access, register.word)
    for space in registers.SPACES:
        known = space.entries_of(config)
        entries = np.array(known) if known else np.arange(space.count(config))
        for place, word in enumerate(space.words):
            number[space.base + entries[place :: len(space.words)]] = add(space.access, word)
    return RegisterRules(number, np.array(rules, REGISTER_RULE))


def power_up(tiles: np.ndarray, config: ControllerConfig) -> None:
    """Fill the registers and tables of all tiles with what they hold after power-up."""
    values = initial_values(config)
    tiles["registers"][:, : len(values)] = values
    tiles["trims"][:, : config.adc_channels] = registers.TRIM_INIT
    for table in registers.PULSE_TABLES.values():
        for place, init in enumerate(table.inits):
            tiles["table"][:, table.base - ENTRY_BASE + place : table.end - ENTRY_BASE : len(table.words)] = init


@inline
def _is_legal(rule, value):
    """Whether a value has nothing outside the fields, and each within its bounds."""
    flags = value & rule.exclusive
    if value & rule.outside or flags & (flags - 1):
        return False
    for place in range(rule.fields):
        sign = rule.sign[place]
        number = (((value >> rule.shift[place]) & rule.mask[place]) ^ sign) - sign
        if not rule.least[place] <= number <= rule.most[place]:
            return False
    return True


@kernel
def register_status(row, rules, writes, address, value):
    """Return the status of reading, or with ``writes`` writing, a register or an entry of a table."""
    rule = rules.rules[rules.number[address]]
    access = rule.access
    if access == ABSENT or (writes and access == READABLE):
        return BAD_REGISTER
    if writes and access == LOCKED and row.mode != SAFE:
        return IS_LOCKED
    if writes and not _is_legal(rule, value):
        return BAD_VALUE
    return OK


@kernel
def write_register(row, chip, address, value):
    """Store a value that `register_status` found good."""
    if address >= OFFSET_BASE:
        # Held as a signed number.
        value &= (np.int64(2) << chip.adc_bits) - 1
        value -= (value >> chip.adc_bits) << (chip.adc_bits + 1)
        row.offsets[(address >> PAIR_SHIFT) & 1, address & INDEX_MASK] = value
    elif address >= TRIM_BASE:
        row.trims[address - TRIM_BASE] = value
    elif address >= SCALE_BASE:
        row.scales[address - SCALE_BASE] = value
    elif address >= ENTRY_BASE:
        row.table[address - ENTRY_BASE] = value
    elif address >= LEVEL_BASE:
        row.levels[address - LEVEL_BASE] = value
    else:
        row.registers[address] = value


@inline
def is_high(pins, pin, tile, cycle):
    """Whether an input is seen high in a cycle."""
    for pulse in range(pins.shape[0]):
        if (
            pins[pulse].pin == pin
            and (pin == STOP or pins[pulse].tile == tile)
            and pins[pulse].first <= cycle <= pins[pulse].last
        ):
            return True
    return False


@kernel
def read_register(row, chip, pins, tile, address, cycle):
    """Return the value of a register, counter or entry of a table; inputs as they are seen in ``cycle``."""
    if address >= OFFSET_BASE:
        offset = row.offsets[(address >> PAIR_SHIFT) & 1, address & INDEX_MASK]
        return offset & ((np.int64(2) << chip.adc_bits) - 1)
    if address >= TRIM_BASE:
        return row.trims[address - TRIM_BASE]
    if address >= SCALE_BASE:
        return row.scales[address - SCALE_BASE]
    if address >= ENTRY_BASE:
        return row.table[address - ENTRY_BASE]
    if address >= LEVEL_BASE:
        return row.levels[address - LEVEL_BASE]
    if address >= ACTION_BASE:
        return row.actions[address - ACTION_BASE] & COUNTER_MASK
    if address >= PHASE_BASE:
        return row.phases[address - PHASE_BASE] & COUNTER_MASK
    if address == INPUTS:
        # The compliance input is low again long before a register can be read.
        stop = np.int64(is_high(pins, STOP, tile, cycle))
        fault = np.int64(is_high(pins, FAULT, tile, cycle))
        return stop << STOP_SHIFT | fault << FAULT_SHIFT
    return row.registers[address]
