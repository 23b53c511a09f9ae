import itertools

import pytest

from twinbar.host.report.tile_layout import TileMap, blocks_of, lay_out


def grid(layer: str, rows: int, columns: int) -> list[str]:
    return [f"{layer} r{row} c{column}" for row in range(rows) for column in range(columns)]


def corners(tile_map: TileMap) -> dict[int, tuple[int, int]]:
    return {
        index: placed.corner(row, column)
        for placed in tile_map.blocks
        for (row, column), index in placed.block.tiles.items()
    }


@pytest.mark.parametrize(
    "names",
    [
        grid("layers.0", 7, 4) + grid("layers.1", 2, 1),
        grid("layers.0", 7, 64) + grid("layers.1", 32, 1),
        [f"tile {number}" for number in range(33)],
        ["only"],
    ],
)
def test_every_tile_has_a_place_of_its_own_on_the_map(names: list[str]) -> None:
    tile_map = lay_out(names, 16, 24, 400.0)
    at = corners(tile_map)
    assert sorted(at) == list(range(len(names)))
    for x, y in at.values():
        assert 0 <= x <= tile_map.width - 24
        assert 0 <= y <= tile_map.height - 16
    for (x, y), (u, v) in itertools.combinations(at.values(), 2):
        assert abs(x - u) >= 24 or abs(y - v) >= 16


def test_a_layer_is_drawn_as_it_divides_its_weights() -> None:
    at = corners(lay_out(grid("layers.0", 3, 2), 16, 16, 400.0))
    assert at[0][1] == at[1][1]  # r0 c0 and r0 c1 are side by side
    assert at[0][0] == at[2][0] == at[4][0]  # c0 of all rows are below one another
    assert at[0][1] < at[2][1] < at[4][1]


def test_a_long_single_line_is_folded_and_keeps_its_names() -> None:
    (block,) = blocks_of(grid("layers.1", 32, 1))
    assert 1 < block.columns < 32
    assert block.labels is not None
    assert block.labels[31] == "r31 c0"


@pytest.mark.parametrize("names", [["a", "b"], ["x r0 c0", "x r0 c0"], ["x r0 c0", "unnamed"]])
def test_names_without_a_grid_give_a_plain_one(names: list[str]) -> None:
    (block,) = blocks_of(names)
    assert block.labels == dict(enumerate(names))


def test_layers_with_numbers_for_names_are_called_layers() -> None:
    assert [block.title for block in blocks_of([*grid("0", 1, 2), *grid("fc", 1, 1)])] == ["layer 0", "fc"]
