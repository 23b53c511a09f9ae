"""Constants of the protocol as C++ that is compiled with a netlist: what Python declares is not typed again there."""

from collections.abc import Iterator
from enum import Enum, IntEnum
from typing import Any, Final

from twinbar.emulator.crossbar.array import NO_CELL, REFERENCE
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.pins.breach import Breach
from twinbar.emulator.pins.tile_outcome import TileOutcome
from twinbar.hw.actions import Action
from twinbar.hw.protocol.layouts import LINE_BITS
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.protocol.registers import TRIM_INIT
from twinbar.hw.protocol.vocabulary import Record, Request, Selection
from twinbar.hw.timing import Phase

_ENUMERATIONS: Final[tuple[type[Enum], ...]] = (Action, Phase, CellEnergy, Record, Request, Selection)
_NUMBERS: Final = {
    "kNoCell": NO_CELL,
    "kReferenceSource": REFERENCE,
    "kLineBits": LINE_BITS,
    "kLineMask": (1 << LINE_BITS) - 1,
    "kResponseBytes": RESPONSE_BYTES,
    "kTrimInit": TRIM_INIT,
}


def constants_text() -> str:
    """Return the C++ that declares enumerations (``Phase::kSettle``, ``Phase::kCount``) and numbers.

    ``kCount`` is one more than the greatest number of an enumeration: the size of an array that it indexes.
    """
    lines = ["#include <cstdint>", "", "namespace twinbar {", ""]
    for kind in _ENUMERATIONS:
        lines += [f"struct {kind.__name__} {{", "  enum : int {", *_members(kind), "  };", "};"]
    lines += [f"constexpr int64_t {name} = {value};" for name, value in _NUMBERS.items()]
    return "\n".join([*lines, *_enumeration(TileOutcome), "", "}  // namespace twinbar", ""])


def breaches_text() -> str:
    """Return the C++ that declares `Breach`, which nothing but a breach can be."""
    return "\n".join(
        ["#include <cstdint>", "", "namespace twinbar {", "", *_enumeration(Breach), "", "}  // namespace twinbar", ""]
    )


def _enumeration(kind: type[IntEnum]) -> list[str]:
    """Declare numbers that index nothing; they have the size that structures give them."""
    return [
        f"enum class {kind.__name__} : int64_t {{",
        *(f"  {_name(member)} = {member.value}," for member in kind),
        "};",
    ]


def _members(kind: type[Enum]) -> Iterator[str]:
    values: list[Any] = [member.value for member in kind]
    for member, value in zip(kind, values, strict=True):
        yield f"    {_name(member)} = {value},"
    yield f"    kCount = {max(values) + 1},"


def _name(member: Enum) -> str:
    return f"k{member.name.title().replace('_', '')}"
