"""Protocol reference in Markdown, made from the declarations that the gateware uses."""

import ast
import enum
import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data

from twinbar.hw.protocol.commands import Command, Opcode, PulseArgument, RawArgument
from twinbar.hw.protocol.faults import Fault, Reason
from twinbar.hw.protocol.registers import (
    CONTROLLER_REGISTERS,
    LEVEL_BASE,
    LEVELS,
    POLARITIES,
    TILE_REGISTERS,
    Register,
)
from twinbar.hw.protocol.responses import CellResult, Product, Response, StatusValue
from twinbar.hw.protocol.version import VERSION, IdentityWord

BEGIN = "<!-- begin: made by twinbar.hw.protocol.reference, do not edit -->"
END = "<!-- end -->"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(str(cell) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _member_docs(kind: type[enum.Enum]) -> dict[str, str]:
    """Give the docstrings that stand below the members of an enumeration."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for member, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(member, ast.Assign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            name = member.targets[0]
            assert isinstance(name, ast.Name)
            docs[name.id] = " ".join(str(below.value.value).split()).replace("``", "`")
    return docs


def _enumeration(kind: type[Any]) -> str:
    docs = _member_docs(kind)
    return _table(("number", "name", "meaning"), ((int(m), f"`{m.name}`", docs.get(m.name, "")) for m in kind))


def _layout(kind: type[data.Struct]) -> str:
    rows = []
    for name, field in kind.as_shape():
        if not str(name).startswith("_"):
            shape = Shape.cast(field.shape)
            rows.append((f"{field.offset + shape.width - 1}:{field.offset}", f"`{name}`", "signed" * shape.signed))
    return _table(("bits", "field", ""), rows)


def _registers(registers: Iterable[Register]) -> str:
    rows = (
        (f"0x{r.address:03x}", f"`{r.name}`", r.access.value, r.width, r.minimum, r.reset, r.doc) for r in registers
    )
    return _table(("address", "register", "access", "bits", "least", "reset", "meaning"), rows)


def reference() -> str:
    """Give the generated part of ``docs/controller.md``."""
    levels = f"Addresses 0x{LEVEL_BASE:03x} to 0x{LEVEL_BASE + LEVELS - 1:03x} hold the level table: low code in bits"
    parts = [
        BEGIN,
        f"## Protocol version {VERSION}",
        "### Command beat",
        _layout(Command),
        "### Opcodes",
        _enumeration(Opcode),
        "### Argument of `PULSE`",
        _layout(PulseArgument),
        "### Argument of `RAW`",
        _layout(RawArgument),
        "### Polarities",
        _table(("number", "name"), ((number, f"`{name.upper()}`") for number, name in enumerate(POLARITIES))),
        "### Response beat",
        _layout(Response),
        "### Payload of `READ`, `WRITE`, `PULSE` and `FORM`",
        _layout(CellResult),
        "### Payload of `MULTIPLY`",
        _layout(Product),
        "### Payload of `STATUS`, `ARM` and `SAFE`",
        _layout(StatusValue),
        "### Reasons",
        _enumeration(Reason),
        "### Faults",
        _enumeration(Fault),
        "### Identity",
        _enumeration(IdentityWord),
        "### Registers of a tile",
        _registers(TILE_REGISTERS),
        f"{levels} 0 to 15, high code in bits 16 to 31.",
        "### Registers of the controller (tile field 255)",
        _registers(CONTROLLER_REGISTERS),
        END,
    ]
    return "\n\n".join(parts)


def replaced(page: str) -> str:
    """Give a page with its generated part brought up to date."""
    before, rest = page.split(BEGIN)
    return before + reference() + rest.split(END)[1]
