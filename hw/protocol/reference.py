"""Writes ``docs/protocol.md`` from the declarations: ``python -m twinbar.hw.protocol.reference > docs/protocol.md``."""

import ast
import inspect
import itertools
from collections.abc import Iterable, Sequence
from enum import Enum

from twinbar.hw.actions import Action
from twinbar.hw.timing import Phase

from . import enumerations, registers, version
from .commands import ARGUMENTS, COMMANDS, PACKED_RESULTS, REASONS, REGISTER_REASONS, RESULTS, users_of
from .enumerations import ComplianceAction, Destination, Mode, Record, Selection, Status
from .fields import Field, Word
from .layouts import COMMAND, FAULTS, RESPONSE
from .sizes import LINE_BITS


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    # A vertical bar ends a cell unless it is escaped.
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _member_notes(kind: type[Enum]) -> dict[str, str]:
    """Return the docstring behind each member of an enumeration."""
    tree = ast.parse(inspect.getsource(enumerations))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    notes = {}
    for member, note in itertools.pairwise(body):
        if (
            isinstance(member, ast.Assign)
            and isinstance(member.targets[0], ast.Name)
            and isinstance(note, ast.Expr)
            and isinstance(note.value, ast.Constant)
        ):
            notes[member.targets[0].id] = " ".join(str(note.value.value).split())
    return notes


def _places(field: Field, base: int = 0) -> str:
    low = base + field.offset
    return str(low) if field.bits == 1 else f"{low}..{low + field.bits - 1}"


