"""The hand-written table of the protocol against the declaration, and against whatever admits commands."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import contract_table as table
import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator

from twinbar.emulator.contract.program import Pin, PinPulse, Program
from twinbar.emulator.engines.events.admission import admit
from twinbar.emulator.engines.events.decoding import Route
from twinbar.emulator.engines.events.events_controller import EventsController
from twinbar.emulator.engines.events.register_file import RegisterFile as EventsRegisters
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.verify.elaborations import Elaboration
from twinbar.hw.gateware.control.admission import Admission
from twinbar.hw.gateware.control.register_file import RegisterFile
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.bias_memory import initial_values
from twinbar.hw.protocol import commands as declared
from twinbar.hw.protocol import layouts, registers
from twinbar.hw.protocol.commands import Answered, CommandSpec
from twinbar.hw.protocol.fields import Word
from twinbar.hw.protocol.registers import Access, Register, Space
from twinbar.hw.protocol.rules import COMPARISONS, PULSE_TABLE, Aligned, Below, Needs, OneOf, Span, Within
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Status

CONFIG = ControllerConfig(tiles=2, rows=20, columns=8, adc_channels=2, adc_bits=8, dac_bits=10, input_bits=4)
CONVERTING, COMPARING = (replace(CONFIG, pulse_entries=32, compare=compare) for compare in (False, True))
CHAINED = replace(CONFIG, shared_inputs=True, chain=True)
AT_POWER_UP = EventsRegisters(CONFIG)
BY_RAMP, BY_TABLE = EventsRegisters(CONVERTING), EventsRegisters(CONVERTING)
BY_TABLE.write(registers.WRITE_TABLE.address, 1)
Commands = Mapping[Opcode, CommandSpec]


# --- the declaration --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Declaration:
    """What stands against the table."""

    commands: Commands
    registers: tuple[Register, ...]
    spaces: tuple[Space, ...]
    numbers: Mapping[Opcode, int] = dataclasses.field(default_factory=lambda: {each: each.value for each in Opcode})
    command: Word = layouts.COMMAND
    response: Word = layouts.RESPONSE


REAL = Declaration(declared.COMMANDS, registers.REGISTERS, registers.SPACES)
ANSWERED = {Answered.ONCE: "once", Answered.PER_OUTPUT: "per output", Answered.IF_REFUSED: "if refused"}


def _places(word: Word | None, base: int) -> dict[str, tuple[int, int]]:
    return {field.name: (base + field.offset, field.bits) for field in word or ()}


def _disagreements(found: Declaration) -> Iterator[str]:
    """Say where a declaration and the table differ."""
    by_number = {found.numbers[opcode]: spec for opcode, spec in found.commands.items()}
    if set(by_number) != {row.opcode for row in table.COMMANDS}:
        yield "opcodes"
    for row in table.COMMANDS:
        spec = by_number.get(row.opcode)
        if spec is None:
            continue
        here = {
            "name": spec.name,
            "arguments": _places(spec.arguments, 16),
            "results": _places(spec.response, 24),
            "needs": (spec.needs or Mode.SAFE).value,
            "refused_while_faulted": spec.refused_while_faulted,
            "haltable": spec.haltable,
            "halts": spec.halts,
            "to_every_tile": spec.to_every_tile,
            "answered": ANSWERED[spec.answered],
        }
        yield from (f"{row.name}: {name}" for name, value in here.items() if value != getattr(row, name))
        yield from (
            f"{row.name}.{field.name}: sign"
            for field in spec.response or ()
            if field.signed != (field.name in table.SIGNED)
        )
    for word, places in ((found.command, table.HEADER), (found.response, table.ANSWER)):
        here = _places(word, 0)
        yield from (f"{word.name}: {name}" for name, place in places.items() if here.get(name) != place)
    for number, check in enumerate(table.CHECKS):
        if check.status is not table.BAD_REGISTER and _status(found.commands, check.beat) != check.status:
            yield f"check {number}"
    for state, checks in ((BY_RAMP, table.BY_RAMP), (BY_TABLE, table.BY_TABLE)):
        for number, check in enumerate(checks):
            if _status(found.commands, check.beat, CONVERTING, state) != check.status:
                yield f"check {number} with a pulse table"
    for number, check in enumerate(table.OF_CHAINS):
        if _status(found.commands, check.beat, CHAINED) != check.status:
            yield f"check {number} with chains"
    yield from _register_disagreements(found)
    yield from _table_disagreements(found)


def _register_disagreements(found: Declaration) -> Iterator[str]:
    here = {
        each.address: (
            each.name,
            each.access.value,
            each.bits,
            each.init,
            {field.name: (field.offset, field.bits, field.least, field.most) for field in each.word},
        )
        for each in found.registers
    }
    if here != {place.address: tuple(place[1:]) for place in table.REGISTERS}:
        yield "registers"
    yield from _access_disagreements(found, CONFIG, table.WRITES, table.READABLE, table.UNREADABLE)
    yield from _access_disagreements(found, CHAINED, table.CHAIN_WRITES, table.CHAIN_READABLE, table.CHAIN_UNREADABLE)


def _table_disagreements(found: Declaration) -> Iterator[str]:
    """Say where the addresses of a controller with a pulse table differ."""
    for config, more, missing in (
        (CONVERTING, table.CONVERTING_WRITES, (0x1D,)),
        (COMPARING, table.COMPARING_WRITES, ()),
    ):
        readable = (*table.TABLE_READABLE, *(address for address in table.OPTIONAL if address not in missing))
        writes = (*table.TABLE_WRITES, *more)
        yield from _access_disagreements(found, config, writes, readable, (*table.TABLE_UNREADABLE, *missing))
    for address, value in table.TABLE_AT_POWER_UP.items():
        holder = _holder(found, address, CONVERTING)
        if isinstance(holder, Space) and holder.inits[(address - holder.base) % len(holder.inits)] != value:
            yield f"power-up of {address:#x}"


def _access_disagreements(
    found: Declaration,
    config: ControllerConfig,
    writes: tuple[table.Write, ...],
    readable: tuple[int, ...],
    unreadable: tuple[int, ...],
) -> Iterator[str]:
    for write in writes:
        holder = _holder(found, write.address, config)
        armed = disarmed = table.BAD_REGISTER
        if holder is not None and holder.access in (Access.OPEN, Access.LOCKED):
            disarmed = table.OK if holder.word_at(write.address).holds(write.value, config) else table.BAD_VALUE
            armed = table.LOCKED if holder.access is Access.LOCKED else disarmed
        if (disarmed, armed) != (write.disarmed, write.armed):
            yield f"write of {write.value:#x} to {write.address:#x}"
    for address in readable:
        if _holder(found, address, config) is None:
            yield f"read of {address:#x}"
    for address in unreadable:
        if _holder(found, address, config) is not None:
            yield f"read of {address:#x}"


def _holder(found: Declaration, address: int, config: ControllerConfig) -> Register | Space | None:
    for space in found.spaces:
        if space.base <= address < space.base + space.capacity:
            return space if space.has(address - space.base, config) else None
    return next((each for each in found.registers if each.address == address and each.exists(config)), None)


def _status(
    commands: Commands, beat: int, config: ControllerConfig = CONFIG, state: EventsRegisters = AT_POWER_UP
) -> int:
    """Return what the admission of ``events`` says to a beat in the mode WRITE, with a declaration of commands."""
    by_number = {opcode.value: opcode for opcode in commands}
    opcode = by_number.get(beat & 31)
    spec = commands[opcode] if opcode else None
    values = {field.name: field.of(beat >> 16) for field in (spec.arguments if spec else None) or ()}
    command: Any = SimpleNamespace(opcode=opcode, tile=beat >> 5 & 255, values=values, route=Route())
    safety: Any = SimpleNamespace(mode=Mode.WRITE, faults=0, unanswered=0)
    return int(admit(command, 0, config, state, safety, commands).value)


def test_the_declaration_is_what_the_contract_says() -> None:
    assert list(_disagreements(REAL)) == []


def test_constants_of_a_controller_are_packed_as_the_contract_says() -> None:
    values = initial_values(CONFIG)
    for name, value in table.WORDS.items():
        assert values[registers.BY_NAME[name].address] == value
    assert registers.TRIPLE.pack(bit_line=1, source_line=2, word_line=3) == 1 | 2 << 12 | 3 << 24


def test_the_features_of_a_pulse_table_are_packed_as_the_contract_says() -> None:
    for (entries, compare), value in table.TABLE_FEATURES.items():
        values = initial_values(replace(CONFIG, pulse_entries=entries, compare=bool(compare)))
        assert values[registers.FEATURES.address] == value
    assert initial_values(CHAINED)[registers.FEATURES.address] == table.CHAIN_FEATURES


def test_lanes_of_packed_outputs_lie_where_the_contract_says() -> None:
    for lanes, places in table.PACKED.items():
        word = declared.PACKED_RESULTS[lanes]
        assert _places(word, 24) == places
        assert [field.name for field in word if field.signed] == [name for name in places if name != "column"]
    assert set(declared.PACKED_RESULTS) == set(table.PACKED)


def test_the_dispatcher_writes_into_the_reserved_bits_only() -> None:
    assert _places(layouts.ROUTING, 0) == table.ROUTING
    assert layouts.COMMAND["reserved"].bits == layouts.ROUTING.bits == 3


# --- mutants ----------------------------------------------------------------------------------------------------------
def _with(opcode: Opcode, **changes: Any) -> Declaration:
    return replace(REAL, commands={**REAL.commands, opcode: replace(REAL.commands[opcode], **changes)})


def _moved(word: Word, name: str, **changes: Any) -> Word:
    """Change a field, and leave out what it would overlap."""
    fields = [replace(field, **changes) if field.name == name else field for field in word]
    (changed,) = (field for field in fields if field.name == name)
    fields = [each for each in fields if each is changed or each.end <= changed.offset or changed.end <= each.offset]
    return Word(word.name, max(word.bits, changed.end), tuple(fields))


def _rules(opcode: Opcode, kind: type, **changes: Any) -> Declaration:
    """Change the rules of a kind."""
    rules = tuple(replace(rule, **changes) if isinstance(rule, kind) else rule for rule in REAL.commands[opcode].rules)
    assert rules != REAL.commands[opcode].rules
    return _with(opcode, rules=rules)


def _rule_of(opcode: Opcode, kind: type, argument: str, **changes: Any) -> Declaration:
    """Change the rule of a kind on an argument."""
    rules = tuple(
        replace(rule, **changes) if isinstance(rule, kind) and argument in rule.arguments else rule
        for rule in REAL.commands[opcode].rules
    )
    assert rules != REAL.commands[opcode].rules
    return _with(opcode, rules=rules)


def _register(name: str, **changes: Any) -> Declaration:
    changed = tuple(replace(each, **changes) if each.name == name else each for each in REAL.registers)
    return replace(REAL, registers=changed)


def _space(name: str, **changes: Any) -> Declaration:
    changed = tuple(replace(each, **changes) if each.name == name else each for each in REAL.spaces)
    assert changed != REAL.spaces
    return replace(REAL, spaces=changed)


def _swapped(one: Opcode, other: Opcode) -> Declaration:
    return replace(REAL, numbers={**REAL.numbers, one: other.value, other: one.value})


def _command_mutants() -> Iterator[tuple[str, Declaration]]:
    yield (
        "a command is missing",
        replace(REAL, commands={opcode: spec for opcode, spec in REAL.commands.items() if opcode is not Opcode.DRIVE}),
    )
    yield "opcodes of READ and CONVERT", _swapped(Opcode.READ, Opcode.CONVERT)
    yield "opcodes of WRITE and FORM", _swapped(Opcode.WRITE, Opcode.FORM)
    for opcode, spec in REAL.commands.items():
        yield f"{opcode.name} needs", _with(opcode, needs=Mode.WRITE if spec.needs is not Mode.WRITE else Mode.READ)
        yield f"{opcode.name} haltable", _with(opcode, haltable=not spec.haltable)
        yield f"{opcode.name} faulted", _with(opcode, refused_while_faulted=not spec.refused_while_faulted)
        yield f"{opcode.name} halts", _with(opcode, halts=not spec.halts)
        yield f"{opcode.name} to every tile", _with(opcode, to_every_tile=not spec.to_every_tile)
        answered = Answered.ONCE if spec.answered is not Answered.ONCE else Answered.PER_OUTPUT
        yield f"{opcode.name} answered", _with(opcode, answered=answered)
        yield f"{opcode.name} response", _with(opcode, response=None if spec.response else declared.CELL_RESULT)
        for field in spec.arguments or ():
            arguments = spec.arguments
            assert arguments is not None
            yield (
                f"{opcode.name}.{field.name} moved",
                _with(opcode, arguments=_moved(arguments, field.name, offset=field.offset + 1)),
            )
            yield (
                f"{opcode.name}.{field.name} wider",
                _with(opcode, arguments=_moved(arguments, field.name, bits=field.bits + 1, most=-1)),
            )
        for number, rule in enumerate(spec.rules):
            left = (*spec.rules[:number], *spec.rules[number + 1 :])
            yield f"{opcode.name} without {rule}", _with(opcode, rules=left)
            other = Status.BAD_VALUE if rule.status is not Status.BAD_VALUE else Status.BAD_ADDRESS
            yield f"{opcode.name} {rule}: status", _with(opcode, rules=(*left, replace(rule, status=other)))
    yield "no half of the columns", _rules(Opcode.CALIBRATE, Below, halved_by="")
    yield "half by the wrong flag", _rules(Opcode.CALIBRATE, Below, halved_by="gain")
    yield "no half of the outputs", _rules(Opcode.MULTIPLY, Span, halved_by="")
    yield "outputs within the rows", _rules(Opcode.MULTIPLY, Span, bound=declared.ROWS)
    yield "words within the rows", _rules(Opcode.LOAD, Below, bound=declared.ROWS)
    yield "aligned to columns", _rules(Opcode.MULTIPLY, Aligned, unit=declared.COLUMNS)
    yield "a cascade without the option", _rules(Opcode.MULTIPLY, Needs, most=2)
    yield "no single member", _rules(Opcode.MULTIPLY, Needs, most=0)
    yield "cascades in every controller", _rules(Opcode.MULTIPLY, Needs, option=declared.ROWS)
    yield "shared without the option", _rules(Opcode.LOAD, Needs, most=1)
    yield "transfers in every controller", _with(Opcode.TRANSFER, option=None)
    yield "transfers with a pulse table", _with(Opcode.TRANSFER, option=PULSE_TABLE)
    yield "words taken within the rows", _rule_of(Opcode.TRANSFER, Span, "word", bound=declared.ROWS)
    yield "words sent within those taken", _rule_of(Opcode.TRANSFER, Span, "first", bound=declared.WORDS)
    for name in ("first", "polarity", "code", "entry"):
        yield f"{name} by the ramp", _rule_of(Opcode.WRITE, Needs, name, most=1)
        yield f"{name} with LEVELS", _rule_of(Opcode.WRITE, Needs, name, option=declared.LEVELS)
        yield f"{name} where there is a table", _rule_of(Opcode.WRITE, Needs, name, option=declared.LAST_ENTRY)
    yield "no entry 0", _rule_of(Opcode.WRITE, Within, "entry", least=1)
    yield "entries within the rows", _rule_of(Opcode.WRITE, Within, "entry", most=declared.ROWS)
    yield "a pulse at least", _rules(Opcode.PULSE, Within, least=0)
    yield "levels bound pulses", _rules(Opcode.PULSE, Within, most=declared.LEVELS)
    yield "no cycle at least", _rules(Opcode.WAIT, Within, least=0)
    yield "two cycles at least", _rules(Opcode.WAIT, Within, least=2)
    yield "ARM for nothing", _rules(Opcode.ARM, OneOf, members=(Mode.SAFE, Mode.READ, Mode.WRITE))
    yield "ARM not to read", _rules(Opcode.ARM, OneOf, members=(Mode.WRITE,))
    yield "DRIVE of READ", _rules(Opcode.DRIVE, OneOf, members=(Record.READ, Record.SET, Record.RESET, Record.FORM))
    yield "no FORM pulses", _rules(Opcode.PULSE, OneOf, members=(Record.SET, Record.RESET))


def _place_mutants() -> Iterator[tuple[str, Declaration]]:
    for word, name in (
        (declared.CELL_RESULT, "code"),
        (declared.CELL_RESULT, "sets"),
        (declared.PRODUCT_RESULT, "sum"),
    ):
        users = [opcode for opcode, spec in REAL.commands.items() if spec.response is word]
        field = word[name]
        yield f"result {name} moved", _with(users[0], response=_moved(word, name, offset=field.offset - 1))
        yield (
            f"result {name} sign",
            _with(users[0], response=_moved(word, name, signed=not field.signed, least=0, most=-1)),
        )
    for name in ("opcode", "tile", "body"):
        place = layouts.COMMAND[name].offset + 1
        yield f"command {name} moved", replace(REAL, command=_moved(layouts.COMMAND, name, offset=place))
    for name in ("status", "faults", "mode"):
        bits = layouts.RESPONSE[name].bits - 1
        yield f"response {name} narrower", replace(REAL, response=_moved(layouts.RESPONSE, name, bits=bits, most=-1))


def _register_mutants() -> Iterator[tuple[str, Declaration]]:
    for each in REAL.registers:
        yield f"{each.name} address", _register(each.name, address=each.address ^ 0x08)
        access = Access.OPEN if each.access is not Access.OPEN else Access.LOCKED
        yield f"{each.name} access", _register(each.name, access=access, init=max(each.init, each.least))
        if each.access in (Access.OPEN, Access.LOCKED):
            yield (
                f"{each.name} init",
                _register(each.name, init=each.init - 1 if each.init > each.least else each.least + 1),
            )
        for field in each.word:
            wider = _moved(each.word, field.name, bits=field.bits + 1, most=-1) if each.bits < 36 else None
            if wider is not None:
                yield f"{each.name}.{field.name} wider", _register(each.name, word=wider)
            if field.most > field.least and each.access is not Access.CONSTANT:
                narrow = replace(each, word=_moved(each.word, field.name, most=field.most - 1), init=each.least)
                changed = tuple(narrow if other.name == each.name else other for other in REAL.registers)
                yield f"{each.name}.{field.name} most", replace(REAL, registers=changed)
    yield "CAPS without caps", _register("CAPS", option=None)
    yield "CODE_CAPS without caps", _register("CODE_CAPS", option=None)
    yield "ACTIVATION without chains", _register("ACTIVATION", option=None)
    yield "ACTIVATION with a pulse table", _register("ACTIVATION", option=PULSE_TABLE)
    yield "counters without chains", _space(registers.LATER_COUNTERS.name, options={})
    yield "WRITE_TABLE without a table", _register("WRITE_TABLE", option=None)
    yield "WRITE_TABLE with comparisons only", _register("WRITE_TABLE", option=COMPARISONS)
    yield "COMPARE without comparisons", _register("COMPARE", option=PULSE_TABLE)
    word = registers.WRITE_TABLE.word
    anyhow = Word(word.name, word.bits, tuple(replace(field, bits_from="") for field in word))
    yield "compare without comparisons", _register("WRITE_TABLE", word=anyhow)
    for space in registers.PULSE_TABLES.values():
        use = registers.PULSE_USE
        yield f"{space.name} power-up", _space(space.name, second_init=2)
        yield f"{space.name} codes at power-up", _space(space.name, init=1)
        yield f"{space.name} without use", _space(space.name, second=None)
        yield f"{space.name} both flags", _space(space.name, second=replace(use, exclusive=()))
        yield f"{space.name} all flags", _space(space.name, second=replace(use, exclusive=("turns",)))
        for field in use:
            yield f"{space.name}.{field.name} moved", _space(space.name, second=_moved(use, field.name, offset=11))
        yield f"{space.name} no pulse", _space(space.name, second=_moved(use, "count", least=0))
        yield f"{space.name} fewer", _space(space.name, second=_moved(use, "count", most=254))
    for space in REAL.spaces:
        yield f"{space.name} base", _space(space.name, base=space.base ^ 2 * space.capacity)
        access = Access.OPEN if space.access is not Access.OPEN else Access.LIVE
        yield f"{space.name} access", _space(space.name, access=access)
        if not isinstance(space.entries, tuple):
            yield f"{space.name} halved", _space(space.name, halved=not space.halved)
        else:
            yield f"{space.name} entries", _space(space.name, entries=space.entries[:-1])
        for field in space.word:
            if space.access.writable:
                other = "adc_bits" if field.bits_from == "dac_bits" else "dac_bits"
                changes = {"bits_from": other, "bits": max(field.bits, 9), "least": 0, "most": -1}
                word = _moved(space.word, field.name, **changes)
                yield f"{space.name}.{field.name} range", _space(space.name, word=word)


MUTANTS = [*_command_mutants(), *_place_mutants(), *_register_mutants()]


def test_every_mutant_of_the_declaration_is_found() -> None:
    assert len(MUTANTS) > 500
    assert [name for name, mutant in MUTANTS if next(_disagreements(mutant), None) is None] == []


# --- gateware ---------------------------------------------------------------------------------------------------------
STATES = {
    "disarmed": (Mode.SAFE, 0, 0),
    "reading": (Mode.READ, 0, 0),
    "writing": (Mode.WRITE, 0, 0),
    "faulted": (Mode.SAFE, 1, 0),
    "aborting": (Mode.WRITE, 0, 1),
}
"""States of a tile: mode, latched faults, halts that wait."""


def _expected(row: table.Row, state: str) -> int:
    """Return the status of a good beat of a command, from the contract's text."""
    if row.of_chains:
        return table.UNKNOWN_OPCODE
    if state == "aborting" and row.haltable:
        return table.ABORTED
    if state == "faulted" and row.refused_while_faulted:
        return table.FAULTED
    armed = {"disarmed": 0, "reading": 1, "writing": 2, "faulted": 0, "aborting": 2}[state]
    return table.DISARMED if row.needs > armed else table.OK


