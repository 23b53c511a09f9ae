"""The exported Verilog in an HDL simulator, with everything around it modelled in Python (cocotb)."""

import ast
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from twinbar.hw.verilog import NAME, export

HERE = Path(__file__).parent
MISSING = [
    what
    for what, found in (
        ("the HDL simulator Icarus (apt install iverilog)", shutil.which("iverilog")),
        ("cocotb (pip install cocotb)", importlib.util.find_spec("cocotb")),
    )
    if not found
]
TESTS = [
    function.name
    for function in ast.parse((HERE / "controller_tests.py").read_text()).body
    if isinstance(function, ast.AsyncFunctionDef) and function.decorator_list
]
"""What `controller_tests` runs; each in a simulation of its own, because a reset keeps registers and tables."""


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """Compile the Verilog; gives the runner and the folder of the result."""
    if MISSING and not os.environ.get("CI"):
        pytest.skip(f"needs {' and '.join(MISSING)}")
    assert not MISSING, f"CI needs {' and '.join(MISSING)}"
    from cocotb_tools.runner import get_runner
    from sessions import CONTROLLER

    folder = tmp_path_factory.mktemp("verilog")
    source = folder / "controller.v"
    source.write_text(export(CONTROLLER))
    runner = get_runner("icarus")
    runner.build(
        sources=[source],
        hdl_toplevel=NAME,
        build_dir=folder,
        timescale=("1ns", "1ps"),
        log_file=folder / "build.log",
    )
    return runner, folder


@pytest.mark.parametrize("name", TESTS)
def test_the_verilog_agrees_with_the_fast_engine(name: str, simulation: tuple[Any, Path], tmp_path: Path) -> None:
    from cocotb_tools.check_results import get_results

    runner, folder = simulation
    try:
        results = runner.test(
            hdl_toplevel=NAME,
            test_module="controller_tests",
            testcase=name,
            build_dir=folder,
            test_dir=tmp_path,
            results_xml=str(tmp_path / "results.xml"),
            extra_env={
                "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
                # Left alone, assertions are rewritten in all modules that are imported, in half a minute.
                "COCOTB_REWRITE_ASSERTION_FILES": " ".join(file.name for file in HERE.glob("*.py")),
            },
            log_file=tmp_path / "run.log",
        )
        outcome = get_results(results)
    except SystemExit:
        outcome = (1, 1)
    assert outcome == (1, 0), (tmp_path / "run.log").read_text()[-6000:]
