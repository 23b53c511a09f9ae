"""The core with serial parts in an HDL simulator, behind models that hold every edge to the datasheets."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from serial_core import CORE

from twinbar.cocotb import runner_for
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.verilog import NAME, export_component


def passed(folder: Path, **environment: str) -> bool:
    from cocotb_tools.check_results import get_results

    if shutil.which("iverilog") is None:
        assert not os.environ.get("CI"), "CI needs iverilog"
        pytest.skip("needs iverilog (apt install iverilog)")
    source = folder / "core.v"
    source.write_text(export_component(Controller(CORE.controller, CORE.config.parts), NAME))
    runner, own = runner_for("icarus")
    runner.build(
        sources=[source], hdl_toplevel=NAME, build_dir=folder, timescale=("1ns", "1ps"), log_file=folder / "build.log"
    )
    try:
        results = runner.test(
            hdl_toplevel=NAME,
            test_module="serial_bench_tests",
            build_dir=folder,
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            extra_env={"COCOTB_REWRITE_ASSERTION_FILES": "serial_bench_tests.py", **own, **environment},
            log_file=folder / "run.log",
        )
        return get_results(results) == (1, 0)
    except SystemExit:
        return False


@pytest.mark.ci
def test_parts_keep_their_times_and_cells_do_the_same(tmp_path: Path) -> None:
    assert str(Path(__file__).parent) in sys.path
    assert passed(tmp_path), (tmp_path / "run.log").read_text()[-4000:]


@pytest.mark.ci
@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("SHORT", "SETTLE_DRIVE", "the write gate opened while an output of a DAC was still on its way"),
        ("SLOWER", "1", "period_ns"),
    ],
)
def test_parts_that_are_given_too_little_time_are_noticed(name: str, value: str, what: str, tmp_path: Path) -> None:
    """A register that is too short, and a DAC whose bus is slower than the one that the core was built for."""
    assert not passed(tmp_path, **{name: value})
    assert what in (tmp_path / "run.log").read_text()
