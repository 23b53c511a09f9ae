"""A controller with emulated arrays, its netlist compiled with CXXRTL: runs programs as the engines do."""

import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from amaranth.hdl import Module, ResetInserter, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.rtl.block import mangle, memory_name
from twinbar.emulator.engines.rtl.netlist import rtlil_text
from twinbar.emulator.engines.rtl.netlist_library import cached_library, library_text, translator_texts
from twinbar.emulator.engines.rtl.storage import storage_of
from twinbar.emulator.engines.rtl.yosys import flatten, translate
from twinbar.hw.gateware.array.emulated_array import EmulatedArray
from twinbar.hw.gateware.array.memory_map import MemoryMap
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.timing import PHASES

PATIENCE = 5_000_000
"""Cycles in which the cells of a test are formed, at most."""
PROGRAM_FLAGS = ("-std=c++17", "-O2", "-DNDEBUG", "-w")
"""What is compiled is a program: a process of its own."""
REST = 3000
"""Cycles after which the last pulse is computed."""


@dataclass
class Run:
    """What came of a program."""

    responses: list[bytes] = field(default_factory=list)
    response_cycles: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    phases: list[list[int]] = field(default_factory=list)
    memories: list[list[int]] = field(default_factory=list)
    cycles: int = 0
    faults: int = 0
    forming_cycles: int = 0


class InSession(wiring.Component):
    """A controller with the reset that a link gives it, ``session``, beside that of its clock domain."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        super().__init__({**controller.signature.members, "session": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.controller = ResetInserter(self.session)(self.controller)
        for path, member, inner in self.controller.signature.flatten(self.controller):
            outer = self
            for step in path:
                outer = outer[step] if isinstance(step, int) else getattr(outer, step)
            target, source = (outer, inner) if member.flow == Out else (inner, outer)
            m.d.comb += Value.cast(target).eq(Value.cast(source))
        return m


class ChipBench:
    """A controller whose cells are on the chip."""

    def __init__(self, config: ControllerConfig, array: EmulatedArray) -> None:
        self.config = config
        self.map = MemoryMap.of(config, array.model)
        self._program = _compiled(config, array)

    def run(self, program: Program, *, rehearsal: int = 0, session: int = -1) -> Run:
        """Form the cells, then run a program, with a session's reset in a cycle of it.

        Before that, run it for some cycles (``rehearsal``), up to the reset of power-up.
        """
        beats = zip(program.commands.tolist(), program.arrivals.tolist(), strict=True)
        lines = [f"{rehearsal} {session} {len(program.commands)} {PATIENCE} {REST}"]
        lines += [f"{command:x} {cycle}" for command, cycle in beats]
        lines.append(" ".join(map(str, [len(program.ready), *program.ready.astype(int).tolist()])))
        done = subprocess.run([self._program], input="\n".join(lines), capture_output=True, text=True, check=True)
        run = Run()
        for line in done.stdout.splitlines():
            what, *values = line.split()
            if what == "accepted":
                run.accepted.append(int(values[0]))
            elif what == "response":
                run.response_cycles.append(int(values[0]))
                run.responses.append(int(values[1], 16).to_bytes(RESPONSE_BYTES, "little"))
            elif what == "phases":
                run.phases.append([int(value) for value in values])
            elif what == "memory":
                run.memories.append([int(value, 16) for value in values])
            else:
                setattr(run, {"formed": "forming_cycles"}.get(what, what), int(values[0]))
        return run

    def cells(self, run: Run) -> dict[str, np.ndarray]:
        """Return conductances, pulses and faults of all cells, and the conversions of all channels."""
        at = self.map
        count, channels = self.config.rows * self.config.columns, self.config.adc_channels
        memories = np.array(run.memories, np.int64).reshape(self.config.tiles, -1, 4)
        records = memories[:, at.cells :][:, :count]
        low, high = records[..., 0] | records[..., 1] << 16, records[..., 2] | records[..., 3] << 16
        counts = memories[:, at.channels + 1 :][:, : 3 * channels : 3]
        return {
            "g": low & (1 << 26) - 1,
            "fault": low >> 26,
            "pulses": high,
            "conversions": counts[..., 0] | counts[..., 1] << 16,
        }


@cache
def _compiled(config: ControllerConfig, array: EmulatedArray) -> Path:
    """Return the program that runs a controller; it is compiled once for all processes, as netlists are."""
    text = rtlil_text(InSession(Controller(config, array=array)))
    harness = [(Path(__file__).parent / "chip_bench.h").read_text(), Path(__file__).read_text()]
    words = MemoryMap.of(config, array.model).words

    def write(work: Path) -> str:
        chip = translate("chip", flatten("chip", text, work), work, debug=False, reset=True)
        found = storage_of(chip.netlist).memories
        memories = sorted(memory_name(name) for name, (width, _) in found.items() if width == 16 and "memory" in name)
        assert len(memories) == config.tiles, memories
        return "\n".join([library_text(), chip.text, *_glue(config, memories, words), harness[0]])

    return cached_library([text, *harness, str(words), *translator_texts()], write, PROGRAM_FLAGS)


def _glue(config: ControllerConfig, memories: list[str], words: int) -> list[str]:
    """Tell the harness what the controller's ports and memories are called."""
    lines = ["using Top = twinbar_chip::p_top;"]
    lines += [f"constexpr int kTiles = {config.tiles}, kPhases = {len(PHASES)};"]
    lines += [f"constexpr int kWords = {words};"]
    each = {
        "phase": ("unsigned", "phases__{}"),
        "fault": ("bool", "tiles__{}__fault"),
    }
    for name, (kind, port) in each.items():
        cases = "".join(f"case {k}: return top.{mangle(port.format(k))}.get<{kind}>();" for k in range(config.tiles))
        lines.append(f"{kind} {name}(Top &top, int tile) {{ switch (tile) {{ {cases} }} return 0; }}")
    all_formed = " && ".join(f"top.{mangle(f'tiles__{k}__formed')}.get<bool>()" for k in range(config.tiles))
    lines.append(f"bool formed(Top &top) {{ return {all_formed}; }}")
    stored = "".join(f"case {k}: return top.{name}.data[at].get<unsigned>();" for k, name in enumerate(memories))
    return [*lines, f"unsigned stored(Top &top, int tile, int at) {{ switch (tile) {{ {stored} }} return 0; }}"]
