"""The bench that users begin with: all stated bins are hit, no rule is broken, and the engine `fast` does the same."""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from twinbar.cocotb import COVERED
from twinbar.hw.verilog import NAME, export, ports

ROOT = Path(__file__).parents[2]
SIMULATORS = {"icarus": "iverilog", "verilator": "verilator"}


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("own_bench", ROOT / "examples" / "own_bench" / "run_bench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def needed(simulator: str) -> None:
    if shutil.which(SIMULATORS[simulator]) is None:
        assert not os.environ.get("CI"), f"CI needs {SIMULATORS[simulator]}"
        pytest.skip(f"needs {SIMULATORS[simulator]} (apt install {SIMULATORS[simulator]})")


@pytest.mark.ci
def test_every_bin_is_hit_on_icarus(example: ModuleType, tmp_path: Path) -> None:
    needed("icarus")
    found: dict[str, Any] = example.run("icarus", tmp_path)
    assert found is not None, (tmp_path / "run.log").read_text()[-4000:]
    assert found["hit"] == found["bins"] > 450
    assert found["pulses"] > 1000
    assert {"AnsweredInOrder", "DriveStandsStill", "HaltsAreObeyed", "PulsesSettle", "StableStream"} <= set(
        found["rules"]
    )


@pytest.mark.slow
def test_every_bin_is_hit_on_verilator(example: ModuleType, tmp_path: Path) -> None:
    needed("verilator")
    found: dict[str, Any] = example.run("verilator", tmp_path)
    assert found is not None, (tmp_path / "run.log").read_text()[-4000:]
    assert found["hit"] == found["bins"]


FAULTS = {
    "a gate that closes late": ("write_gate", "write_gate_is | late", "GateInPulses"),
    "a drive that moves": ("codes", "codes_is ^ {35'd0, late}", "DriveStandsStill"),
}
"""A pin of tile 0, what it shows instead of what it is, and the rule that it breaks."""


def around_the_core(text: str, pin: str, shown: str) -> str:
    """Put a core into a module of its name whose pin shows something else."""
    listed = ports(COVERED.controller)
    declared, passed = [], []
    for port in listed:
        width = f"[{port.bits - 1}:0] " if port.bits > 1 else ""
        declared.append(f"{'output' if port.direction.startswith('out') else 'input'} {width}{port.name}")
        inside = f"{pin}_is" if port.name == f"tiles__0__{pin}" else port.name
        passed.append(f".{port.name}({inside})")
        if inside != port.name:
            wire = f"wire {width}{inside};"
    return f"""{text.replace(f"module {NAME}(", "module core_inside(")}
module {NAME}({", ".join(declared)});
  {wire}
  reg late = 0;
  always @(posedge clk) late <= {"write_gate_is" if pin == "write_gate" else "tiles__0__write_gate"};
  assign tiles__0__{pin} = {shown};
  core_inside the_core({", ".join(passed)});
endmodule
"""


@pytest.mark.ci
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_core_is_caught(
    fault: str, example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rule ends the bench in the very cycle."""
    needed("icarus")
    pin, shown, rule = FAULTS[fault]
    monkeypatch.setattr(example, "export", lambda controller: around_the_core(export(controller), pin, shown))
    assert example.run("icarus", tmp_path) is None
    assert f"{rule}: tile 0" in (tmp_path / "run.log").read_text()


def test_a_missing_simulator_is_named(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(sys, "argv", ["run_bench.py", "verilator"])
    assert example.main() == 3
    assert capsys.readouterr().err == "Error: verilator is not installed; run: apt-get install verilator\n"


def test_what_is_stored_is_what_the_bench_found() -> None:
    stored = json.loads((ROOT / "docs" / "figures" / "coverage.json").read_text(encoding="utf-8"))
    assert stored["hit"] == stored["bins"]
