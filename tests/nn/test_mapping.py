from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.nn.mapping import (
    LayerMap,
    LayerShape,
    map_layers,
    mapped_cells,
    mapped_columns,
    tile_count,
    tile_names,
)

ARRAY = ArrayConfig(rows=5, columns=6)
SHAPES = st.lists(st.tuples(st.integers(1, 14), st.integers(1, 23)), min_size=1, max_size=3)
PLACEMENTS: list[Literal["interleaved", "contiguous"]] = ["interleaved", "contiguous"]
placements = st.sampled_from(PLACEMENTS)


def map_of(shapes: list[tuple[int, int]], placement: Literal["interleaved", "contiguous"]) -> list:
    return map_layers([(f"l{n}", *shape) for n, shape in enumerate(shapes)], ARRAY, placement)


@given(shapes=SHAPES, placement=placements)
def test_every_weight_has_a_pair_of_its_own(
    shapes: list[tuple[int, int]], placement: Literal["interleaved", "contiguous"]
) -> None:
    maps = map_of(shapes, placement)
    plus = np.concatenate([(m.output_address[:, None] + m.input_address[None, :]).ravel() for m in maps])
    both = np.concatenate([plus, plus + 1])
    assert len(np.unique(both)) == len(both) == 2 * sum(outputs * inputs for outputs, inputs in shapes)
    assert both.min() >= 0
    assert both.max() < tile_count(maps) * ARRAY.cells
    # G+ in an even column: G- is its neighbour in the same row.
    assert (plus % ARRAY.columns % 2 == 0).all()
    assert mapped_cells(maps, ARRAY).sum() == len(both)
    assert mapped_cells(maps, ARRAY).ravel()[both].all()


