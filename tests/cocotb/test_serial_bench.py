"""The core with serial parts in an HDL simulator, behind models that hold every edge to the datasheets."""

import sys
from pathlib import Path

import pytest
from icarus_run import passes
from serial_core import CORE

from twinbar.hw.gateware.controller import Controller
from twinbar.hw.verilog import NAME, export_component


def passed(folder: Path, **environment: str) -> bool:
    text = export_component(Controller(CORE.controller, CORE.config.parts), NAME)
    return passes(NAME, text, "serial_bench_tests", folder, environment)


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
