"""Writes ``docs/protocol.md`` from the declarations: ``python -m twinbar.hw.protocol.reference > docs/protocol.md``."""

import ast
import inspect
import itertools
from collections.abc import Iterable, Sequence
from enum import Enum

from amaranth.hdl import Shape
from amaranth.lib import data

from twinbar.hw.actions import Action
from twinbar.hw.timing import Phase

from . import registers, version, vocabulary
from .layouts import COMMAND_BODIES, COMMAND_BODY_OF, RESPONSE_BODIES, RESPONSE_BODY_OF, Command, Faults, Response
from .vocabulary import ComplianceAction, Mode, Opcode, Record, Selection, Status


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    # A vertical bar ends a cell unless it is escaped.
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _member_notes(kind: type[Enum]) -> dict[str, str]:
    """Give the docstring behind each member of an enumeration."""
    tree = ast.parse(inspect.getsource(vocabulary))
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


def _fields(layout: object, base: int = 0, skip: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    rows = []
    for name, field in data.Layout.cast(layout):
        if name in skip:
            continue
        shape = Shape.cast(field.shape)
        low = base + field.offset
        bits = str(low) if shape.width == 1 else f"{low}..{low + shape.width - 1}"
        rows.append((f"`{name}`", bits, "signed" if shape.signed else ""))
    return rows


def _enumeration(kind: type[Enum]) -> str:
    notes = _member_notes(kind)
    return _table(
        ("value", "name", ""), ((member.value, f"`{member.name}`", notes.get(member.name, "")) for member in kind)
    )


def _groups(bodies: dict[str, data.Layout], body_of: dict[Opcode, str | None], base: int) -> str:
    parts = []
    for group, layout in bodies.items():
        users = ", ".join(f"`{opcode.name}`" for opcode in Opcode if body_of[opcode] == group)
        parts.append(f"**{group}** ({users})\n\n" + _table(("field", "bits", ""), _fields(layout, base)))
    return "\n\n".join(parts)


def reference() -> str:
    """Give the text of ``docs/protocol.md``."""
    command, response = data.Layout.cast(Command), data.Layout.cast(Response)
    notes = _member_notes(Opcode)
    opcodes = (
        (
            opcode.value,
            f"`{opcode.name}`",
            COMMAND_BODY_OF[opcode] or "",
            RESPONSE_BODY_OF[opcode] or "",
            notes[opcode.name],
        )
        for opcode in Opcode
    )
    register_rows = (
        (
            f"`0x{register.address:02X}`",
            f"`{register.name}`",
            register.access.value,
            register.bits,
            f"{register.least} .. {register.most}" if register.access.value in ("open", "locked") else "",
            register.init if register.access.value in ("open", "locked") else "",
            register.about,
        )
        for register in registers.REGISTERS
    )
    spaces = (
        (
            f"`0x{registers.PHASE_COUNTER_BASE:03X}` + phase",
            "cycles by phase",
            ", ".join(f"{p.value} {p.name.lower()}" for p in Phase),
        ),
        (
            f"`0x{registers.ACTION_COUNTER_BASE:03X}` + action",
            "actions",
            ", ".join(f"{action.value} {action.name.lower()}" for action in registers.COUNTED_ACTIONS),
        ),
        (f"`0x{registers.LEVEL_BASE:03X}` + level", "window of a level", "low | high << 16"),
        (
            f"`0x{registers.TRIM_BASE:03X}` + channel",
            "gain trim of an ADC channel",
            f"{registers.TRIM_BITS} bits; {registers.TRIM_INIT} after power-up",
        ),
        (
            f"`0x{registers.OFFSET_BASE:03X}` + column",
            "offset of a column",
            "two's complement, from `-2**adc_bits` to `2**adc_bits - 1`: written in 17 bits, read in `adc_bits` + 1",
        ),
        (f"`0x{registers.PAIR_OFFSET_BASE:03X}` + pair", "offset of a subtracted pair", "likewise"),
    )
    host_counted = ", ".join(f"`{action.name.lower()}`" for action in Action if action not in registers.ACTION_COUNTERS)
    return f"""# The protocol

Generated from `hw/protocol` by `python -m twinbar.hw.protocol.reference`; do not edit. What commands do, and when, is
in [controller](controller.md). Protocol version {version.MAJOR}.{version.MINOR}.

## Command beat

{command.size} bits, lowest bit first.

{_table(("field", "bits", ""), _fields(Command, skip=("reserved",)))}

### Opcodes

{_table(("value", "opcode", "arguments", "results", ""), opcodes)}

### Arguments

Bits are counted from the start of the beat. `outputs` = 0 stands for 1024.

{_groups(COMMAND_BODIES, COMMAND_BODY_OF, command["body"].offset)}

## Response beat

{response.size} bits, lowest bit first.

{_table(("field", "bits", ""), _fields(Response))}

### Statuses

{_enumeration(Status)}

### Faults

{_table(("fault", "bit of the beat", ""), _fields(Faults, response["faults"].offset, skip=("reserved",)))}

### Results

Bits are counted from the start of the beat.

{_groups(RESPONSE_BODIES, RESPONSE_BODY_OF, response["body"].offset)}

## Enumerations

### Modes

{_enumeration(Mode)}

### Bias records

{_enumeration(Record)}

### Compliance actions

{_enumeration(ComplianceAction)}

### Selections

What the selector's pins say.

{_enumeration(Selection)}

## Registers

*constant*: fixed when the controller is built; *live*: shows a state; *open*: can be written at any time; *locked*: can
be written while the tile is disarmed. A triple holds three codes of 12 bits: bit line, source line, word line.

{_table(("address", "register", "access", "bits", "values", "initial", ""), register_rows)}

## Counters and tables

Counters cannot be written. Entries of tables can be written at any time.

{_table(("address", "", ""), spaces)}

`shift_add` is the counter of `convert_forward`, `response_beat` that of the phase `respond`; {host_counted} are counted
by the host.
"""


if __name__ == "__main__":
    print(reference(), end="")