@given(shapes=SHAPES, placement=placements)
def test_layers_have_tiles_of_their_own_and_no_more_than_they_need(
    shapes: list[tuple[int, int]], placement: Literal["interleaved", "contiguous"]
) -> None:
    maps = map_of(shapes, placement)
    first = 0
    for layer, (outputs, inputs) in zip(maps, shapes, strict=True):
        row_tiles, column_tiles = layer.blocks[0].tiles.shape
        assert (row_tiles, column_tiles) == (-(-inputs // 5), -(-outputs // 3))
        assert layer.blocks[0].tiles.tiles == slice(first, first + row_tiles * column_tiles)
        first = layer.blocks[0].tiles.tiles.stop
        tiles = (layer.output_address[:, None] + layer.input_address[None, :]) // ARRAY.cells
        assert np.unique(tiles).tolist() == list(range(layer.blocks[0].tiles.first_tile, first))
    assert len(tile_names(maps)) == len(set(tile_names(maps))) == tile_count(maps) == first


@given(shapes=SHAPES, placement=placements)
def test_the_rows_are_driven_by_the_inputs_of_their_weights(
    shapes: list[tuple[int, int]], placement: Literal["interleaved", "contiguous"]
) -> None:
    for layer in map_of(shapes, placement):
        block = layer.blocks[0].tiles
        row_tiles, column_tiles = block.shape
        tile, cell = np.divmod(layer.input_address, ARRAY.cells)
        row_tile, rest = np.divmod(tile - block.first_tile, column_tiles)
        assert not rest.any()
        assert (cell % ARRAY.columns == 0).all()
        rows = cell // ARRAY.columns
        assert block.row_input[row_tile, rows].tolist() == list(range(layer.inputs))
        unused = np.ones(block.row_input.shape, bool)
        unused[row_tile, rows] = False
        assert (block.row_input[unused] == layer.inputs).all()
        # Used rows and columns come first, so that the number of them says which they are.
        for r in range(row_tiles):
            assert sorted(rows[row_tile == r].tolist()) == list(range(block.used_rows[r]))
        column_tile, column = np.divmod(layer.output_address, ARRAY.cells)
        for c in range(column_tiles):
            assert sorted(column[column_tile == c].tolist()) == list(range(0, block.used_columns[c], 2))


@given(shapes=SHAPES, placement=placements, batch=st.integers(1, 3))
def test_gather_puts_outputs_where_their_weights_are(
    shapes: list[tuple[int, int]], placement: Literal["interleaved", "contiguous"], batch: int
) -> None:
    for layer in map_of(shapes, placement):
        column_tile, column = np.divmod(layer.output_address, ARRAY.cells)
        per_tile = np.full(
            (layer.blocks[0].tiles.shape[1], batch, int(layer.blocks[0].tiles.used_columns.max()) // 2), -1
        )
        for vector in range(batch):
            per_tile[column_tile, vector, column // 2] = np.arange(layer.outputs) + 100 * vector
        assert layer.gather(per_tile[None], paired=True).tolist() == [
            [output + 100 * vector for output in range(layer.outputs)] for vector in range(batch)
        ]


def test_neighbours_lie_on_different_tiles_where_interleaved() -> None:
    (layer,) = map_of([(9, 20)], "interleaved")
    assert (np.diff(layer.input_address // ARRAY.cells) != 0).all()
    assert (np.diff(layer.output_address // ARRAY.cells) != 0).all()
    # Lines are shared evenly: tiles differ by one row, and by one pair, at most.
    assert np.ptp(layer.blocks[0].tiles.used_rows) <= 1
    assert np.ptp(layer.blocks[0].tiles.used_columns) <= 2


def test_tiles_hold_runs_where_contiguous() -> None:
    (layer,) = map_of([(7, 12)], "contiguous")
    assert layer.blocks[0].tiles.row_input.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 12, 12]]
    assert layer.blocks[0].tiles.used_columns.tolist() == [6, 6, 2]


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_mapped_columns_are_those_of_each_tile(placement: Literal["interleaved", "contiguous"]) -> None:
    maps = map_of([(4, 7), (3, 2)], placement)
    used = mapped_cells(maps, ARRAY).any(axis=1).sum(axis=1)
    assert mapped_columns(maps).tolist() == used.tolist()


@given(shapes=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 7)), min_size=1, max_size=6), placement=placements)
def test_layers_that_share_tiles_keep_rows_of_their_own(
    shapes: list[tuple[int, int]], placement: Literal["interleaved", "contiguous"]
) -> None:
    named = [(f"l{n}", *shape) for n, shape in enumerate(shapes)]
    maps = map_layers(named, ARRAY, placement, sharing=True)
    alone = map_layers(named, ARRAY, placement)
    plus = np.concatenate([(m.output_address[:, None] + m.input_address[None, :]).ravel() for m in maps])
    assert len(np.unique(plus)) == len(plus)
    assert plus.max() < tile_count(maps) * ARRAY.cells
    rows = np.concatenate([np.unique(m.input_address + m.output_address[0]) // ARRAY.columns for m in maps])
    assert len(np.unique(rows)) == len(rows)
    assert tile_count(maps) <= tile_count(alone)
    assert len(tile_names(maps)) == len(set(tile_names(maps))) == len(mapped_columns(maps)) == tile_count(maps)
    for shared, own in zip(maps, alone, strict=True):
        # What drives the rows is the same, further down.
        assert (
            shared.blocks[0].tiles.row_input[shared.blocks[0].tiles.row_input < shared.inputs] < shared.inputs
        ).all()
        driven = [np.flatnonzero(row < shared.inputs) for row in shared.blocks[0].tiles.row_input]
        tops = [row.min() for row in driven]
        assert [(row - top).tolist() for row, top in zip(driven, tops, strict=True)] == [
            np.flatnonzero(row < own.inputs).tolist() for row in own.blocks[0].tiles.row_input
        ]
        assert (shared.blocks[0].tiles.used_rows == np.array([row.max() + 1 for row in driven])).all()


def test_a_network_of_small_layers_takes_one_tile() -> None:
    shapes = [("0", 2, 3), ("1", 3, 2), ("2", 3, 1), ("3", 3, 4)]
    maps = map_layers(shapes, ARRAY, "interleaved", sharing=True)
    assert [layer.blocks[0].tiles.first_tile for layer in maps] == [0, 0, 1, 1]
    assert tile_names(maps) == ["0+1 r0 c0", "2+3 r0 c0"]
    assert mapped_columns(maps).tolist() == [6, 6]


# --- groups -----------------------------------------------------------------------------------------------------------

GROUPED = st.lists(
    st.builds(
        lambda groups, outputs, inputs, packed: LayerShape("", groups * outputs, inputs, groups, packed),
        st.integers(1, 5),
        st.integers(1, 8),
        st.integers(1, 9),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)
"""Groups smaller than a tile of 5 rows and 3 pairs, larger ones, and layers without any."""


def grouped_maps(shapes: list[LayerShape], placement: Literal["interleaved", "contiguous"]) -> list[LayerMap]:
    return map_layers([shape._replace(name=f"l{n}") for n, shape in enumerate(shapes)], ARRAY, placement)


def products_of(layer: LayerMap, conductance: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Multiply inputs [groups, inputs] as tiles do: each row drives its cells, each pair of columns adds them up."""
    found = []
    start = 0
    for number, block in enumerate(layer.blocks):
        given = np.append(x[start : start + block.groups].ravel(), 0)
        start += block.groups
        tiles = block.tiles
        row_tiles, column_tiles = tiles.shape
        per_tile = np.zeros((column_tiles, 1, int(tiles.used_columns.max()) // 2), np.int64)
        for r in range(row_tiles):
            for c in range(column_tiles):
                cells = conductance[tiles.first_tile + r * column_tiles + c]
                driven = given[tiles.row_input[r]][: tiles.used_rows[r]]
                sums = driven @ cells[: tiles.used_rows[r], : tiles.used_columns[c]]
                per_tile[c, 0, : len(sums) // 2] += sums[0::2] - sums[1::2]
        found.append(layer.gather(per_tile[None], number, paired=True)[0])
    return np.concatenate(found)


@given(shapes=GROUPED, placement=placements)
def test_every_weight_of_a_group_has_a_pair_of_its_own(
    shapes: list[LayerShape], placement: Literal["interleaved", "contiguous"]
) -> None:
    maps = grouped_maps(shapes, placement)
    plus = np.concatenate([(m.output_address[:, None] + m.input_address[None, :]).ravel() for m in maps])
    both = np.concatenate([plus, plus + 1])
    assert len(np.unique(both)) == len(both) == 2 * sum(shape.outputs * shape.inputs for shape in shapes)
    assert both.min() >= 0
    assert both.max() < tile_count(maps) * ARRAY.cells
    assert (plus % ARRAY.columns % 2 == 0).all()
    assert np.array_equal(np.flatnonzero(mapped_cells(maps, ARRAY)), np.sort(both))
    for layer, shape in zip(maps, shapes, strict=True):
        assert (layer.outputs, layer.inputs, layer.groups) == (shape.outputs, shape.inputs, shape.groups)


@given(shapes=GROUPED, placement=placements, seed=st.integers(0, 99))
def test_blocks_multiply_by_what_the_addresses_say(
    shapes: list[LayerShape], placement: Literal["interleaved", "contiguous"], seed: int
) -> None:
    random = np.random.default_rng(seed)
    maps = grouped_maps(shapes, placement)
    conductance = np.zeros(tile_count(maps) * ARRAY.cells, np.int64)
    weights = []
    for layer in maps:
        plus = layer.output_address[:, None] + layer.input_address[None, :]
        conductance[plus], conductance[plus + 1] = random.integers(1, 9, (2, *plus.shape))
        weights.append(conductance[plus] - conductance[plus + 1])
    tiles = conductance.reshape(-1, ARRAY.rows, ARRAY.columns)
    for layer, shape, matrix in zip(maps, shapes, weights, strict=True):
        x = random.integers(0, 9, (shape.groups, shape.inputs))
        wanted = np.einsum("goi,gi->go", matrix.reshape(shape.groups, -1, shape.inputs), x).ravel()
        assert products_of(layer, tiles, x).tolist() == wanted.tolist()


@given(shapes=GROUPED, placement=placements)
def test_tiles_of_groups_have_names_of_their_own(
    shapes: list[LayerShape], placement: Literal["interleaved", "contiguous"]
) -> None:
    maps = grouped_maps(shapes, placement)
    names = tile_names(maps)
    assert len(names) == len(set(names)) == tile_count(maps) == sum(layer.tiles for layer in maps)
    assert all(any(name.startswith(layer.name) for name in names) for layer in maps)
    used = mapped_cells(maps, ARRAY).any(axis=1).sum(axis=1)
    # Packed groups leave gaps within the columns of a tile to no one: all of its columns up to the last are used.
    assert mapped_columns(maps).tolist() == used.tolist()


@pytest.mark.parametrize(
    ("shape", "tiles", "groups_per_block"),
    [
        # 3 x 1 weights: one row and one pair to each group, so that three pairs limit a tile.
        (LayerShape("depthwise", 7, 1, 7), 3, [3, 3, 1]),
        # Two rows and one pair: five rows limit it.
        (LayerShape("two-rows", 4, 2, 4), 2, [2, 2]),
        (LayerShape("apart", 3, 2, 3, packed=False), 3, [1, 1, 1]),
        # 6 rows are two tiles for each group.
        (LayerShape("larger", 2, 6, 2), 4, [1, 1]),
        (LayerShape("wider", 8, 2, 2), 4, [1, 1]),
    ],
)
def test_groups_share_tiles_where_they_fit(shape: LayerShape, tiles: int, groups_per_block: list[int]) -> None:
    (layer,) = map_layers([shape], ARRAY, "interleaved")
    assert layer.tiles == tile_count([layer]) == tiles
    assert [block.groups for block in layer.blocks] == groups_per_block
    stops = np.cumsum(groups_per_block) * (shape.outputs // shape.groups)
    assert [block.outputs for block in layer.blocks] == [
        slice(int(stop - count * (shape.outputs // shape.groups)), int(stop))
        for stop, count in zip(stops, groups_per_block, strict=True)
    ]
