"""The wrappers, driven by models of their buses that others wrote: cocotbext-axi and cocotbext-wishbone."""

import importlib.util
import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.usefixtures("icarus")
@pytest.mark.parametrize(("bus", "tests"), [("axi", 4), ("wishbone", 3)])
def test_a_wrapper_obeys_its_bus(bus: str, tests: int, core_folder: Path, tmp_path: Path) -> None:
    model = f"cocotbext.{bus}"
    if importlib.util.find_spec("cocotbext") is None or importlib.util.find_spec(model) is None:
        assert not os.environ.get("CI"), f"CI needs {model}"
        pytest.skip(f"needs {model} (pip install cocotbext-{bus})")
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    runner, top = get_runner("icarus"), f"twinbar_{bus}"
    runner.build(
        sources=[core_folder / "rtl" / f"{name}.v" for name in ("twinbar_controller", top)],
        hdl_toplevel=top,
        build_dir=tmp_path,
        timescale=("1ns", "1ps"),
        log_file=tmp_path / "build.log",
    )
    try:
        results = runner.test(
            hdl_toplevel=top,
            test_module=f"{bus}_tests",
            build_dir=tmp_path,
            test_dir=tmp_path,
            results_xml=str(tmp_path / "results.xml"),
            extra_env={
                "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
                # Left alone, assertions are rewritten in all modules that are imported, in half a minute.
                "COCOTB_REWRITE_ASSERTION_FILES": f"{bus}_tests.py bus_values.py",
            },
            log_file=tmp_path / "run.log",
        )
        outcome = get_results(results)
    except SystemExit:
        outcome = (0, 0)
    assert outcome == (tests, 0), (tmp_path / "run.log").read_text()[-6000:]
