"""Constants of the protocol as C++ that is compiled with a netlist: what Python declares is not typed again there."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

from twinbar.emulator.crossbar.array import NO_CELL, REFERENCE
from twinbar.emulator.crossbar.cell_energy import CellEnergy
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
    return "\n".join([*lines, "", "}  // namespace twinbar", ""])


def _members(kind: type[Enum]) -> Iterator[str]:
    values: list[Any] = [member.value for member in kind]
    for member, value in zip(kind, values, strict=True):
        yield f"    k{member.name.title().replace('_', '')} = {value},"
    yield f"    kCount = {max(values) + 1},"
