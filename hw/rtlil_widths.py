"""Operands as wide as what is made of them, in the RTLIL that Amaranth writes.

Amaranth leaves out the leading bits of operands that only extend them, and RTLIL extends them again. Verilog does so
too, by rules that a reader has to know and of which every lint tool warns; where widths are equal, a truncation shows.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Final

_COMPARISONS: Final = ("$eq", "$ne", "$lt", "$le", "$gt", "$ge")
_RIGHT_SHIFTS: Final = ("$shr", "$sshr", "$shift")
_CELL: Final = re.compile(
    r"^  cell (\$(?:add|sub|mul|shl|eq|ne|lt|le|gt|ge|shr|sshr|shift)) .*?^  end$", re.MULTILINE | re.DOTALL
)


def with_equal_widths(text: str) -> str:
    """Extend the operands of sums, products, shifts and comparisons, by zeros or by their sign.

    A shift to the right that gives fewer bits than it takes, as a bit that is chosen by a number does, is given all of
    them, and the lowest are taken.

    Parameters
    ----------
    text : str
        What `amaranth.back.rtlil.convert` gives.
    """
    wires = (f"$shifted${number}" for number in itertools.count())
    return _CELL.sub(lambda found: _widen(found[1], found[0], wires), text)


def _widen(kind: str, cell: str, wires: Iterator[str]) -> str:
    def parameter(name: str) -> int:
        return int(re.findall(rf"parameter \\{name} (\d+)", cell)[0])

    if kind in _RIGHT_SHIFTS:
        taken, given = parameter("A_WIDTH"), parameter("Y_WIDTH")
        return cell if given >= taken else _all_of(cell, taken, given, next(wires))
    width = parameter("Y_WIDTH")
    if kind in _COMPARISONS:
        width = max(parameter("A_WIDTH"), parameter("B_WIDTH"))
    # A shift by more or fewer bits is what it is.
    for port in "A" if kind == "$shl" else "AB":
        missing = width - parameter(f"{port}_WIDTH")
        if missing > 0:
            operand = re.findall(rf"connect \\{port} (.*)", cell)[0]
            extension = _sign(operand, missing) if parameter(f"{port}_SIGNED") else f"{missing}'{'0' * missing}"
            cell = cell.replace(f"connect \\{port} {operand}", f"connect \\{port} {{ {extension} {operand} }}")
            cell = re.sub(rf"(parameter \\{port}_WIDTH) \d+", rf"\1 {width}", cell)
    return cell


def _all_of(cell: str, taken: int, given: int, wire: str) -> str:
    """Give a shift the width of its operand, and its result the lowest bits of that."""
    result = re.findall(r"connect \\Y (.*)", cell)[0]
    cell = cell.replace(f"connect \\Y {result}", f"connect \\Y {wire}")
    cell = re.sub(r"(parameter \\Y_WIDTH) \d+", rf"\1 {taken}", cell)
    return f"  wire width {taken} {wire}\n{cell}\n  connect {result} {wire} [{given - 1}:0]"


def _sign(operand: str, many: int) -> str:
    """Return the highest bit of an operand so many times."""
    first = operand.removeprefix("{ ")
    constant = re.match(r"\d+'([01])", first)
    if constant:
        return f"{many}'{constant[1] * many}"
    name, bit = re.findall(r"^(\S+) \[(\d+)", first)[0]
    return " ".join([f"{name} [{bit}]"] * many)
