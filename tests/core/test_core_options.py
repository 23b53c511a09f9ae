"""Every option of the controller's elaboration can be had from ``twinbar core``, and its bench runs with them."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from twinbar.host.cli import main
from twinbar.host.cli.core_command import core
from twinbar.host.cli.verilog_command import verilog
from twinbar.hw.gateware.controller_config import ControllerConfig

SMALL = ("--rows", "4", "--columns", "4", "--command-depth", "4", "--response-depth", "4")
EVERYTHING = (
    *("--tiles", "2", "--adc-channels", "2", "--cascade", "--shared-inputs", "--chain"),
    *("--outputs-per-beat", "2", "--pulse-entries", "16", "--compare"),
)


def write(folder: Path, *options: str) -> None:
    with pytest.raises(SystemExit) as outcome:
        main(["core", "--out", str(folder), *SMALL, *options])
    assert outcome.value.code in (0, None)


def bench(folder: Path, *arguments: str, simulator: str = "icarus") -> str:
    done = subprocess.run(
        [sys.executable, "bench/run_bench.py", simulator, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", [core, verilog])
def test_every_parameter_of_the_controller_is_an_option(command: Callable[..., Any]) -> None:
    assert {each.name for each in fields(ControllerConfig)} <= set(inspect.signature(command).parameters)


@pytest.mark.usefixtures("icarus")
def test_the_bench_uses_every_option(tmp_path: Path) -> None:
    """Four tests of every core, and one each of table, comparisons, groups, cascades and chains."""
    write(tmp_path / "core", *EVERYTHING, "--hosts", "wishbone")
    assert bench(tmp_path / "core").splitlines() == [
        "twinbar_controller on icarus: 9 tests passed",
        "twinbar_wishbone on icarus: 9 tests passed",
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("verilator")
def test_the_bench_runs_on_verilator_too(tmp_path: Path) -> None:
    write(tmp_path / "core", *EVERYTHING, "--hosts", "")
    assert bench(tmp_path / "core", simulator="verilator") == "twinbar_controller on verilator: 9 tests passed\n"


@pytest.mark.usefixtures("icarus")
def test_a_chip_has_every_option_too(tmp_path: Path) -> None:
    """Its memories are cleared as well: nothing is unknown after the reset, and tables have their first values."""
    write(tmp_path / "core", *EVERYTHING, "--chip", "--hosts", "axi")
    assert bench(tmp_path / "core", "--top", "twinbar_axi") == "twinbar_axi on icarus: 10 tests passed\n"


@pytest.mark.usefixtures("icarus")
def test_a_beat_of_three_sums_may_have_some_left(tmp_path: Path) -> None:
    write(tmp_path / "core", "--adc-channels", "2", "--outputs-per-beat", "3", "--hosts", "")
    assert bench(tmp_path / "core") == "twinbar_controller on icarus: 4 tests passed\n"


@pytest.mark.usefixtures("icarus")
def test_a_chip_with_serial_parts(tmp_path: Path) -> None:
    """The reset makes buses and switches known too."""
    write(tmp_path / "core", "--chip", "--wiring", "icebreaker", "--hosts", "wishbone")
    assert bench(tmp_path / "core").splitlines() == [
        "twinbar_controller on icarus: 4 tests passed",
        "twinbar_wishbone on icarus: 4 tests passed",
    ]


def test_a_link_that_carries_no_options_is_left_out_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "core", "--outputs-per-beat", "2")
    assert not (tmp_path / "core" / "rtl" / "twinbar_uart.v").exists()
    with pytest.raises(SystemExit) as outcome:
        main(["core", "--out", str(tmp_path / "other"), *SMALL, "--pulse-entries", "16", "--hosts", "uart"])
    assert outcome.value.code == 2
    assert "a board does not tell its host of a pulse table" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
