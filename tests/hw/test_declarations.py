"""A declaration that contradicts itself fails when it is imported, in a sentence that names it."""

import re
from collections.abc import Callable
from dataclasses import replace
from enum import Enum

import pytest

from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol import commands, registers
from twinbar.hw.protocol.commands import CELL, CELL_RESULT, COMMANDS, Answered, CommandSpec, Opcode, declare
from twinbar.hw.protocol.fields import DeclarationError, Field, Word
from twinbar.hw.protocol.registers import Access, Register, Space
from twinbar.hw.protocol.rules import CASCADE, ROWS, Below, Needs, NotBoth, OneOf, Setting, Within
from twinbar.hw.protocol.vocabulary import Mode, Record, Status


class Twins(Enum):
    """Two commands with one opcode."""

    READ = 9
    FETCH = 9  # noqa: PIE796


class Large(Enum):
    """An opcode that a beat has no room for."""

    ERASE = 32


def _declared(**changes: object) -> Callable[[], object]:
    """Declare all commands, with READ changed."""
    changed = replace(COMMANDS[Opcode.READ], **changes)  # type: ignore[arg-type]
    return lambda: declare(changed if spec.opcode is Opcode.READ else spec for spec in COMMANDS.values())


def _ruled(*rules: object) -> Callable[[], object]:
    return _declared(rules=rules)


def _checked(*more: Register, spaces: tuple[Space, ...] = ()) -> Callable[[], object]:
    return lambda: registers.check((*registers.REGISTERS, *more), (*registers.SPACES, *spaces), {})


def _number(name: str, address: int) -> Register:
    return Register(name, address, Access.OPEN, Word(name, 8, (Field("value", 0, 8),)))


def _space(base: int, capacity: int = 16, entries: tuple[int, ...] = (0,)) -> Space:
    return Space("marks", "mark", base, capacity, entries, Access.OPEN, Word("mark", 8, (Field("value", 0, 8),)))


