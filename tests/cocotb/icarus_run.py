"""Runs a test module of cocotb on Verilog text, in Icarus."""

import os
import shutil
from pathlib import Path

import pytest

from twinbar.cocotb import runner_for


def passes(toplevel: str, text: str, module: str, folder: Path, environment: dict[str, str]) -> bool:
    """Build a design in a folder, and say whether the one test of a module passes on it; skips without Icarus."""
    from cocotb_tools.check_results import get_results

    if shutil.which("iverilog") is None:
        assert not os.environ.get("CI"), "CI needs iverilog"
        pytest.skip("needs iverilog (apt install iverilog)")
    source = folder / "core.v"
    source.write_text(text, encoding="utf-8")
    runner, own = runner_for("icarus")
    runner.build(
        sources=[source],
        hdl_toplevel=toplevel,
        build_dir=folder,
        timescale=("1ns", "1ps"),
        log_file=folder / "build.log",
    )
    try:
        results = runner.test(
            hdl_toplevel=toplevel,
            test_module=module,
            build_dir=folder,
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            extra_env={"COCOTB_REWRITE_ASSERTION_FILES": f"{module}.py", **own, **environment},
            log_file=folder / "run.log",
        )
        return get_results(results) == (1, 0)
    except SystemExit:
        return False