def _gateware_statuses(
    beats: list[tuple[int, str]],
    commands: Commands = declared.COMMANDS,
    config: ControllerConfig = CONFIG,
    *,
    uses_table: bool = False,
    **inputs: int,
) -> list[int]:
    dut = Admission(config, commands)
    found: list[int] = []

    async def look(ctx: Any) -> None:
        ctx.set(dut.levels, 16)
        ctx.set(dut.pulse_limit, 100)
        if uses_table:
            ctx.set(dut.uses_table, 1)
        for name, value in inputs.items():
            ctx.set(getattr(dut, name), value)
        for beat, state in beats:
            mode, faults, aborting = STATES[state]
            ctx.set(Value.cast(dut.command), beat)
            ctx.set(dut.mode, mode)
            ctx.set(Value.cast(dut.faults), faults)
            ctx.set(dut.aborting, aborting)
            status = ctx.get(dut.status)
            assert ctx.get(dut.admitted) == (status is Status.OK)
            found.append(status.value)

    simulator = Simulator(dut)
    simulator.add_testbench(look)
    simulator.run()
    return found


def test_gateware_admits_what_the_contract_says() -> None:
    checks = [check for check in table.CHECKS if check.status != table.BAD_REGISTER]
    assert _gateware_statuses([(check.beat, "writing") for check in checks]) == [check.status for check in checks]
    for state in STATES:
        beats = [(table.GOOD[row.opcode], state) for row in table.COMMANDS]
        assert _gateware_statuses(beats) == [_expected(row, state) for row in table.COMMANDS], state


