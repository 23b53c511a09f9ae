"""Registers and tables of a tile: what can be written, and what is read."""

from typing import Final

import numpy as np

from twinbar.emulator.compiled import inline, kernel
from twinbar.emulator.contract.program import Pin
from twinbar.hw.gateware.bias import initial_values
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.layouts import LINE_BITS, TRIM_BITS, WIDTH_BITS
from twinbar.hw.protocol.registers import Access
from twinbar.hw.protocol.vocabulary import Mode, Status
from twinbar.hw.timing import Phase

RULE_ACCESS: Final = 0
RULE_KIND: Final = 1
RULE_LEAST: Final = 2
RULE_MOST: Final = 3
"""Positions in the rules of a register."""
RULE_SIZE: Final = 4

ABSENT: Final = 0
READABLE: Final = 1
OPEN: Final = 2
LOCKED: Final = 3
"""Values of ``RULE_ACCESS``."""

PLAIN: Final = 0
TRIPLE: Final = 1
SHAPE: Final = 2
"""Values of ``RULE_KIND``: a number, codes of the three lines, a pulse's width with its current limit."""

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
LEVEL_TOP: Final = 2 * registers.LEVEL_BASE
TRIM_BASE: Final = registers.TRIM_BASE
OFFSET_BASE: Final = registers.OFFSET_BASE
INPUTS: Final = registers.BY_NAME["INPUTS"].address
COUNTER_MASK: Final = (1 << registers.COUNTER_BITS) - 1
OFFSET_BITS: Final = 17
"""Bits of an offset that is written; those above the sign must repeat it."""
INDEX_MASK: Final = 1023
PAIR_SHIFT: Final = 10
LINE_MASK: Final = (1 << LINE_BITS) - 1
WIDTH_MASK: Final = (1 << WIDTH_BITS) - 1


def register_rules() -> np.ndarray:
    """Give the rules of registers and counters by address (int64 [256, RULE_SIZE])."""
    rules = np.zeros((LEVEL_BASE, RULE_SIZE), np.int64)
    access = {Access.CONSTANT: READABLE, Access.LIVE: READABLE, Access.OPEN: OPEN, Access.LOCKED: LOCKED}
    for register in registers.REGISTERS:
        kind = PLAIN
        if register.address in registers.PULSE_SHAPES:
            kind = SHAPE
        elif register.bits == 3 * LINE_BITS:
            kind = TRIPLE
        rules[register.address] = access[register.access], kind, register.least, register.most
    rules[[PHASE_BASE + phase for phase in Phase], RULE_ACCESS] = READABLE
    rules[[ACTION_BASE + action for action in registers.COUNTED_ACTIONS], RULE_ACCESS] = READABLE
    return rules


def power_up(tiles: np.ndarray, config: ControllerConfig) -> None:
    """Fill the registers and tables of all tiles with what they hold after power-up."""
    values = initial_values(config)
    tiles["registers"][:, : len(values)] = values
    tiles["trims"][:, : config.adc_channels] = registers.TRIM_INIT


@inline
def _legal_register(chip, rule, value):
    kind = rule[RULE_KIND]
    if kind == SHAPE:
        return value & WIDTH_MASK != 0
    if kind == TRIPLE:
        above = (np.int64(1) << chip.dac_bits) - 1
        outside = LINE_MASK & ~above
        return value & (outside | outside << LINE_BITS | outside << (2 * LINE_BITS)) == 0
    return rule[RULE_LEAST] <= value <= rule[RULE_MOST]


@inline
def _legal_offset(chip, value):
    extension = (np.int64(1) << OFFSET_BITS) - (np.int64(1) << chip.adc_bits)
    upper = value & extension
    return value >> OFFSET_BITS == 0 and (upper == 0 or upper == extension)


@kernel
def register_status(row, chip, rules, writes, address, value):
    """Give the status of reading, or with ``writes`` writing, a register or an entry of a table."""
    code_mask = (np.int64(1) << chip.adc_bits) - 1
    access = ABSENT
    legal = False
    if address < LEVEL_BASE:
        access = rules[address, RULE_ACCESS]
        legal = _legal_register(chip, rules[address], value)
    elif address < LEVEL_TOP:
        access = OPEN
        legal = value & ~(code_mask | code_mask << 16) == 0
    elif address >= OFFSET_BASE:
        pair = (address >> PAIR_SHIFT) & 1
        if address & INDEX_MASK < chip.columns >> pair:
            access = OPEN
        legal = _legal_offset(chip, value)
    elif address >= TRIM_BASE:
        if address - TRIM_BASE < chip.channels:
            access = OPEN
        legal = value >> TRIM_BITS == 0
    if access == ABSENT or (writes and access == READABLE):
        return BAD_REGISTER
    if writes and access == LOCKED and row.mode != SAFE:
        return IS_LOCKED
    if writes and not legal:
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
    """Give the value of a register, counter or entry of a table; inputs as they are seen in ``cycle``."""
    if address >= OFFSET_BASE:
        offset = row.offsets[(address >> PAIR_SHIFT) & 1, address & INDEX_MASK]
        return offset & ((np.int64(2) << chip.adc_bits) - 1)
    if address >= TRIM_BASE:
        return row.trims[address - TRIM_BASE]
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
        return stop << 1 | fault << 2
    return row.registers[address]
