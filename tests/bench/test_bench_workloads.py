"""What the benchmark measures: tiles against a tile that is really run, and one configuration for all."""

from pathlib import Path

import numpy as np
import pytest

from twinbar.host.bench.scaling import measure_scaling
from twinbar.host.bench.workloads import REFERENCE, OneLevelMoves, moved_by_one
from twinbar.host.cli.bench_command import FIGURES

ROOT = Path(__file__).parents[2]


def test_a_tile_against_itself_is_once_as_quick() -> None:
    found = measure_scaling(tiles=1, repeats=2, cells=200)
    assert found["four_tiles_over_one"] == 1.0
    assert found["four_tiles_over_one_pulses"] == 1.0
    assert found["four_tiles_over_one_error"] == 0.0
    assert found["four_tiles_over_one_writes"] == 400


def test_four_tiles_do_the_work_of_one_in_a_quarter_of_its_cycles() -> None:
    found = measure_scaling(repeats=3, cells=2048)
    # Their pulses tell how equal the work was; the cycles are nearly in proportion to them.
    assert found["four_tiles_over_one_pulses"] == pytest.approx(1, abs=0.1)
    per_pulse = found["four_tiles_over_one"] * found["four_tiles_over_one_pulses"]
    assert 3.6 < per_pulse < 4.0
    assert 0 < found["four_tiles_over_one_error"] < 0.3


def test_lists_name_the_first_cells_of_every_tile_and_move_no_other() -> None:
    moves = OneLevelMoves(tiles=3, first_cells=5)
    cells = moves.engine.config.array.cells
    # A list of all cells says where each of them is; the next one moves each by one again.
    before, todo, after = moves.next_list(), moves.next_list(5), moves.next_list()
    assert todo.offsets.tolist() == [0, 5, 10, 15]
    assert todo.cells.tolist() == [*range(5)] * 3
    levels = [each.levels.astype(int).reshape(3, -1) for each in (before, todo, after)]
    assert [each.shape for each in levels] == [(3, cells), (3, 5), (3, cells)]
    assert (np.abs(levels[1] - levels[0][:, :5]) == 1).all()
    assert (np.abs(levels[2][:, :5] - levels[1]) == 1).all()
    assert (np.abs(levels[2][:, 5:] - levels[0][:, 5:]) == 1).all()


def test_moves_stay_among_the_levels() -> None:
    rng = np.random.default_rng(0)
    levels = np.array([0, 3, 7] * 100, np.uint8)
    moved = moved_by_one(rng, levels, 8)
    assert moved.dtype == np.uint8
    assert set(moved[levels == 0].tolist()) == {1}
    assert set(moved[levels == 7].tolist()) == {6}
    assert set(moved[levels == 3].tolist()) == {2, 4}


def test_benchmarks_have_one_reference_configuration() -> None:
    other = ROOT / "benchmarks" / "reference.toml"
    assert other.read_text() == REFERENCE.read_text()
    assert "build_config" not in (ROOT / "benchmarks" / "rtl_cycles.py").read_text()


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    for key in [*(key for key, *_ in FIGURES), *measure_scaling(tiles=1, repeats=1, cells=20)]:
        assert f"`{key}`" in page, key