@pytest.mark.parametrize(
    "mutant",
    [
        _with(Opcode.READ, needs=Mode.WRITE),
        _with(Opcode.WAIT, haltable=False),
        _with(Opcode.ARM, refused_while_faulted=False),
        _rules(Opcode.MULTIPLY, Span, halved_by=""),
        _rules(Opcode.PULSE, Within, least=0),
    ],
    ids=["needs", "haltable", "faulted", "halved", "least"],
)
def test_gateware_of_a_mutant_admits_something_else(mutant: Declaration) -> None:
    checks = [check for check in table.CHECKS if check.status != table.BAD_REGISTER]
    beats = [(check.beat, "writing") for check in checks]
    expected = [check.status for check in checks]
    for state in STATES:
        beats += [(table.GOOD[row.opcode], state) for row in table.COMMANDS]
        expected += [_expected(row, state) for row in table.COMMANDS]
    assert _gateware_statuses(beats, mutant.commands) != expected


def test_gateware_with_options_admits_what_the_contract_says() -> None:
    config = replace(CONFIG, cascade=True, shared_inputs=True, outputs_per_beat=2)
    found = _gateware_statuses([(check.beat, "writing") for check in table.WITH_OPTIONS], config=config)
    assert found == [check.status for check in table.WITH_OPTIONS]


