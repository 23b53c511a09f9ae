"""What ``twinbar core`` writes: Verilog that tools take, and a bench that runs without Twinbar."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bus_values import OPTIONS

from twinbar.host.cli import main

MODULES = ("twinbar_controller", "twinbar_axi", "twinbar_wishbone", "twinbar_uart")


def run(folder: Path, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def sources(folder: Path, module: str) -> list[str]:
    wrapped = module in ("twinbar_axi", "twinbar_wishbone")
    return [str(folder / "rtl" / f"{name}.v") for name in ((MODULES[0], module) if wrapped else (module,))]


def test_the_folder_is_complete(core_folder: Path) -> None:
    found = {path.relative_to(core_folder).as_posix() for path in core_folder.rglob("*") if path.is_file()}
    each = {f"{folder}/{name}.{end}" for name in MODULES for folder, end in (("rtl", "v"), ("constraints", "sdc"))}
    assert found >= each | {f"instances/{name}.v" for name in MODULES}
    assert found >= {"README.md", "Makefile", "twinbar.core", "registers/twinbar.rdl", "registers/twinbar_registers.h"}
    assert found >= {"registers/twinbar_axi.xml", "registers/twinbar_wishbone.xml", "bench/run_bench.py"}
    # Whoever gets the folder has no Twinbar.
    assert {path.name for path in (core_folder / "bench" / "twinbar_bench").iterdir()} >= {
        "core_rules.py",
        "cell_grid.py",
    }
    for path in (core_folder / "bench").rglob("*.py"):
        assert not re.search(r"^\s*(from|import) (twinbar\b(?!_)|numpy)", path.read_text(), re.MULTILINE), path


@pytest.mark.usefixtures("icarus")
@pytest.mark.parametrize("module", MODULES)
def test_icarus_takes_a_module_and_its_instance(module: str, core_folder: Path, tmp_path: Path) -> None:
    """An instance in a module that has nothing else: all ports are there, with the widths that the comments say."""
    text = (core_folder / "instances" / f"{module}.v").read_text()
    ports = re.findall(r"\.(\w+) *\((\w+)\),?  // (?:in|out)put( \[\d+:0\])?", text)
    assert len(ports) > 20
    assert all(port == wire for port, wire, _ in ports)
    around = tmp_path / "around.v"
    around.write_text("\n".join(["module around;", *(f"wire{w} {name};" for name, _, w in ports), text, "endmodule"]))
    command = ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-s", "around", "-o", str(tmp_path / "a.out")]
    done = run(tmp_path, *command, str(around), *sources(core_folder, module))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.usefixtures("verilator")
@pytest.mark.parametrize("module", MODULES[1:])  # the core is in each of them
def test_verilator_has_no_warning_for_a_module(module: str, core_folder: Path) -> None:
    done = run(core_folder, "verilator", "--lint-only", "-Wall", "--top-module", module, *sources(core_folder, module))
    assert (done.returncode, done.stderr) == (0, "")


def bench(folder: Path, tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the bench in a copy of the folder."""
    copy = tmp_path / "core"
    shutil.copytree(folder, copy)
    return run(copy, sys.executable, "bench/run_bench.py", *arguments)


@pytest.mark.usefixtures("icarus")
def test_the_bench_passes_on_icarus(core_folder: Path, tmp_path: Path) -> None:
    done = bench(core_folder, tmp_path, "icarus")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        *(f"{module} on icarus: 4 tests passed" for module in MODULES[:3]),
        "twinbar_uart on icarus: 1 tests passed",
    ]


@pytest.mark.usefixtures("icarus")
def test_the_bench_sees_a_fault(core_folder: Path, tmp_path: Path) -> None:
    """A gate that is open for a cycle more than its register says."""
    broken = tmp_path / "broken"
    shutil.copytree(core_folder, broken)
    protocol = broken / "bench" / "core_tests.py"
    text = protocol.read_text()
    assert "for kind in kinds]" in text
    protocol.write_text(text.replace("(kind, WIDTH, ", "(kind, WIDTH + 1, "))
    done = run(broken, sys.executable, "bench/run_bench.py", "icarus", "--top", "twinbar_controller")
    assert done.returncode == 1
    assert "1 of 4 tests failed" in done.stdout


def test_a_missing_simulator_is_named(core_folder: Path, tmp_path: Path) -> None:
    done = run(core_folder, sys.executable, "bench/run_bench.py", "verilator", PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (
        3,
        "Error: the simulator verilator is not installed; run: apt-get install verilator\n",
    )


def status(arguments: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as outcome:
        main(arguments)
    return outcome.value.code


@pytest.mark.parametrize("clock_hz", [1000, 10_000_000, 7_000_001])
def test_a_core_without_a_uart_takes_any_clock(clock_hz: int, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    sizes = ["--rows", "4", "--columns", "4"]
    assert not status(["core", "--out", str(folder), "--hosts", "axi", "--clock-hz", str(clock_hz), *sizes])
    assert f"-period {1e9 / clock_hz:.3f} " in (folder / "constraints" / "twinbar_axi.sdc").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--hosts", "axi,pci"], "there is no host 'pci'; choose from streams, axi, wishbone, uart"),
        (["--chip", "--hosts", "uart"], "the host uart is not there for a chip"),
        (["--adc-channels", "3"], "--adc-channels is 3; it must be a power of two"),
        (["--wiring", "ice40-hx8k-b-evn"], "has the core's own pins; leave it out"),
        (["--baud", "7000000"], "Error: --baud is 7000000, which a clock of 12000000 Hz does not make"),
        (["--clock-hz", "7000"], "a clock of 7000 Hz makes none of the usual baud rates (3000000, 2000000, "),
        (["--clock-hz", "0"], "Invalid value for '--clock-hz'"),
        (["--compare"], "--compare is true without a pulse table; set --pulse-entries to 16, 32 or 64"),
        (["--chain"], "whose groups it goes to; set --shared-inputs"),
        (
            ["--compare", "--pulse-entries", "16", "--wiring", "icebreaker"],
            "Error: --compare is true; only a direct front end can compare",
        ),
        (["--pulse-entries", "16", "--hosts", "uart"], "of a pulse table; build the controller with --pulse-entries 0"),
        (
            ["--chain", "--shared-inputs", "--hosts", "uart"],
            "build the controller with no --cascade, no --shared-inputs and --outputs-per-beat 1",
        ),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(["core", "--out", str(tmp_path / "new"), *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert status(["core", "--out", str(tmp_path), *OPTIONS]) == 2
    assert f"{tmp_path} holds other files; choose a new or empty folder with --out" in capsys.readouterr().err
    assert status(["core", "--out", str(tmp_path / "notes.txt"), *OPTIONS]) == 2
    assert "is a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.usefixtures("icarus")
def test_a_core_with_serial_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Written into an empty folder, reported as JSON, and run."""
    arguments = ["--wiring", "icebreaker", "--rows", "4", "--columns", "4", "--hosts", "", "--json"]
    assert status(["core", "--out", str(tmp_path), *arguments]) in (0, None)
    told = json.loads(capsys.readouterr().out)
    assert list(told["modules"]) == ["twinbar_controller"]
    assert set(told["files"]) == {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    done = run(tmp_path, sys.executable, "bench/run_bench.py", "icarus")
    assert (done.returncode, done.stdout) == (0, "twinbar_controller on icarus: 3 tests passed\n"), done.stderr
