"""Takes the netlist of a core apart, so that a cycle costs only what moves in it.

The serialisers (UARTs and SPI transceivers) move in most cycles of a board with serial parts, and nothing else does.
They are therefore compiled as blocks of their own, and the *core* is what is left of the netlist when they are taken
out: their outputs become inputs of the core, and their inputs become outputs of it. What is wired where, and which
serialiser a pin belongs to, is read from the netlist. An array that the chip emulates works for a long time while the
core waits for it; it becomes a block in the same way, and so does the link.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinbar.emulator.engines.rtl.netlist_errors import BuildError
from twinbar.emulator.engines.rtl.rtlil import Bit, Cell, Netlist, parse, signal_text
from twinbar.emulator.engines.rtl.yosys import flatten

CORE: Final = "core"
LINK: Final = "link"
"""The block of the link, which works while the controller rests, and rests while that works."""
_LINK_MODULE: Final = "top.controller.link"
SERIALISERS: Final = ("uart_receiver", "uart_transmitter", "dac_bus", "adc_bus", "switch_bus")
"""Last names of the modules that become blocks."""
ARRAYS: Final = "front_end_"
"""What the last name of an emulated array begins with, which becomes a block as well."""
_CLOCKING: Final = ("\\clk", "\\rst")
_STREAM: Final = re.compile(r"(payload|data)$")


@dataclass(frozen=True)
class BlockPort:
    """A port of a block.

    Parameters
    ----------
    block, name : str
    """

    block: str
    name: str


@dataclass(frozen=True)
class Wire:
    """What connects two blocks.

    Parameters
    ----------
    source, target : BlockPort
    valid : BlockPort, optional
        The wire is the payload of a stream, which means something only while this is high.
    """

    source: BlockPort
    target: BlockPort
    valid: BlockPort | None


@dataclass(frozen=True)
class Partition:
    """A netlist in blocks.

    Parameters
    ----------
    texts : dict of str to str
        Flattened module of every block, by name.
    wires : list of Wire
    pins : dict of str to BlockPort
        Where each pin of the whole is.
    """

    texts: dict[str, str]
    wires: list[Wire]
    pins: dict[str, BlockPort]

    def wires_from(self, block: str) -> list[Wire]:
        """Return what a block tells others."""
        return [wire for wire in self.wires if wire.source.block == block]


def partition(text: str, folder: Path, *, arrays: bool = False) -> Partition:
    """Take a netlist apart.

    Parameters
    ----------
    text : str
        RTLIL of the whole.
    folder : Path
        Where intermediate files may be left.
    arrays : bool
        Front ends are emulated arrays.

    Raises
    ------
    BuildError
        If a serialiser's outputs depend on its inputs in the same cycle: it could not be evaluated before the core.
    """
    names = [name for name in re.findall(r"^module \\(\S+)", text, re.M) if _is_block(name, arrays)]
    modules = _modules(flatten("whole", text, folder, names))
    blocks = {name: name.removeprefix("top.").replace(".", "_") for name in names} | {_LINK_MODULE: LINK}
    texts = {}
    for name, block in blocks.items():
        texts[block] = modules[name].replace(f"module \\{name}", "module \\top", 1)
        if is_serialiser(block) and (path := _path_through(parse(texts[block]))) is not None:
            raise BuildError(f"the output {path} of {name} depends on its inputs in the same cycle")
    link = _connected(LINK, texts[LINK], blocks, texts, {})
    whole = _connected(
        CORE, modules["top"], blocks, texts, {BlockPort(LINK, pin): port for pin, port in link.pins.items()}
    )
    return Partition(texts | link.texts | whole.texts, [*link.wires, *whole.wires], whole.pins)


def is_serialiser(name: str) -> bool:
    """Whether a block or module is a serialiser."""
    return name.endswith(SERIALISERS)


def _is_block(name: str, arrays: bool) -> bool:
    return is_serialiser(name) or name == _LINK_MODULE or (arrays and name.rpartition(".")[2].startswith(ARRAYS))


def _modules(text: str) -> dict[str, str]:
    """Split a design into the texts of its modules."""
    return {match[1]: match[0] for match in re.finditer(r"^module \\(\S+)\n.*?^end$\n?", text, re.M | re.S)}


def _path_through(netlist: Netlist) -> str | None:
    """Return an output that follows an input without a register between them."""
    pending = [(name, bit) for name in netlist.inputs for bit in range(netlist.widths[name])]
    reached: set[Bit] = set(pending)
    while pending:
        for cell, _ in netlist.readers[pending.pop()]:
            if cell.kind not in ("$dff", "$memwr_v2"):
                fresh = {bit for port in cell.outputs for bit in cell.ports[port]} - reached
                reached |= fresh
                pending += [bit for bit in fresh if not isinstance(bit, str)]
    for name in sorted(netlist.ports - netlist.inputs):
        if any(netlist.driver_of((name, bit)) in reached for bit in range(netlist.widths[name])):
            return name
    return None


def _connected(
    name: str, text: str, blocks: dict[str, str], texts: dict[str, str], moved: dict[BlockPort, BlockPort]
) -> Partition:
    """Take the blocks out of a module, and note what was connected.

    Parameters
    ----------
    name : str
        Of the block that is left.
    text : str
        The module.
    blocks, texts : dict of str to str
        Names of the blocks by module, and their modules as they were.
    moved : dict of BlockPort to BlockPort
        Ports of a block that are really those of one that was taken out of it.
    """
    whole = parse(text)
    cells = [cell for cell in whole.cells if cell.kind.removeprefix("\\") in blocks]
    inputs = {cell.kind: parse(texts[blocks[cell.kind[1:]]]).inputs for cell in cells}
    pins = {pin[1:]: BlockPort(name, pin[1:]) for pin in whole.ports if pin not in _CLOCKING}
    driven = {
        tuple(whole.driver_of((pin, n)) for n in range(whole.widths[pin])): pin for pin in whole.ports - whole.inputs
    }
    read = _read_bits(whole, cells, inputs)
    wires: list[Wire] = []
    declared, connected = [], []
    number = 1 + sum(line.lstrip().startswith("wire") for line in text.splitlines())
    for cell in cells:
        block = blocks[cell.kind[1:]]
        for port, bits in cell.ports.items():
            inside, outside = BlockPort(block, port[1:]), BlockPort(name, f"{block}__{port[1:]}")
            inside = moved.get(inside, inside)
            pin = _whole_input(whole, bits)
            if port in _CLOCKING:
                continue
            if port in inputs[cell.kind] and pin is not None:
                pins[pin] = inside
                continue
            gate = _STREAM.sub("valid", port)
            gated = gate != port and gate in cell.ports
            if port in inputs[cell.kind]:
                wires.append(Wire(outside, inside, BlockPort(name, f"{block}__{gate[1:]}") if gated else None))
                declared.append(f"  wire width {len(bits)} output {number} \\{outside.name}")
                connected.append(f"  connect \\{outside.name} {signal_text(bits)}")
            else:
                if tuple(bits) in driven:
                    pins[driven[tuple(bits)][1:]] = inside
                if read & set(bits):
                    wires.append(Wire(inside, outside, BlockPort(block, gate[1:]) if gated else None))
                declared.append(f"  wire width {len(bits)} input {number} \\{outside.name}")
                connected.append(f"  connect {signal_text(bits)} \\{outside.name}")
            number += 1
    body = _without_cells(text, {f"\\{kind}" for kind in blocks})
    return Partition({name: "\n".join([body, *declared, *connected, "end", ""])}, wires, pins)


def _read_bits(whole: Netlist, cells: list[Cell], inputs: dict[str, set[str]]) -> set[Bit]:
    """Return the bits that are read: by a cell, a serialiser's input, or a pin that shows only a part of an output."""
    outputs = {tuple(bits) for cell in cells for port, bits in cell.ports.items() if port not in inputs[cell.kind]}
    found: set[Bit] = set()
    for bit, readers in whole.readers.items():
        if any(cell.kind not in inputs or port in inputs[cell.kind] for cell, port in readers):
            found.add(bit)
    for name in whole.ports - whole.inputs:
        bits = tuple(whole.driver_of((name, n)) for n in range(whole.widths[name]))
        found |= set(bits) if bits not in outputs else set()
    return found


def _whole_input(whole: Netlist, bits: list[Bit]) -> str | None:
    """Return the input pin that bits are, if they are a whole one."""
    name = bits[0][0]
    whole_pin = f"\\{name[1:]}" in whole.inputs and bits == [(name, n) for n in range(whole.widths[name])]
    return name[1:] if whole_pin else None


def _without_cells(text: str, kinds: set[str]) -> str:
    """Return the lines of a module without its end, and without the cells of some kinds and their attributes."""
    kept: list[str] = []
    inside = False
    for line in text.rstrip().splitlines()[:-1]:
        words = line.split()
        if words[:1] == ["cell"] and words[1] in kinds:
            inside = True
            while kept[-1].split()[:1] == ["attribute"]:
                kept.pop()
        if not inside:
            kept.append(line)
        inside &= words != ["end"]
    return "\n".join(kept)
