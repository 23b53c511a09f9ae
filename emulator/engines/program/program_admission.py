"""Checks a command before it starts, in the order that the contract gives: the declaration, as tables of integers."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.engines.program.program_registers import RegisterRules, register_rules, register_status
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import commands as declared
from twinbar.hw.protocol.commands import CELL, COMMANDS, PRODUCT, REGISTER, REST, TRAIN, CommandSpec
from twinbar.hw.protocol.layouts import MAX_COLUMNS, OPCODE_BITS
from twinbar.hw.protocol.registers import BY_NAME
from twinbar.hw.protocol.rules import Aligned, Below, Bound, Needs, NotBoth, OneOf, Rule, Setting, Span, Within
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
TRANSFER: Final = Opcode.TRANSFER.value
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
INCOMPLETE: Final = Status.INCOMPLETE.value

PULSE_LIMIT_AT: Final = BY_NAME["PULSE_LIMIT"].address

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

COMMAND: Final = np.dtype(
    [
        ("known", np.int64),
        ("to_every_tile", np.int64),
        ("haltable", np.int64),
        ("refused_while_faulted", np.int64),
        # Mode in which the tile must be armed at least; SAFE: in none.
        ("needs", np.int64),
        # Its rules: the first one, and the one behind the last.
        ("first_rule", np.int64),
        ("last_rule", np.int64),
    ]
)
"""What admits a command."""

RULE: Final = np.dtype(
    [
        ("status", np.int64),
        ("kind", np.int64),
        # The argument.
        ("shift", np.int64),
        ("mask", np.int64),
        # The count of a span, or the second of two flags; a mask of 0: there is none.
        ("other_shift", np.int64),
        ("other_mask", np.int64),
        # The flag that halves the bound.
        ("flag_shift", np.int64),
        ("flag_mask", np.int64),
        # Bounds; of a member, the permitted values as bits; of alignment, the bits that must be 0.
        ("least", np.int64),
        ("most", np.int64),
        # Address of the register that holds the bound instead, or the flag that lifts it, and the place in the
        # register; -1: none does.
        ("setting", np.int64),
        ("setting_shift", np.int64),
        ("setting_mask", np.int64),
        # How much less than the bound is permitted.
        ("excess", np.int64),
    ]
)
"""A rule on the arguments of a command."""

RANGE: Final = 0
SPAN: Final = 1
ALIGNED: Final = 2
MEMBER: Final = 3
EXCLUSIVE: Final = 4
PERMITTED: Final = 5
"""Values of ``kind``."""
UNBOUNDED: Final = 1 << 62


class Rules(NamedTuple):
    """What a controller admits.

    Parameters
    ----------
    commands : `COMMAND` [opcodes]
    arguments : `RULE` [n]
        Rules of all commands, in the order in which they are looked at.
    registers : RegisterRules
    """

    commands: np.ndarray
    arguments: np.ndarray
    registers: RegisterRules


def admission_rules(config: ControllerConfig, commands: Mapping[Opcode, CommandSpec] = COMMANDS) -> Rules:
    """Return what a controller admits; tests give other ``commands``."""
    table = np.zeros(1 << OPCODE_BITS, COMMAND)
    rules: list[np.void] = []
    for opcode, spec in commands.items():
        first = len(rules)
        for status in spec.reasons:
            rules += [_rule(config, spec, rule) for rule in spec.rules if rule.status is status]
        needs = (spec.needs or Mode.SAFE).value
        flags = (spec.exists(config), spec.to_every_tile, spec.haltable, spec.refused_while_faulted)
        table[opcode.value] = (*flags, needs, first, len(rules))
    return Rules(table, np.array(rules, RULE), register_rules(config))


def _rule(config: ControllerConfig, spec: CommandSpec, rule: Rule) -> np.void:
    """Return a rule as a record."""
    assert spec.arguments is not None
    record = np.zeros((), RULE)[()]
    record["status"], record["setting"], record["most"] = rule.status.value, -1, UNBOUNDED
    fields = [spec.arguments[name] for name in rule.arguments]
    record["shift"], record["mask"] = fields[0].offset, fields[0].mask
    if isinstance(rule, Below | Span):
        record["kind"] = RANGE if isinstance(rule, Below) else SPAN
        _bound(record, config, rule.bound, int(isinstance(rule, Below)))
        if isinstance(rule, Span):
            record["other_shift"], record["other_mask"] = fields[1].offset, fields[1].mask
        if rule.halved_by:
            record["flag_shift"], record["flag_mask"] = fields[-1].offset, fields[-1].mask
    elif isinstance(rule, Within):
        record["kind"], record["least"] = RANGE, rule.least
        if rule.most is not None:
            _bound(record, config, rule.most, 0)
    elif isinstance(rule, Aligned):
        record["kind"] = ALIGNED
        _bound(record, config, rule.unit, 1)
    elif isinstance(rule, Needs):
        record["kind"] = RANGE
        if isinstance(rule.option, Setting):
            record["kind"], record["most"] = PERMITTED, rule.most
            _setting(record, rule.option)
        elif not getattr(config, rule.option.name):
            record["most"] = rule.most
    elif isinstance(rule, OneOf):
        record["kind"], record["most"] = MEMBER, sum(1 << int(member.value) for member in rule.members)
    else:
        assert isinstance(rule, NotBoth)
        record["kind"] = EXCLUSIVE
        record["other_shift"], record["other_mask"] = fields[1].offset, fields[1].mask
    return record


def _bound(record: np.void, config: ControllerConfig, bound: Bound, excess: int) -> None:
    record["excess"] = excess
    if isinstance(bound, Setting):
        _setting(record, bound)
    else:
        record["most"] = bound if isinstance(bound, int) else getattr(config, bound.name)


def _setting(record: np.void, setting: Setting) -> None:
    register = BY_NAME[setting.register]
    field = register[setting.field]
    record["setting"], record["setting_shift"], record["setting_mask"] = register.address, field.offset, field.mask


@kernel
def outputs_of(body):
    """Return the outputs of a multiplication."""
    outputs = (body >> OUTPUTS_SHIFT) & OUTPUTS_MASK
    return outputs if outputs else np.int64(MAX_COLUMNS)


@inline
def _holds(row, rule, body):
    """Whether the arguments of a command keep a rule."""
    value = (body >> rule.shift) & rule.mask
    kind = rule.kind
    if kind == MEMBER:
        return (rule.most >> value) & 1 != 0
    if kind == EXCLUSIVE:
        return value & (body >> rule.other_shift) & rule.other_mask == 0
    if kind == ALIGNED:
        return value & (rule.most - rule.excess) == 0
    if kind == SPAN:
        count = (body >> rule.other_shift) & rule.other_mask
        value += count if count else np.int64(MAX_COLUMNS)
    most = rule.most
    if rule.setting >= 0:
        setting = (row.registers[rule.setting] >> rule.setting_shift) & rule.setting_mask
        if kind == PERMITTED:
            return setting != 0 or value <= most
        most = setting
    most >>= (body >> rule.flag_shift) & rule.flag_mask
    return rule.least <= value <= most - rule.excess


@kernel
def admit(row, rules, goes_astray, sends, opcode, body):
    """Return the status with which a command is refused, or OK.

    Parameters
    ----------
    row : record `program_layout.TILE`
        State of the tile.
    rules : Rules
    goes_astray : bool
        The beat is for a tile, group or cascade that does not exist.
    sends : bool
        Of a transfer: the tile sends.
    opcode, body : int
        The command.
    """
    command = rules.commands[opcode]
    if not command.known:
        return UNKNOWN_OPCODE
    if goes_astray and not command.to_every_tile:
        return BAD_TILE
    if row.aborting and command.haltable:
        return ABORTED
    if row.faults and command.refused_while_faulted:
        return FAULTED
    needs, mode = command.needs, row.mode
    if needs != MODE_SAFE and mode != MODE_WRITE and mode != needs:
        return DISARMED
    for number in range(command.first_rule, command.last_rule):
        if not _holds(row, rules.arguments[number], body):
            return rules.arguments[number].status
    if (opcode == MULTIPLY and row.unfilled) or (opcode == TRANSFER and sends and not row.complete):
        return INCOMPLETE
    if (np.int64(1) << opcode) & ACCESSING:
        address, value = (body >> ADDRESS_SHIFT) & ADDRESS_MASK, (body >> VALUE_SHIFT) & VALUE_MASK
        return register_status(row, rules.registers, opcode == WRITE_REGISTER, address, value)
    return np.int64(OK)
