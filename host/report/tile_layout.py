"""Where each tile goes on a map of all tiles: layers as they divide their weight matrices, or a plain grid."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"(?P<layer>.+) r(?P<row>\d+) c(?P<column>\d+)")
_LONGEST_LINE: Final = 10
"""Tiles in a single row or column of a layer from which it is folded."""

# Heights and widths of text in points, with the space around it.
_TITLE_PT: Final = 30.0
_SIDE_PT: Final = 20.0
_LABEL_PT: Final = 10.0


@dataclass(frozen=True)
class Block:
    """Tiles that are drawn as one grid.

    Parameters
    ----------
    title : str
        Name of the layer, or empty.
    tiles : dict
        Index of the tile at each (row, column) of the grid.
    labels : dict or None
        Name above each tile by its index; None where rows and columns of the grid name the tiles.
    """

    title: str
    tiles: dict[tuple[int, int], int]
    labels: dict[int, str] | None = None

    @property
    def rows(self) -> int:
        """Rows of the grid."""
        return 1 + max(row for row, _ in self.tiles)

    @property
    def columns(self) -> int:
        """Columns of the grid."""
        return 1 + max(column for _, column in self.tiles)


@dataclass(frozen=True)
class PlacedBlock:
    """A block on the map: corner of its first tile, and distance from tile to tile, in pixels."""

    block: Block
    x: int
    y: int
    pitch_x: int
    pitch_y: int

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Return the upper left corner (x, y) of a tile."""
        return self.x + column * self.pitch_x, self.y + row * self.pitch_y


@dataclass(frozen=True)
class TileMap:
    """The whole map in pixels; one pixel is one cell, or one square of cells."""

    blocks: tuple[PlacedBlock, ...]
    width: int
    height: int


def blocks_of(names: Sequence[str]) -> list[Block]:
    """Arrange tiles by what their names say.

    Parameters
    ----------
    names : sequence of str
        ``LAYER rROW cCOLUMN`` gives one grid for each layer, folded where it is a long single line; other names give
        one plain grid.
    """
    found: dict[str, dict[tuple[int, int], int]] = {}
    for index, name in enumerate(names):
        match = _NAME.fullmatch(name)
        if match is None:
            return [_plain("", dict(enumerate(names)))]
        place = (int(match["row"]), int(match["column"]))
        if place in found.setdefault(match["layer"], {}):
            return [_plain("", dict(enumerate(names)))]
        found[match["layer"]][place] = index
    # A torch.nn.Sequential names its layers by number alone.
    blocks = [Block(f"layer {layer}" if layer.isdigit() else layer, tiles) for layer, tiles in found.items()]
    return [_folded(block) for block in blocks]


def _folded(block: Block) -> Block:
    """Fold a long single line of tiles, or a grid with more holes than tiles."""
    is_line = min(block.rows, block.columns) == 1 and len(block.tiles) > _LONGEST_LINE
    if not is_line and block.rows * block.columns <= 2 * len(block.tiles):
        return block
    return _plain(block.title, {index: f"r{row} c{column}" for (row, column), index in block.tiles.items()})


def _plain(title: str, labels: dict[int, str]) -> Block:
    columns = max(1, round((1.5 * len(labels)) ** 0.5))
    return Block(title, {divmod(place, columns): index for place, index in enumerate(labels)}, labels)


def _shelves(blocks: Sequence[Block], rows: int, columns: int, pixels_per_pt: float) -> TileMap:
    """Set blocks side by side, and on a new shelf where a line is full."""
    unit = max(rows, columns)
    gap = max(1, unit // 16)
    placed: list[PlacedBlock] = []
    sizes = []
    for block in blocks:
        numbered = block.labels is None
        head = max(round(0.3 * unit), round(_TITLE_PT * pixels_per_pt)) if block.title else 0
        side = max(unit // 4, round(_SIDE_PT * pixels_per_pt)) if numbered else gap
        label = 0 if numbered else max(unit // 8, round(_LABEL_PT * pixels_per_pt))
        pitch_x, pitch_y = columns + gap, rows + gap + label
        sizes.append((side + block.columns * pitch_x, head + label + block.rows * pitch_y))
        placed.append(PlacedBlock(block, side, head + label, pitch_x, pitch_y))
    area = sum(width * height for width, height in sizes)
    limit = max(max(width for width, _ in sizes), round((1.3 * area) ** 0.5))
    x = y = shelf = total = 0
    shelved = []
    for block_at, (width, height) in zip(placed, sizes, strict=True):
        if x and x + width > limit:
            x, y, shelf = 0, y + shelf + gap, 0
        shelved.append(PlacedBlock(block_at.block, x + block_at.x, y + block_at.y, block_at.pitch_x, block_at.pitch_y))
        x += width
        shelf = max(shelf, height)
        total = max(total, x)
    return TileMap(tuple(shelved), total, y + shelf)


def lay_out(names: Sequence[str], rows: int, columns: int, width_pt: float) -> TileMap:
    """Place all tiles.

    Parameters
    ----------
    names : sequence of str
        Name of each tile.
    rows, columns : int
        Pixels of a tile.
    width_pt : float
        Width at which the map will be drawn, in points: text needs its space whatever the number of pixels.
    """
    blocks = blocks_of(names)
    first = _shelves(blocks, rows, columns, 0.0)
    return _shelves(blocks, rows, columns, first.width / width_pt)
