"""Checks a command before it starts, in the order that the contract gives: the declaration, as tables of integers."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.compiled import inline, kernel
from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_registers import RegisterRules, register_rules, register_status
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import commands as declared
from twinbar.hw.protocol.commands import CELL, COMMANDS, PRODUCT, REGISTER, REST, TRAIN, CommandSpec
from twinbar.hw.protocol.fields import Field
from twinbar.hw.protocol.layouts import MAX_COLUMNS, OPCODE_BITS
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.rules import Aligned, Below, Bound, NotBoth, OneOf, Rule, Setting, Span, Within
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status


def _mask(opcodes: Iterable[Opcode]) -> int:
    return sum(1 << opcode.value for opcode in opcodes)


READING: Final = _mask(declared.READING)
WRITING: Final = _mask(declared.WRITING)
CELLS: Final = _mask(declared.ON_CELLS)
ON_COLUMNS: Final = _mask(declared.CELL_READS) & ~CELLS
ACCESSING: Final = _mask(declared.ACCESSING)
"""The bits are opcodes."""

ARM: Final = Opcode.ARM.value
CALIBRATE: Final = Opcode.CALIBRATE.value
LOAD: Final = Opcode.LOAD.value
MULTIPLY: Final = Opcode.MULTIPLY.value
WAIT: Final = Opcode.WAIT.value
WRITE_REGISTER: Final = Opcode.WRITE_REGISTER.value

MODE_SAFE: Final = Mode.SAFE.value
MODE_WRITE: Final = Mode.WRITE.value

OK: Final = Status.OK.value
UNKNOWN_OPCODE: Final = Status.UNKNOWN_OPCODE.value
BAD_TILE: Final = Status.BAD_TILE.value
ABORTED: Final = Status.ABORTED.value
FAULTED: Final = Status.FAULTED.value
DISARMED: Final = Status.DISARMED.value

PULSE_LIMIT_AT: Final = at.REGISTERS + BY_NAME["PULSE_LIMIT"].address

INDEX_MASK: Final = CELL["column"].mask
COLUMN_SHIFT: Final = CELL["column"].offset
ARGUMENT_SHIFT: Final = CELL["level"].offset
"""Level, count, and the flags of CALIBRATE and MULTIPLY lie above row and column."""
BYTE_MASK: Final = CELL["level"].mask
RECORD_SHIFT: Final = TRAIN["record"].offset
RECORD_MASK: Final = TRAIN["record"].mask
OUTPUTS_SHIFT: Final = PRODUCT["outputs"].offset
OUTPUTS_MASK: Final = PRODUCT["outputs"].mask
ADDRESS_SHIFT: Final = REGISTER["address"].offset
ADDRESS_MASK: Final = REGISTER["address"].mask
VALUE_SHIFT: Final = REGISTER["value"].offset
VALUE_MASK: Final = REGISTER["value"].mask
WAIT_MASK: Final = REST["cycles"].mask

# --- a command: positions in a row ------------------------------------------------------------------------------------
KNOWN: Final = 0
EVERYWHERE: Final = 1
"""It goes to every tile."""
HALTABLE: Final = 2
FAULTABLE: Final = 3
"""A fault that is latched refuses it."""
NEEDS: Final = 4
"""Mode in which the tile must be armed at least; SAFE: in none."""
FIRST_RULE: Final = 5
LAST_RULE: Final = 6
"""Its rules: the first one, and the one behind the last."""
COMMAND_SIZE: Final = 7

# --- a rule: positions in a row ---------------------------------------------------------------------------------------
STATUS: Final = 0
KIND: Final = 1
SHIFT: Final = 2
MASK: Final = 3
"""The argument."""
OTHER_SHIFT: Final = 4
OTHER_MASK: Final = 5
"""The count of a span, and one of two flags; a mask of 0: there is none."""
FLAG_SHIFT: Final = 6
FLAG_MASK: Final = 7
"""The flag that halves the bound."""
LEAST: Final = 8
MOST: Final = 9
"""Bounds; of a member, the permitted values as bits; of alignment, the bits that must be 0."""
SETTING: Final = 10
"""Address of the register that holds the bound instead; -1: none does."""
EXCESS: Final = 11
"""How much less than the register's value is permitted."""
RULE_SIZE: Final = 12

RANGE: Final = 0
SPAN: Final = 1
ALIGNED: Final = 2
MEMBER: Final = 3
EXCLUSIVE: Final = 4
"""Values of ``KIND``."""
UNBOUNDED: Final = 1 << 62


class Rules(NamedTuple):
    """What a controller admits.

    Parameters
    ----------
    commands : int64 [opcodes, COMMAND_SIZE]
    arguments : int64 [n, RULE_SIZE]
        Rules of all commands, in the order in which they are looked at.
    registers : RegisterRules
    """

    commands: np.ndarray
    arguments: np.ndarray
    registers: RegisterRules