SENTENCES: dict[str, tuple[Callable[[], object], str]] = {
    "overlap": (
        lambda: Word("cell", 48, (Field("row", 0, 10), Field("column", 9, 10))),
        "cell.row and cell.column overlap",
    ),
    "outside": (lambda: Word("cell", 16, (Field("row", 8, 10),)), "cell.row ends at bit 17 of 16 bits"),
    "one name": (lambda: Word("cell", 48, (Field("row", 0, 10), Field("row", 10, 10))), "cell has two fields row"),
    "exclusive": (
        lambda: Word("use", 10, (Field("count", 0, 8),), exclusive=("count",)),
        "use.count is said to exclude others, and is no flag",
    ),
    "bounds": (
        lambda: Field("average", 0, 3, most=8),
        "field average is said to hold 0 to 8; its 3 bits hold 0 to 7",
    ),
    "no range": (lambda: Field("width", 0, 3, least=5, most=4), "field width is said to hold 5 to 4"),
    "no bits": (lambda: Field("width", 0, 0), "field width has 0 bits"),
    "one opcode": (lambda: declare((), Twins), "READ and FETCH have the same opcode 9"),
    "opcode": (lambda: declare((), Large), "ERASE has the opcode 32; one of 1 to 31 fits"),
    "twice": (lambda: declare([*COMMANDS.values(), COMMANDS[Opcode.READ]]), "READ is declared twice"),
    "forgotten": (
        lambda: declare(spec for spec in COMMANDS.values() if spec.opcode is not Opcode.LOAD),
        "the opcode LOAD has no declaration",
    ),
    "argument": (
        _ruled(Below("word", ROWS)),
        "a rule of READ names the argument 'word'; READ takes row, column, level",
    ),
    "no arguments": (
        lambda: declare(
            replace(spec, rules=(Below("row", ROWS),)) if spec.opcode is Opcode.CLEAR else spec
            for spec in COMMANDS.values()
        ),
        "a rule of CLEAR names the argument 'row'; CLEAR takes none",
    ),
    "status": (
        _ruled(Below("row", ROWS, Status.FAULTED)),
        "a rule of READ refuses with FAULTED; rules refuse with BAD_ADDRESS, BAD_LEVEL, BAD_VALUE",
    ),
    "bound": (_ruled(Below("level", 257)), "a rule of READ bounds level by 256; its 8 bits hold 0 to 255"),
    "option": (_ruled(Needs("level", CASCADE, 256)), "a rule of READ bounds level by 256; its 8 bits hold 0 to 255"),
    "range of a rule": (_ruled(Within("row", 5, 4)), "a rule of READ wants row from 5 to 4"),
    "member": (_ruled(OneOf("level", (Record.SET,))), "a rule of READ says that level may be Record.SET"),
    "flag": (_ruled(NotBoth("row", "column")), "READ.row is a flag of a rule, and has 10 bits"),
    "mode": (_declared(needs=Mode.SAFE), "READ needs the mode SAFE"),
    "never ends": (_declared(haltable=False), "READ touches the array, and no halt would end it"),
    "never refused": (_declared(refused_while_faulted=False), "READ touches the array, and no halt would end it"),
    "halts itself": (_declared(halts=True), "READ halts, and a halt would end it before it is answered"),
    "outputs": (
        _declared(answered=Answered.PER_OUTPUT),
        "READ is answered once per output, and has no argument 'outputs'",
    ),
    "one address": (_checked(_number("MARK", 0x16)), "MARK and SAMPLING have the same address 0x16"),
    "one register": (_checked(_number("SAMPLING", 0x2F)), "two registers have the name SAMPLING"),
    "register's address": (lambda: _number("MARK", 0x80), "MARK has the address 0x80; registers lie below 0x80"),
    "first value": (
        lambda: replace(registers.SAMPLING, init=0x50),
        "SAMPLING.log2_average begins with 5; it holds 0 to 4",
    ),
    "first value's bits": (lambda: replace(registers.SAMPLING, init=128), "SAMPLING begins with 128, which its 7 bits"),
    "value": (
        lambda: Register("MARK", 0x2F, Access.OPEN, Word("MARK", 37, (Field("value", 0, 37),))),
        "MARK has 37 bits; a value has 36",
    ),
    "spaces": (_checked(spaces=(_space(0x180),)), "the spaces window of a level and marks overlap at address 0x180"),
    "space of registers": (_checked(spaces=(_space(0x70),)), "the space marks lies at 0x70, where registers are"),
    "space's size": (lambda: _space(0x200, 12), "the space marks has 12 addresses from 0x200 on"),
    "space's place": (lambda: _space(0x208), "the space marks has 16 addresses from 0x208 on"),
    "entries": (lambda: _space(0x200, 16, (16,)), "the space marks has entries beyond its 16 addresses"),
    "setting": (
        lambda: registers.check(registers.REGISTERS, (), {"LEVEL_COUNT": "WRITE"}),
        "an argument of WRITE is bounded by the register LEVEL_COUNT, and there is none",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_contradiction_is_named(case: str) -> None:
    declaration, sentence = SENTENCES[case]
    with pytest.raises(DeclarationError, match=re.escape(sentence)) as raised:
        declaration()
    assert "\n" not in str(raised.value)


def test_settings_that_bound_arguments_are_found() -> None:
    assert set(commands.settings_of(COMMANDS)) == {"LEVELS", "PULSE_LIMIT", "WRITE_TABLE"}
    spec = CommandSpec(Opcode.READ, "", CELL, CELL_RESULT, (Below("level", Setting("MARKS")),))
    assert commands.settings_of({Opcode.READ: spec}) == {"MARKS": "READ"}


def test_what_does_not_fit_a_word_is_not_packed() -> None:
    assert registers.COMPLIANCE.word.pack(blanking=7, action=2) == 7 | 2 << 16
    with pytest.raises(ConfigError, match=r"SAMPLING\.discard is 16; it holds 0 to 15"):
        registers.SAMPLING.word.pack(discard=16)
    with pytest.raises(ConfigError, match="SAMPLING has no field 'average'; it has discard, log2_average"):
        registers.SAMPLING.word.pack(average=1)


def test_signed_fields_are_read_with_their_sign() -> None:
    code = CELL_RESULT["code"]
    assert [code.of(code.put(value)) for value in (-1, 0, 1, -(1 << 17), (1 << 17) - 1)] == [
        *(-1, 0, 1, -131072, 131071)
    ]
    assert code.put(-1) == 0x3FFFF << 20