@pytest.mark.parametrize("uses", [False, True])
def test_gateware_with_a_pulse_table_admits_what_the_contract_says(uses: bool) -> None:
    checks = table.BY_TABLE if uses else table.BY_RAMP
    found = _gateware_statuses([(check.beat, "writing") for check in checks], config=COMPARING, uses_table=uses)
    assert found == [check.status for check in checks]


@pytest.mark.parametrize(
    ("checks", "complete", "unfilled"),
    [
        (table.OF_CHAINS + table.OF_SEVERAL, 1, 0),
        (table.WITHOUT_ACTIVATIONS, 0, 0),
        (table.WITHOUT_INPUTS, 1, 1),
    ],
    ids=["complete", "activations", "inputs"],
)
def test_gateware_with_chains_admits_what_the_contract_says(
    checks: tuple[table.Check, ...], complete: int, unfilled: int
) -> None:
    beats = [(check.beat, "writing") for check in checks]
    found = _gateware_statuses(beats, config=CHAINED, complete=complete, unfilled=unfilled)
    assert found == [check.status for check in checks]


_WITH_TABLE = (
    (CONFIG, table.WRITES, table.READABLE, table.UNREADABLE),
    (
        CONVERTING,
        (*table.TABLE_WRITES, *table.CONVERTING_WRITES),
        (*table.TABLE_READABLE, 0x1C),
        (*table.TABLE_UNREADABLE, 0x1D),
    ),
    (
        COMPARING,
        (*table.TABLE_WRITES, *table.COMPARING_WRITES),
        (*table.TABLE_READABLE, 0x1C, 0x1D),
        table.TABLE_UNREADABLE,
    ),
    (CHAINED, table.CHAIN_WRITES, table.CHAIN_READABLE, table.CHAIN_UNREADABLE),
)


