"""Where the weights of a network lie: layers on grids of tiles, weights on differential pairs of cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.sections.array_section import ArrayConfig

Placement = Literal["interleaved", "contiguous"]


@dataclass(frozen=True)
class LayerMap:
    """Place of one layer's weights.

    Weight ``[output, input]`` is ``G+ - G-`` of two neighbouring cells of a row. The address of its G+ cell is
    ``output_address[output] + input_address[input]``, that of G- is one more; an address is
    ``tile * rows * columns + row * columns + column``.

    Parameters
    ----------
    name : str
    block : TileBlock
    input_address : int64 [inputs]
    output_address : int64 [outputs]
    placement : str
        "interleaved": neighbouring inputs (and outputs) lie on different tiles, so that a cluster of updates is shared
        among them; "contiguous": each tile holds a run of inputs and outputs.
    """

    name: str
    block: TileBlock
    input_address: np.ndarray
    output_address: np.ndarray
    placement: Placement

    @property
    def inputs(self) -> int:
        """Inputs of the layer."""
        return len(self.input_address)

    @property
    def outputs(self) -> int:
        """Outputs of the layer."""
        return len(self.output_address)

    def gather(self, per_tile: np.ndarray) -> np.ndarray:
        """Put the outputs of the column tiles in order: [column tiles, batch, pairs] to [batch, outputs]."""
        column_tiles, batch, pairs = per_tile.shape
        axes = (1, 2, 0) if self.placement == "interleaved" else (1, 0, 2)
        return per_tile.transpose(axes).reshape(batch, column_tiles * pairs)[:, : self.outputs]


def _spread(count: int, most: int, placement: Placement) -> tuple[int, np.ndarray, np.ndarray]:
    """Spread ``count`` lines over as few tiles as hold them: number of tiles, and tile and place of each line."""
    tiles = -(-count // most)
    index = np.arange(count)
    if placement == "interleaved":
        return tiles, index % tiles, index // tiles
    return tiles, index // most, index % most


def map_layers(
    shapes: Sequence[tuple[str, int, int]], array: ArrayConfig, placement: Placement, *, sharing: bool = False
) -> list[LayerMap]:
    """Return every layer tiles of its own; or let small layers share tiles.

    Parameters
    ----------
    shapes : sequence of (name, outputs, inputs)
    array : ArrayConfig
    placement : str
    sharing : bool
        Put a layer that fits one tile below others, in the first tile that has the rows left. Its rows then start
        further down; the rows above are not driven when it is multiplied by.
    """
    maps = []
    first = 0
    free: dict[int, int] = {}
    """First free row of the tiles that can be shared."""
    for name, outputs, inputs in shapes:
        row_tiles, row_tile, row = _spread(inputs, array.rows, placement)
        column_tiles, column_tile, pair = _spread(outputs, array.columns // 2, placement)
        tile, top = first, 0
        if sharing and row_tiles == column_tiles == 1:
            tile = next((known for known, used in free.items() if used + inputs <= array.rows), first)
            top = free.get(tile, 0)
            free[tile] = top + inputs
        row_input = np.full((row_tiles, array.rows), inputs, np.int64)
        row_input[row_tile, top + row] = np.arange(inputs)
        block = TileBlock(
            first_tile=tile,
            row_input=row_input,
            used_rows=top + np.bincount(row_tile, minlength=row_tiles).astype(np.int64),
            used_columns=2 * np.bincount(column_tile, minlength=column_tiles).astype(np.int64),
            inputs=inputs,
        )
        input_address = (tile + row_tile * column_tiles) * array.cells + (top + row) * array.columns
        maps.append(
            LayerMap(
                name=name,
                block=block,
                input_address=input_address.astype(np.int64),
                output_address=(column_tile * array.cells + 2 * pair).astype(np.int64),
                placement=placement,
            )
        )
        first = max(first, block.tiles.stop)
    return maps


def tile_count(maps: Sequence[LayerMap]) -> int:
    """Number of tiles that all layers take together."""
    return max(layer.block.tiles.stop for layer in maps)


def tile_names(maps: Sequence[LayerMap]) -> list[str]:
    """Name every tile by its layers, and by its place in a layer's grid."""
    layers: list[list[str]] = [[] for _ in range(tile_count(maps))]
    places = [""] * len(layers)
    for layer in maps:
        for number in range(layer.block.tiles.start, layer.block.tiles.stop):
            row, column = divmod(number - layer.block.first_tile, layer.block.shape[1])
            layers[number].append(layer.name)
            places[number] = f"r{row} c{column}"
    return [f"{'+'.join(names)} {place}" for names, place in zip(layers, places, strict=True)]


def mapped_columns(maps: Sequence[LayerMap]) -> np.ndarray:
    """Columns of each tile that hold weights (int64 [tiles])."""
    columns = np.zeros(tile_count(maps), np.int64)
    for layer in maps:
        own = np.tile(layer.block.used_columns, layer.block.shape[0])
        columns[layer.block.tiles] = np.maximum(columns[layer.block.tiles], own)
    return columns


def mapped_cells(maps: Sequence[LayerMap], array: ArrayConfig) -> np.ndarray:
    """Which cells hold weights (bool [tiles, rows, columns])."""
    mask = np.zeros(tile_count(maps) * array.cells, np.bool_)
    for layer in maps:
        plus = (layer.output_address[:, None] + layer.input_address[None, :]).ravel()
        mask[plus] = True
        mask[plus + 1] = True
    return mask.reshape(-1, array.rows, array.columns)
