"""Reads a flattened module in RTLIL, Yosys' own netlist format: cells, and which bits they drive and read.

Bits are named after what drives them: a ``connect`` only renames. Source: "RTLIL text representation" in the Yosys
manual.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

Bit = tuple[str, int] | str
"""A bit of a wire, or the constant ``0``, ``1``, ``x`` or ``z``."""

_TOKEN = re.compile(r"\{|\}|\[[\d:]+\]|[\\$]\S+|[^\s\[{}]+")

_OUTPUTS = {"$dff": ("\\Q",), "$memrd_v2": ("\\DATA",), "$memwr_v2": (), "$meminit_v2": (), "$scopeinfo": ()}
"""Ports that a cell drives, where it is not ``Y``."""


@dataclass
class Cell:
    """A cell of the netlist.

    Parameters
    ----------
    kind : str
        Type, such as ``$add``.
    name : str
    ports : dict of str to list of Bit
        Lowest bit first, each named after what drives it.
    signed : bool
        Whether an operand is signed.
    """

    kind: str
    name: str
    ports: dict[str, list[Bit]] = field(default_factory=dict)
    signed: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """Ports that the cell drives."""
        return _OUTPUTS.get(self.kind, ("\\Y",))


@dataclass
class Netlist:
    """A flattened module.

    Parameters
    ----------
    widths : dict of str to int
        Wires and their widths.
    cells : list of Cell
    ports, inputs : set of str
        Wires that are ports of the module, and those of them that are inputs.
    aliases : dict of Bit to Bit
        What a ``connect`` says of each bit.
    """

    widths: dict[str, int] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    ports: set[str] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)
    aliases: dict[Bit, Bit] = field(default_factory=dict)

    def driver_of(self, bit: Bit) -> Bit:
        """Return the bit that a bit is another name of."""
        while bit in self.aliases:
            bit = self.aliases[bit]
        return bit

    @cached_property
    def port_bits(self) -> set[Bit]:
        """Bits that drive ports, or that ports drive."""
        return {self.driver_of((name, bit)) for name in self.ports for bit in range(self.widths[name])}

    @cached_property
    def readers(self) -> dict[Bit, list[tuple[Cell, str]]]:
        """Cells that read each bit, with the port; a cell is listed once for each of its ports."""
        found: dict[Bit, list[tuple[Cell, str]]] = defaultdict(list)
        for cell in self.cells:
            for port, bits in cell.ports.items():
                if port not in cell.outputs:
                    for bit in dict.fromkeys(bits):
                        found[bit].append((cell, port))
        return found


def parse(text: str) -> Netlist:
    """Read the text of a flattened module."""
    netlist = Netlist()
    cell: Cell | None = None
    for line in text.splitlines():
        words = line.split(None, 1)
        if not words:
            continue
        keyword, rest = words[0], words[1] if len(words) > 1 else ""
        if keyword == "wire":
            name, width, options = wire_of(rest)
            netlist.widths[name] = width
            if {"input", "output"} & set(options):
                netlist.ports.add(name)
            if "input" in options:
                netlist.inputs.add(name)
        elif keyword == "cell":
            kind, name = rest.split()
            cell = Cell(kind, name)
            netlist.cells.append(cell)
        elif keyword == "parameter" and cell is not None:
            cell.signed |= rest in ("\\A_SIGNED 1", "\\B_SIGNED 1")
        elif keyword == "end":
            cell = None
        elif keyword == "connect" and cell is not None:
            port, value = rest.split(None, 1)
            cell.ports[port] = _bits(value, netlist.widths)
        elif keyword == "connect":
            left, right = _split(rest)
            netlist.aliases.update(zip(_bits(left, netlist.widths), _bits(right, netlist.widths), strict=True))
    for cell in netlist.cells:
        for port, bits in cell.ports.items():
            cell.ports[port] = [netlist.driver_of(bit) for bit in bits]
    return netlist


def wire_of(text: str) -> tuple[str, int, list[str]]:
    """Return name, width and options of a ``wire``, which are what follows the word."""
    *options, name = text.split()
    return name, int(options[options.index("width") + 1]) if "width" in options else 1, options


def signal_names(text: str) -> list[str]:
    """Return the wires that a signal is made of."""
    return [token for token in _TOKEN.findall(text) if token[0] in "\\$"]


def _split(text: str) -> tuple[str, str]:
    """Split a ``connect`` into its two signals."""
    tokens = _TOKEN.findall(text)
    end = tokens.index("}") + 1 if tokens[0] == "{" else 1
    while tokens[end].startswith("["):
        end += 1
    return " ".join(tokens[:end]), " ".join(tokens[end:])


def _bits(text: str, widths: dict[str, int]) -> list[Bit]:
    """Return the bits of a signal, lowest first."""
    parts: list[list[Bit]] = []
    for token in _TOKEN.findall(text):
        if token in "{}":
            continue
        if token.startswith("["):
            high, _, low = token[1:-1].partition(":")
            parts[-1] = parts[-1][int(low or high) : int(high) + 1]
        elif "'" in token and token[0].isdigit():
            parts.append(list(reversed(token.split("'")[1])))
        elif token.isdigit():
            parts.append([str(int(token) >> position & 1) for position in range(32)])
        else:
            parts.append([(token, position) for position in range(widths[token])])
    # The highest comes first in a concatenation.
    return [bit for part in reversed(parts) for bit in part]


def signal_text(bits: Sequence[Bit]) -> str:
    """Write bits as a signal."""
    names = [f"1'{bit}" if isinstance(bit, str) else f"{bit[0]} [{bit[1]}]" for bit in bits]
    return f"{{ {' '.join(reversed(names))} }}"