def _fields(fields: Iterable[Field], base: int = 0, skip: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    return [
        (f"`{field.name}`", _places(field, base), "signed" if field.signed else "")
        for field in fields
        if field.name not in skip
    ]


def _enumeration(kind: type[Enum]) -> str:
    notes = _member_notes(kind)
    return _table(
        ("value", "name", ""), ((member.value, f"`{member.name}`", notes.get(member.name, "")) for member in kind)
    )


def _groups(words: Iterable[Word], base: int) -> str:
    parts = []
    for word in words:
        users = ", ".join(f"`{opcode.name}`" for opcode in users_of(word))
        parts.append(f"**{word.name}** ({users})\n\n" + _table(("field", "bits", ""), _fields(word, base)))
    return "\n\n".join(parts)


def _packed() -> str:
    base = RESPONSE["body"].offset
    lanes = {lanes: _fields(word, base, skip=("column",)) for lanes, word in PACKED_RESULTS.items() if lanes > 1}
    rows = ((count, *field) for count, fields in lanes.items() for field in fields)
    return _table(("outputs per beat", "field", "bits", ""), rows)


def _admission() -> Iterable[Sequence[object]]:
    for spec in COMMANDS.values():
        checks = {status: [str(rule) for rule in spec.rules if rule.status is status] for status in spec.reasons}
        yield (
            f"`{spec.name}`",
            spec.needs.name.lower() if spec.needs else "",
            "refused" if spec.refused_while_faulted else "",
            "refused" if spec.haltable else "",
            "ends" if spec.haltable else "halts" if spec.halts else "",
            "; ".join(f"{', '.join(rules)} (`{status.name}`)" for status, rules in checks.items()),
        )


def _contents(word: Word) -> str:
    """Say what the fields of a word hold, and in which bits."""
    if len(word.fields) == 1:
        return word.fields[0].about
    if word.names == registers.TRIPLE.names:
        return f"{word.fields[0].about} (triple)"
    parts = []
    for field in word:
        named = "" if field.kind is None else ": " + ", ".join(f"{m.value} {m.name.lower()}" for m in field.kind)
        bounds = "" if field.kind or (field.least, field.most) == field.reach else f" ({_range(field)})"
        parts.append(f"`{field.name}` {_places(field)} {field.about}{named}{bounds}")
    return "; ".join(parts)


def _range(field: Field) -> str:
    least, most = field.reach
    if field.most == most:
        return f"{field.least} or more"
    return f"at most {field.most}" if field.least == least else f"{field.least} to {field.most}"


def _registers() -> Iterable[Sequence[object]]:
    for register in registers.REGISTERS:
        writable = register.access.writable
        yield (
            f"`0x{register.address:02X}`",
            f"`{register.name}`",
            register.access.value,
            register.bits,
            f"{register.least} .. {register.most}" if writable else "",
            register.init if writable else "",
            _contents(register.word) + (f"; since version {version.MAJOR}.{register.since}" if register.since else ""),
        )


def _spaces() -> Iterable[Sequence[object]]:
    signed = (
        f"two's complement, from `-2**adc_bits` to `2**adc_bits - 1`: written in {registers.OFFSET.bits} bits, read in "
        "`adc_bits` + 1"
    )
    first, later = (
        [a for a in registers.COUNTED_ACTIONS if registers.ACTION_COUNTERS[a] in space]
        for space in (registers.ACTION_COUNTERS_SPACE, registers.LATER_COUNTERS)
    )
    notes = {
        registers.PHASE_COUNTERS: ", ".join(f"{p.value} {p.name.lower()}" for p in Phase),
        registers.ACTION_COUNTERS_SPACE: ", ".join(f"{a.value} {a.name.lower()}" for a in first),
        registers.LATER_COUNTERS: ", ".join(f"{a.value} {a.name.lower()}" for a in later),
        registers.LEVEL_WINDOWS: f"{_contents(registers.LEVEL_WINDOW)}; each below `2**adc_bits`",
        registers.SET_PULSES: f"triple; at the next address {_contents(registers.PULSE_USE)}; not `turns` and `ends`",
        registers.RESET_PULSES: "likewise",
        registers.SCALES: f"{_contents(registers.SCALES.word)}; two's complement",
        registers.TRIMS: f"{registers.TRIM.bits} bits; {registers.TRIM_INIT} after power-up",
        registers.OFFSETS: signed,
        registers.PAIR_OFFSETS: "likewise",
    }
    for space in registers.SPACES:
        yield f"`0x{space.base:03X}` + {space.index}", space.name, notes[space]


def reference() -> str:
    """Return the text of ``docs/protocol.md``."""
    opcodes = (
        (
            opcode.value,
            f"`{opcode.name}`",
            spec.arguments.name if spec.arguments else "",
            spec.response.name if spec.response else "",
            spec.about + (f" Since version {version.MAJOR}.{spec.since}." if spec.since else ""),
        )
        for opcode, spec in COMMANDS.items()
    )
    host_counted = ", ".join(f"`{action.name.lower()}`" for action in Action if action not in registers.ACTION_COUNTERS)
    of_chains = " and ".join(f"`{action.name.lower()}`" for action in registers.OPTIONAL_COUNTERS)
    reasons, register_reasons = (
        ", ".join(f"`{status.name}`" for status in order) for order in (REASONS, REGISTER_REASONS)
    )
    return f"""# The protocol

Generated from `hw/protocol` by `python -m twinbar.hw.protocol.reference`; do not edit. What commands do, and when, is
in [controller](controller.md). Protocol version {version.MAJOR}.{version.MINOR}.

## Command beat

{COMMAND.bits} bits, lowest bit first.

{_table(("field", "bits", ""), _fields(COMMAND, skip=("reserved",)))}

### Opcodes

{_table(("value", "opcode", "arguments", "results", ""), opcodes)}

### Arguments

Bits are counted from the start of the beat. `outputs` = 0 stands for 1024; of `members`, 0 and 1 stand for a single
tile. `members` and `shared` are since version {version.MAJOR}.{registers.FEATURES.since}, the last four of `write`
since version {version.MAJOR}.{registers.TABLE_SINCE}. `TRANSFER` is an opcode of controllers with chains only (option
`chain`, `FEATURES`); to others it is unknown.

{_groups(ARGUMENTS, COMMAND["body"].offset)}

### Admission

A command is refused with the first of these that applies: {reasons}.
An access to a register is then refused with the first of {register_reasons}.

*needs*: the mode in which the tile must be armed at least (`DISARMED`). *fault*: what happens while a fault is latched
(`FAULTED`). *waiting halt*: what happens while a `SAFE` or `ABORT` waits in the queue behind it (`ABORTED`). *halt*:
what a halt does to the command while it runs (*ends*), or that it halts itself when it is presented (*halts*); others
are completed. *checks*: what its arguments must keep, with the status if they do not.

{_table(("command", "needs", "fault", "waiting halt", "halt", "checks"), _admission())}

## Response beat

{RESPONSE.bits} bits, lowest bit first.

{_table(("field", "bits", ""), _fields(RESPONSE))}

### Statuses

{_enumeration(Status)}

### Faults

{_table(("fault", "bit of the beat", ""), _fields(FAULTS, RESPONSE["faults"].offset, skip=("reserved",)))}

### Results

Bits are counted from the start of the beat.

{_groups(RESULTS, RESPONSE["body"].offset)}

Where several outputs share a beat (register `FEATURES`), a product has a lane for each:

{_packed()}

## Enumerations

### Modes

{_enumeration(Mode)}

### Bias records

{_enumeration(Record)}

### Compliance actions

{_enumeration(ComplianceAction)}

### Destinations

Where sums go (`ACTIVATION`).

{_enumeration(Destination)}

### Selections

What the selector's pins say.

{_enumeration(Selection)}

## Registers

*constant*: fixed when the controller is built; *live*: shows a state; *open*: can be written at any time; *locked*: can
be written while the tile is disarmed. A triple holds three codes of {LINE_BITS} bits: bit line, source line, word line.
A controller that is built with caps (option `caps`; `CAPS` and `CODE_CAPS` show them) refuses widths, pulses and codes
above them with `BAD_VALUE`, and begins within them.

{_table(("address", "register", "access", "bits", "values", "initial", ""), _registers())}

## Counters and tables

Counters cannot be written; those of actions that need an option are 0 without it, and {of_chains} do
not exist without chains. Entries of tables can be written at any time. Pulses are locked, and there are as many of each
polarity as `pulse_entries` says (`FEATURES`). Scales and biases exist with chains only.

{_table(("address", "", ""), _spaces())}

`shift_add` is the counter of `convert_forward`; `response_beat` is that of the phase `respond`, less those of
`partial_sum` and `packed_output`; {host_counted} are counted by the host.
"""


if __name__ == "__main__":
    print(reference(), end="")