def admission_rules(config: ControllerConfig, commands: Mapping[Opcode, CommandSpec] = COMMANDS) -> Rules:
    """Give what a controller admits; tests give other ``commands``."""
    table = np.zeros((1 << OPCODE_BITS, COMMAND_SIZE), np.int64)
    rows: list[list[int]] = []
    for opcode, spec in commands.items():
        first = len(rows)
        for status in spec.reasons:
            rows += [_row(config, spec, rule) for rule in spec.rules if rule.status is status]
        needs = (spec.needs or Mode.SAFE).value
        flags = (1, spec.to_every_tile, spec.haltable, spec.refused_while_faulted)
        table[opcode.value] = *flags, needs, first, len(rows)
    return Rules(table, np.array(rows, np.int64).reshape(-1, RULE_SIZE), register_rules(config))


def _row(config: ControllerConfig, spec: CommandSpec, rule: Rule) -> list[int]:
    """Give a rule as a row."""
    assert spec.arguments is not None
    row = [0] * RULE_SIZE
    row[STATUS], row[SETTING], row[MOST] = rule.status.value, -1, UNBOUNDED
    fields = [spec.arguments[name] for name in rule.arguments]
    _place(row, SHIFT, fields[0])
    if isinstance(rule, Below | Span):
        row[KIND] = RANGE if isinstance(rule, Below) else SPAN
        _bound(row, config, rule.bound, int(isinstance(rule, Below)))
        if isinstance(rule, Span):
            _place(row, OTHER_SHIFT, fields[1])
        if rule.halved_by:
            _place(row, FLAG_SHIFT, fields[-1])
    elif isinstance(rule, Within):
        row[KIND], row[LEAST] = RANGE, rule.least
        if rule.most is not None:
            _bound(row, config, rule.most, 0)
    elif isinstance(rule, Aligned):
        row[KIND] = ALIGNED
        _bound(row, config, rule.unit, 1)
    elif isinstance(rule, OneOf):
        row[KIND], row[MOST] = MEMBER, sum(1 << int(member.value) for member in rule.members)
    else:
        assert isinstance(rule, NotBoth)
        row[KIND] = EXCLUSIVE
        _place(row, OTHER_SHIFT, fields[1])
    return row


def _place(row: list[int], shift: int, field: Field) -> None:
    row[shift], row[shift + 1] = field.offset, field.mask


def _bound(row: list[int], config: ControllerConfig, bound: Bound, excess: int) -> None:
    row[EXCESS] = excess
    if isinstance(bound, Setting):
        row[SETTING] = BY_NAME[bound.register].address
    else:
        row[MOST] = bound if isinstance(bound, int) else getattr(config, bound.name)


@kernel
def outputs_of(body):
    """Give the outputs of a multiplication."""
    outputs = (body >> OUTPUTS_SHIFT) & OUTPUTS_MASK
    return outputs if outputs else np.int64(MAX_COLUMNS)


@inline
def _holds(row, rule, body):
    """Whether the arguments of a command keep a rule."""
    value = (body >> rule[SHIFT]) & rule[MASK]
    kind = rule[KIND]
    if kind == MEMBER:
        return (rule[MOST] >> value) & 1 != 0
    if kind == EXCLUSIVE:
        return value & (body >> rule[OTHER_SHIFT]) & rule[OTHER_MASK] == 0
    if kind == ALIGNED:
        return value & (rule[MOST] - rule[EXCESS]) == 0
    if kind == SPAN:
        count = (body >> rule[OTHER_SHIFT]) & rule[OTHER_MASK]
        value += count if count else np.int64(MAX_COLUMNS)
    most = rule[MOST]
    if rule[SETTING] >= 0:
        most = row[at.REGISTERS + rule[SETTING]]
    most >>= (body >> rule[FLAG_SHIFT]) & rule[FLAG_MASK]
    return rule[LEAST] <= value <= most - rule[EXCESS]


@kernel
def admit(row, rules, tile, addressed, opcode, body):
    """Give the status with which a command is refused, or OK.

    Parameters
    ----------
    row : int64 [row size]
        State of the tile.
    rules : Rules
    tile, addressed : int
        Number of the tile, and that in the beat.
    opcode, body : int
        The command.
    """
    command = rules.commands[opcode]
    if not command[KNOWN]:
        return UNKNOWN_OPCODE
    if addressed != tile and not command[EVERYWHERE]:
        return BAD_TILE
    if row[at.ABORTING] and command[HALTABLE]:
        return ABORTED
    if row[at.FAULTS] and command[FAULTABLE]:
        return FAULTED
    needs, mode = command[NEEDS], row[at.MODE]
    if needs != MODE_SAFE and mode != MODE_WRITE and mode != needs:
        return DISARMED
    for number in range(command[FIRST_RULE], command[LAST_RULE]):
        if not _holds(row, rules.arguments[number], body):
            return rules.arguments[number, STATUS]
    if (np.int64(1) << opcode) & ACCESSING:
        address, value = (body >> ADDRESS_SHIFT) & ADDRESS_MASK, (body >> VALUE_SHIFT) & VALUE_MASK
        return register_status(row, rules.registers, opcode == WRITE_REGISTER, address, value)
    return np.int64(OK)
