"""The exported Verilog of every option of the elaboration does what the engine `fast` does, in Icarus.

Proofs hold the parts of the export to the netlist, and `verify` the engines to one another; here the whole export runs.
"""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from drawn_sessions import DRAWN, verilog_of
from icarus_run import passes

from twinbar.hw.gateware.controller_config import OPTIONS, ControllerConfig
from twinbar.hw.verilog import NAME


def passed(name: str, text: str, folder: Path) -> bool:
    return passes(NAME, text, "drawn_session_tests", folder, {"DRAWN": name})


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
