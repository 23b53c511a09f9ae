"""The exported Verilog of every option of the elaboration does what the engine `fast` does, in Icarus.

Proofs hold the parts of the export to the netlist, and `verify` the engines to one another; here the whole export runs.
"""

import os
import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest
from drawn_sessions import DRAWN, verilog_of

from twinbar.cocotb import runner_for
from twinbar.hw.gateware.controller_config import OPTIONS, ControllerConfig
from twinbar.hw.verilog import NAME


def passed(name: str, text: str, folder: Path) -> bool:
    from cocotb_tools.check_results import get_results

    if shutil.which("iverilog") is None:
        assert not os.environ.get("CI"), "CI needs iverilog"
        pytest.skip("needs iverilog (apt install iverilog)")
    source = folder / "core.v"
    source.write_text(text, encoding="utf-8")
    runner, own = runner_for("icarus")
    runner.build(
        sources=[source], hdl_toplevel=NAME, build_dir=folder, timescale=("1ns", "1ps"), log_file=folder / "build.log"
    )
    try:
        results = runner.test(
            hdl_toplevel=NAME,
            test_module="drawn_session_tests",
            build_dir=folder,
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            extra_env={"COCOTB_REWRITE_ASSERTION_FILES": "drawn_session_tests.py", "DRAWN": name, **own},
            log_file=folder / "run.log",
        )
        return get_results(results) == (1, 0)
    except SystemExit:
        return False


def test_every_option_is_in_one_of_them() -> None:
    usual = {field.name: field.default for field in fields(ControllerConfig)}
    cores = [each.controller for each in DRAWN.values()]
    found = {option for core in cores for option in OPTIONS if getattr(core, option) != usual[option]}
    assert found == set(OPTIONS)


LONG = ("together", "network")
"""What each option of theirs does is in others, too."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LONG else pytest.mark.ci) for name in DRAWN]
)
def test_the_export_does_what_fast_does(name: str, tmp_path: Path) -> None:
    assert passed(name, verilog_of(name), tmp_path), (tmp_path / "run.log").read_text()[-4000:]


FAULTS = {
    "activations lose a field": ("control__activations", "3'h6", "3'h5"),
    "a row register loses a bit": ("readout__inputs", "32'd30583", "32'd30582"),
}
"""A module of every tile of ``chain``, what its text has, and what instead; 30583 are the rows of the last word."""


@pytest.mark.ci
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_export_is_noticed(fault: str, tmp_path: Path) -> None:
    module, right, wrong = FAULTS[fault]

    def damaged(found: re.Match[str]) -> str:
        assert right in found[0]
        return found[0].replace(right, wrong)

    pattern = rf"^module {NAME}__tile_\d+__{module}\w*\(.*?^endmodule"
    text, many = re.subn(pattern, damaged, verilog_of("chain"), flags=re.MULTILINE | re.DOTALL)
    assert many == DRAWN["chain"].controller.tiles
    assert not passed("chain", text, tmp_path)
    assert "the engine fast" in (tmp_path / "run.log").read_text()