@pytest.mark.parametrize(
    ("config", "writes", "readable", "unreadable"), _WITH_TABLE, ids=["plain", "table", "compare", "chain"]
)
def test_gateware_checks_registers_as_the_contract_says(
    config: ControllerConfig, writes: tuple[table.Write, ...], readable: tuple[int, ...], unreadable: tuple[int, ...]
) -> None:
    dut = RegisterFile(config)
    found: list[int] = []
    expected: list[int] = []

    async def look(ctx: Any) -> None:
        async def access(address: int, value: int, *, write: bool, mode: Mode) -> None:
            ctx.set(dut.check, 1)
            ctx.set(dut.head_address, address)
            ctx.set(dut.head_value, value)
            ctx.set(dut.write, write)
            ctx.set(dut.mode, mode)
            await ctx.tick()
            found.append(ctx.get(dut.status).value)

        for each in writes:
            await access(each.address, each.value, write=True, mode=Mode.SAFE)
            await access(each.address, each.value, write=True, mode=Mode.READ)
            expected.extend((each.disarmed, each.armed))
        for address in (*readable, *unreadable):
            await access(address, 0, write=False, mode=Mode.WRITE)
            expected.append(table.OK if address in readable else table.BAD_REGISTER)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(look)
    simulator.run()
    assert found == expected


