"""The core file is what FuseSoC takes: its targets lint, run the bench and say when it fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CORE = "twinbar:cores:controller"


@pytest.fixture
def library(core_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the core in a workspace that has it as a library."""
    if shutil.which("fusesoc", path=str(Path(sys.executable).parent)) is None:
        assert not os.environ.get("CI"), "CI needs FuseSoC (pip install fusesoc)"
        pytest.skip("needs FuseSoC (pip install fusesoc)")
    copy = tmp_path / "core"
    shutil.copytree(core_folder, copy)
    said = fusesoc(tmp_path, "library", "add", "twinbar", str(copy))
    assert said.returncode == 0, said.stderr
    return copy


def fusesoc(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["fusesoc", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": programs, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)},
    )


@pytest.mark.usefixtures("icarus", "verilator")
def test_targets_lint_and_run_the_bench(library: Path) -> None:
    folder = library.parent
    lint = fusesoc(folder, "run", "--target", "lint_twinbar_uart", CORE)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    bench = fusesoc(folder, "run", "--target", "sim_twinbar_uart", CORE)
    assert bench.returncode == 0, bench.stdout + bench.stderr
    assert "twinbar_uart on icarus: 1 tests passed" in bench.stdout


@pytest.mark.usefixtures("icarus")
def test_a_bench_that_fails_is_a_target_that_fails(library: Path) -> None:
    bench = library / "bench" / "uart_tests.py"
    text = bench.read_text()
    assert "async def " in text
    bench.write_text(text + "\n\n@cocotb.test()\nasync def two_is_three(dut):\n    assert 2 == 3\n")
    done = fusesoc(library.parent, "run", "--target", "sim_twinbar_uart", CORE)
    assert done.returncode != 0
    assert "1 of 2 tests failed" in done.stdout


def test_synthesis_is_set_up_for_a_tool_that_one_names(library: Path) -> None:
    """The sources and the constraints of a wrapper are in the project."""
    done = fusesoc(library.parent, "run", "--setup", "--target", "synth_twinbar_axi", "--tool", "vivado", CORE)
    assert done.returncode == 0, done.stderr
    text = "".join(script.read_text() for script in (library.parent / "build").rglob("*.tcl"))
    assert all(name in text for name in ("twinbar_controller.v", "twinbar_axi.v"))
