"""From resistors to levels through the reference front end: what docs/analog-board.md tells, on a virtual board."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from twinbar.emulator.crossbar.cell_state import conductances_s
from twinbar.host.board.board import Board
from twinbar.host.virtual.virtual_board import VirtualBoard

pytestmark = [pytest.mark.compiler, pytest.mark.slow]

KNOWN_S = np.linspace(1.2e-6, 19e-6, 16)
"""Cells of row 0 in the place of the dummy load's resistors, within the 1 to 20 uS that these cells have."""


@pytest.fixture
def virtual() -> Iterator[VirtualBoard]:
    """A board whose ADC gives 5 % of error in its gain, and offsets."""
    board = VirtualBoard(
        "icebreaker",
        wiring="icebreaker-reference",
        device="chip",
        seed=3,
        fast=True,
        settings={"array.adc_gain_error": 0.05, "array.adc_offset_codes": 2.0},
    )
    with board:
        yield board


def true_s(virtual: VirtualBoard) -> npt.NDArray[np.float64]:
    return conductances_s(virtual.crossbar, virtual.core.controller, virtual.compiled.cells(), 0)[0]


def test_levels_are_conductances_once_resistors_were_read(virtual: VirtualBoard, tmp_path: Path) -> None:
    table, saved = tmp_path / "load.csv", tmp_path / "my-board.toml"
    places = np.arange(16)
    with Board(virtual.port, device="chip", settings={"timing.samples": 16}) as board:
        board.arm("write")
        board.calibrate()
        assert board.write_conductance(KNOWN_S, 0, places).ok.all()
        ohm = 1 / true_s(virtual)[0, places]
        table.write_text("row,column,ohm\n" + "".join(f"0,{place},{ohm[place]:.4g}\n" for place in places))
        found = board.calibrate_reads(table)
        found.save(saved)
        gain = found.channels[0].siemens_per_code / board.scale.siemens_per_code
    rows, columns = np.mgrid[1:7, 0:16]
    levels = 8 + (3 * rows + columns) % 8
    cells = virtual.crossbar.cells
    asked = cells.g_min_s + (cells.g_max_s - cells.g_min_s) * levels / 15
    errors = []
    for file in (saved, None):
        with Board(virtual.port, device="chip") as board:
            board.arm("write")
            board.calibrate()
            board.use_calibration(file)
            assert board.write_levels(levels, rows, columns).ok.mean() > 0.85
            errors.append(np.mean(true_s(virtual)[1:7] / asked - 1))
    # What the channel's gain is off, and no more than half of a level (of 1.27 uS) that a write may end below.
    assert abs(gain - 1) > 0.02
    assert errors[1] - errors[0] == pytest.approx(gain - 1, abs=0.02)
    assert abs(errors[0]) < 0.04
    assert virtual.compiled.complaints() == (0, [])