# --- engines of programs ----------------------------------------------------------------------------------------------
Make = Callable[[], Any]


def _make(kind: type, config: ControllerConfig = CONFIG) -> Make:
    elaboration = Elaboration("contract", config, "taox-hfox")
    return lambda: kind(elaboration.config, elaboration.controller)


ENGINES = {"events": _make(EventsController), "fast": _make(FastController)}
CHAINED_ENGINES = {"events": _make(EventsController, CHAINED), "fast": _make(FastController, CHAINED)}


def _answers(controller: Any, beats: list[int], **world: Any) -> list[int]:
    """Return the response beats of tile 0."""
    responses = controller.run(Program(np.array(beats, np.uint64), **world)).responses
    whole = [int.from_bytes(beat.tobytes(), "little") for beat in responses]
    return [beat for beat in whole if beat >> 5 & 255 == 0]


def _first(controller: Any, beat: int) -> int:
    """Return the status of a beat's first answer; OK if it was admitted."""
    found = _answers(controller, [beat])
    status = found[0] >> 13 & 15 if found else table.OK
    # A write that was admitted may not reach its window.
    return table.OK if status == table.FAILED else status


ARM = {Mode.READ: 3 | 1 << 16, Mode.WRITE: 3 | 2 << 16}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_admits_what_the_contract_says(engine: str) -> None:
    controller = ENGINES[engine]()
    for check in table.CHECKS:
        assert _first(controller, ARM[Mode.WRITE]) == table.OK
        assert _first(controller, check.beat) == check.status, hex(check.beat)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("state", STATES)
