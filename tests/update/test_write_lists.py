"""From a decision to the lists of the tiles, and from their responses to what the host knows."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbar.host.update.kernels import group_by_tile, record_responses
from twinbar.host.update.programmed import ProgrammedLayer

NO_READ_BACK = np.zeros((0, 0), np.float32)
CELLS_PER_TILE = 10
TILES = 4


@given(st.lists(st.tuples(st.integers(0, TILES * CELLS_PER_TILE - 1), st.integers(0, 255)), max_size=40))
def test_lists_keep_their_order_within_each_tile(entries: list[tuple[int, int]]) -> None:
    addresses = np.array([address for address, _ in entries], np.int64)
    levels = np.array([level for _, level in entries], np.uint8)
    offsets, cells, sorted_levels, order = group_by_tile(addresses, levels, TILES, CELLS_PER_TILE)
    expected = sorted(range(len(entries)), key=lambda n: entries[n][0] // CELLS_PER_TILE)  # a stable sort
    assert order.tolist() == expected
    assert cells.tolist() == [entries[n][0] % CELLS_PER_TILE for n in expected]
    assert sorted_levels.tolist() == [entries[n][1] for n in expected]
    tiles = [address // CELLS_PER_TILE for address, _ in entries]
    assert np.diff(offsets).tolist() == [tiles.count(tile) for tile in range(TILES)]
    assert offsets[0] == 0


def respond(cells: ProgrammedLayer, origins: list[int], codes: list[int], ok: list[bool]) -> None:
    """Record responses of cells whose level 0 is code 20, with 10 codes from one level to the next."""
    record_responses(
        np.array(origins, np.int32),
        np.array(codes, np.int32),
        np.array(ok, np.bool_),
        20.0,
        10.0,
        cells.positions,
        cells.plus,
        cells.minus,
        NO_READ_BACK if cells.read_plus is None else cells.read_plus,
        NO_READ_BACK if cells.read_minus is None else cells.read_minus,
        cells.failures,
    )


def test_read_back_levels_are_kept_where_asked_for(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[3, 0], [0, -5]], keep_read_back=True)
    respond(cells, [0, 7], [54, 65], [True, True])
    assert cells.read_plus is not None
    assert cells.read_minus is not None
    assert cells.read_plus.tolist() == [[pytest.approx(3.4), 0], [0, 0]]
    assert cells.read_minus.tolist() == [[0, 0], [0, pytest.approx(4.5)]]
    assert (cells.plus.tolist(), cells.minus.tolist()) == ([[3, 0], [0, 0]], [[0, 0], [0, 5]])


@pytest.mark.parametrize(("code", "level"), [(54, 3), (55, 4), (5, 0), (255, 7)])
def test_after_a_failure_a_cell_counts_as_the_level_that_it_was_read_at(
    layer: Callable[..., ProgrammedLayer], code: int, level: int
) -> None:
    cells = layer([[6, -6]])
    respond(cells, [0, 3], [code, code], [False, False])
    assert cells.plus.tolist() == [[level, 0]]
    assert cells.minus.tolist() == [[0, level]]
    assert cells.failures[0].tolist() == [[1, 0]]
    assert cells.failures[1].tolist() == [[0, 1]]


def test_failures_in_a_row_are_counted_until_a_write_succeeds(layer: Callable[..., ProgrammedLayer]) -> None:
    cells = layer([[6]])
    for _ in range(300):
        respond(cells, [0], [50], [False])
    assert cells.failures[0, 0, 0] == 255
    respond(cells, [0], [80], [True])
    assert cells.failures[0, 0, 0] == 0
    assert cells.plus[0, 0] == 3  # the level asked for is set by the policy, not by the response
