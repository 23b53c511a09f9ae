"""The table of all boards (`benchmarks/boards.py`) has a row for each family of FPGAs."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "boards.py"


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("board_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("used", "cells"),
    [
        (
            {"ICESTORM_LC": [3913, 7680], "ICESTORM_RAM": [26, 32], "SB_IO": [78, 206]},
            ["3,913 of 7,680 (51%)", "26 of 32 (81%)", "78 of 206 (38%)"],
        ),
        (
            {"TRELLIS_COMB": [5622, 24288], "DP16KD": [6, 56], "TRELLIS_IO": [19, 197]},
            ["5,622 of 24,288 (23%)", "6 of 56 (11%)", "19 of 197 (10%)"],
        ),
        ({"LUT4": [4931, 8640], "DFF": [1000, 6480], "BSRAM": [6, 26]}, ["4,931 of 8,640 (57%)", "6 of 26 (23%)", ""]),
    ],
    ids=["iCE40", "ECP5", "Gowin"],
)
def test_a_row_says_what_the_tools_count(table: ModuleType, used: dict[str, list[int]], cells: list[str]) -> None:
    clocks = {
        "slack": {"wanted_hz": 12e6, "achieved_hz": 70e6},
        "tight": {"wanted_hz": 27e6, "achieved_hz": 57.8e6},
    }
    result = {"board": "mine", "device": "FPGA", "used": used, "clocks": clocks, "seconds": 46.4}
    assert table.row(result) == ["`mine`", "FPGA", *cells, "27.0 MHz", "57.8 MHz", "46 s"]


def test_an_unknown_board_is_named() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "nosuch"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: there is no board 'nosuch'; choose one of colorlight-i5, ")
    assert done.stdout == ""