def test_an_engine_refuses_by_the_state_of_its_tile(engine: str, state: str) -> None:
    for row in table.COMMANDS:
        if state == "aborting" and row.halts:
            continue  # what halts is the halt itself
        controller = ENGINES[engine]()
        mode = STATES[state][0]
        if mode is not Mode.SAFE:
            _first(controller, ARM[mode])
        if state == "faulted":
            controller.run(Program(np.zeros(0, np.uint64), pins=(PinPulse(Pin.FAULT, 0, 2),)))
        good = table.GOOD[row.opcode]
        if state == "aborting":
            # A long WAIT runs when the ABORT is presented, and the command is popped before that is answered.
            found = [beat for beat in _answers(controller, [8 | 500 << 16, good, 7]) if beat & 31 == row.opcode]
            status = found[-1] >> 13 & 15 if found else table.OK
        else:
            status = _first(controller, good)
        assert status == _expected(row, state), row.name


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_checks_registers_as_the_contract_says(engine: str) -> None:
    controller = ENGINES[engine]()
    for each in table.WRITES:
        assert _first(controller, 2 | each.address << 16 | each.value << 28) == each.disarmed, each
    # The values written keep the records from being armed: a new one.
    controller = ENGINES[engine]()
    _first(controller, ARM[Mode.READ])
    for each in table.WRITES:
        assert _first(controller, 2 | each.address << 16 | each.value << 28) == each.armed, each
    for address in (*table.READABLE, *table.UNREADABLE):
        expected = table.OK if address in table.READABLE else table.BAD_REGISTER
        assert _first(controller, 1 | address << 16) == expected, hex(address)


@pytest.mark.parametrize("engine", CHAINED_ENGINES)
def test_an_engine_with_chains_admits_what_the_contract_says(engine: str) -> None:
    controller = CHAINED_ENGINES[engine]()
    for check in table.OF_CHAINS:
        assert _first(controller, ARM[Mode.WRITE]) == table.OK
        # Nothing was kept so far, and a transfer that is refused leaves the row registers incomplete.
        expected = table.INCOMPLETE if check.status == table.OK else check.status
        assert _first(controller, check.beat) == expected, hex(check.beat)
    assert _first(controller, 16 | 1 << 26) == table.OK
    assert _first(controller, table.GOOD[17]) == table.OK
    assert _first(controller, 19 | 255 << 52 | 1 << 42) == table.BAD_TILE
    assert _first(controller, table.GOOD[17]) == table.OK


@pytest.mark.parametrize("engine", CHAINED_ENGINES)
def test_an_engine_with_chains_checks_registers_as_the_contract_says(engine: str) -> None:
    controller = CHAINED_ENGINES[engine]()
    for each in table.CHAIN_WRITES:
        assert _first(controller, 2 | each.address << 16 | each.value << 28) == each.disarmed, each
    for address in (*table.CHAIN_READABLE, *table.CHAIN_UNREADABLE):
        expected = table.OK if address in table.CHAIN_READABLE else table.BAD_REGISTER
        assert _first(controller, 1 | address << 16) == expected, hex(address)
