"""Where the weights of a network lie: layers on grids of tiles, weights on differential pairs of cells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.nn.tile_outputs import gather_outputs
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.commands import PRODUCT

Placement = Literal["interleaved", "contiguous"]
MAX_MEMBERS: Final = PRODUCT["members"].mask
"""Tiles of the longest cascade."""


class LayerShape(NamedTuple):
    """A weight matrix, or several of one size (the groups of a convolution, the projections of an attention).

    Parameters
    ----------
    name : str
    outputs : int
        Of all groups together; each has ``outputs / groups``.
    inputs : int
        Of each group: groups see other inputs.
    groups : int
    packed : bool
        Whether groups that fit one tile together share it: each takes rows and columns of its own, so that one
        operation multiplies by all of them. Weights between them do not exist; their cells stay at the lowest level.
    """

    name: str
    outputs: int
    inputs: int
    groups: int = 1
    packed: bool = True


@dataclass(frozen=True)
class LayerBlock:
    """Tiles that one operation multiplies by: a layer, or some of its groups.

    Parameters
    ----------
    tiles : TileBlock
    outputs : slice
        Outputs of the layer that it gives.
    groups : int
        Groups in it; its inputs are those of each, one after the other.
    """

    tiles: TileBlock
    outputs: slice
    groups: int


@dataclass(frozen=True)
class LayerMap:
    """Place of one layer's weights.

    Weight ``[output, input]`` is ``G+ - G-`` of two neighbouring cells of a row. The address of its G+ cell is
    ``output_address[output] + input_address[input]``, that of G- is one more; an address is
    ``tile * rows * columns + row * columns + column``.

    Parameters
    ----------
    name : str
    blocks : tuple of LayerBlock
        A single one where there are no groups.
    input_address : int64 [inputs]
    output_address : int64 [outputs]
    placement : str
        "interleaved": neighbouring inputs (and outputs) lie on different tiles, so that a cluster of updates is shared
        among them; "contiguous": each tile holds a run of inputs and outputs.
    copies : tuple of int
        Copies of all of its tiles, by their distance from the first in tiles: 0, and what follows. All hold the same
        weights; a batch is shared out among them.
    """

    name: str
    blocks: tuple[LayerBlock, ...]
    input_address: np.ndarray
    output_address: np.ndarray
    placement: Placement
    copies: tuple[int, ...] = (0,)

    @property
    def placed(self) -> list[TileBlock]:
        """The blocks of all copies."""
        return [
            replace(block.tiles, first_tile=block.tiles.first_tile + distance)
            for distance in self.copies
            for block in self.blocks
        ]

    @property
    def inputs(self) -> int:
        """Inputs of the layer, or of each of its groups."""
        return len(self.input_address)

    @property
    def outputs(self) -> int:
        """Outputs of the layer."""
        return len(self.output_address)

    @property
    def groups(self) -> int:
        """Groups of inputs and outputs; 1 for an ordinary matrix."""
        return sum(block.groups for block in self.blocks)

    @property
    def tiles(self) -> int:
        """Number of tiles that hold weights of the layer."""
        return sum(block.tiles.shape[0] * block.tiles.shape[1] for block in self.blocks)

    def gather(self, codes: np.ndarray, block: int = 0, *, paired: bool, scale: float = 1.0) -> np.ndarray:
        """Add up the codes of a block's tiles, and put its outputs in order.

        Parameters
        ----------
        codes : int32 or int64 [row tiles, column tiles, vectors, columns]
        block : int
        paired : bool
            Whether the columns of a pair were subtracted already; else this does it.
        scale : float
            Factor of all outputs.

        Returns
        -------
        float32 [vectors, outputs]
        """
        part = self.blocks[block].outputs
        outputs = np.empty((codes.shape[2], part.stop - part.start), np.float32)
        totals = np.empty(codes.shape[3], np.int64)
        gather_outputs(codes, paired, self.placement == "interleaved", float(scale), totals, outputs)
        return outputs


def _spread(count: int, most: int, placement: Placement) -> tuple[int, np.ndarray, np.ndarray]:
    """Spread ``count`` lines over as few tiles as hold them: number of tiles, and tile and place of each line."""
    tiles = -(-count // most)
    index = np.arange(count)
    if placement == "interleaved":
        return tiles, index % tiles, index // tiles
    return tiles, index // most, index % most


def map_layers(
    shapes: Sequence[LayerShape | tuple[str, int, int]],
    array: ArrayConfig,
    placement: Placement,
    *,
    sharing: bool = False,
) -> list[LayerMap]:
    """Return every layer tiles of its own; or let small layers share tiles.

    Parameters
    ----------
    shapes : sequence of LayerShape
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
    for shape in (LayerShape(*shape) for shape in shapes):
        together = _groups_per_tile(shape, array)
        if shape.groups > 1 and together:
            place = _pack(shape, array, placement, first, together)
        elif shape.groups > 1:
            place = _repeat(shape, array, placement, first)
        else:
            tile, top = first, 0
            if sharing and shape.inputs <= array.rows and shape.outputs <= array.columns // 2:
                tile = next((known for known, used in free.items() if used + shape.inputs <= array.rows), first)
                top = free.get(tile, 0)
                free[tile] = top + shape.inputs
            place = _lay_out(shape, array, placement, tile, top)
        maps.append(place)
        first = max(first, place.blocks[-1].tiles.tiles.stop)
    return maps


def _lay_out(shape: LayerShape, array: ArrayConfig, placement: Placement, tile: int, top: int = 0) -> LayerMap:
    """Spread one matrix over tiles from ``tile`` on, and over rows from ``top`` on.

    Raises
    ------
    ConfigError
        If its row tiles form a cascade that is longer than a controller.
    """
    row_tiles, row_tile, row = _spread(shape.inputs, array.rows, placement)
    column_tiles, column_tile, pair = _spread(shape.outputs, array.columns // 2, placement)
    cascade = array.cascade and row_tiles > 1
    if cascade and row_tiles > MAX_MEMBERS:
        raise ConfigError(
            f"layer {shape.name} has {row_tiles} row tiles of {array.rows} rows, and a cascade has {MAX_MEMBERS} at "
            "most; take taller tiles (array.rows), or array.cascade = false"
        )
    row_input = np.full((row_tiles, array.rows), shape.inputs, np.int64)
    row_input[row_tile, top + row] = np.arange(shape.inputs)
    block = TileBlock(
        first_tile=tile,
        row_input=row_input,
        used_rows=top + np.bincount(row_tile, minlength=row_tiles).astype(np.int64),
        used_columns=2 * np.bincount(column_tile, minlength=column_tiles).astype(np.int64),
        inputs=shape.inputs,
        by_column=cascade,
    )
    tiles = block.numbers
    input_address = tiles[row_tile, 0] * array.cells + (top + row) * array.columns
    return LayerMap(
        name=shape.name,
        blocks=(LayerBlock(block, slice(0, shape.outputs), 1),),
        input_address=input_address.astype(np.int64),
        output_address=((tiles[0, column_tile] - tile) * array.cells + 2 * pair).astype(np.int64),
        placement=placement,
    )


def _groups_per_tile(shape: LayerShape, array: ArrayConfig) -> int:
    """Count the groups of a layer that one tile takes side by side; 0 if they are packed into none."""
    together = min(array.rows // shape.inputs, array.columns // 2 // (shape.outputs // shape.groups), shape.groups)
    return together if shape.packed or not together else 1


def _pack(shape: LayerShape, array: ArrayConfig, placement: Placement, first: int, together: int) -> LayerMap:
    """Put groups side by side on tiles, each on rows and pairs of its own."""
    outputs = shape.outputs // shape.groups
    group, output = np.divmod(np.arange(shape.outputs), outputs)
    tile, slot = np.divmod(group, together)
    row = slot * shape.inputs
    pair = slot * outputs + output
    blocks = []
    for number, start in enumerate(range(0, shape.groups, together)):
        here = min(together, shape.groups - start)
        inputs = here * shape.inputs
        row_input = np.full((1, array.rows), inputs, np.int64)
        row_input[0, :inputs] = np.arange(inputs)
        block = TileBlock(
            first_tile=first + number,
            row_input=row_input,
            used_rows=np.array([inputs]),
            used_columns=np.array([2 * here * outputs]),
            inputs=inputs,
        )
        blocks.append(LayerBlock(block, slice(start * outputs, (start + here) * outputs), here))
    return LayerMap(
        name=shape.name,
        blocks=tuple(blocks),
        input_address=np.arange(shape.inputs, dtype=np.int64) * array.columns,
        output_address=((first + tile) * array.cells + row * array.columns + 2 * pair).astype(np.int64),
        placement=placement,
    )


def _repeat(shape: LayerShape, array: ArrayConfig, placement: Placement, first: int) -> LayerMap:
    """Give each group, which is larger than a tile, tiles of its own; all are laid out alike."""
    outputs = shape.outputs // shape.groups
    alike = _lay_out(LayerShape(shape.name, outputs, shape.inputs), array, placement, 0)
    (one,) = alike.blocks
    per_group = alike.tiles
    blocks = tuple(
        LayerBlock(
            replace(one.tiles, first_tile=first + group * per_group),
            slice(group * outputs, (group + 1) * outputs),
            1,
        )
        for group in range(shape.groups)
    )
    begin = (first + np.arange(shape.groups) * per_group) * array.cells
    return LayerMap(
        name=shape.name,
        blocks=blocks,
        input_address=alike.input_address,
        output_address=(begin[:, None] + alike.output_address[None, :]).ravel(),
        placement=placement,
    )


def with_copies(maps: Sequence[LayerMap], copies: Sequence[int]) -> list[LayerMap]:
    """Return layers with copies behind the tiles of all layers; the first tiles of each stay where they are.

    Parameters
    ----------
    maps : sequence of LayerMap
        Layers that have tiles of their own.
    copies : sequence of int
        How often each layer is there, in their order; once where it is left out.

    Raises
    ------
    ConfigError
        If there are fewer layers.
    """
    if len(copies) > len(maps):
        raise ConfigError(
            f"array.copies has {len(copies)} numbers, but the network has {len(maps)} layers on the crossbar; give one "
            "for each, in their order"
        )
    behind = tile_count(maps)
    placed = []
    for layer, count in zip(maps, [*copies, *[1] * (len(maps) - len(copies))], strict=True):
        first = layer.blocks[0].tiles.first_tile
        size = layer.blocks[-1].tiles.tiles.stop - first
        distances = [behind - first + number * size for number in range(count - 1)]
        behind += size * len(distances)
        placed.append(replace(layer, copies=(0, *distances)))
    return placed


def tile_count(maps: Sequence[LayerMap]) -> int:
    """Number of tiles that all layers take together."""
    return max(block.tiles.stop for layer in maps for block in layer.placed)


def tile_names(maps: Sequence[LayerMap]) -> list[str]:
    """Name every tile by its layers, and by its place in a layer's grid."""
    layers: list[list[str]] = [[] for _ in range(tile_count(maps))]
    places = [""] * len(layers)
    for layer in maps:
        for index, block in enumerate(layer.placed):
            copy, index = divmod(index, len(layer.blocks))
            part = f"{layer.name}[{index}]" if len(layer.blocks) > 1 else layer.name
            part = f"{part} copy {copy + 1}" if copy else part
            for (row, column), number in np.ndenumerate(block.numbers):
                layers[number].append(part)
                places[number] = f"r{row} c{column}"
    return [f"{'+'.join(names)} {place}" for names, place in zip(layers, places, strict=True)]


def mapped_columns(maps: Sequence[LayerMap]) -> np.ndarray:
    """Columns of each tile that hold weights (int64 [tiles])."""
    columns = np.zeros(tile_count(maps), np.int64)
    for block in (block for layer in maps for block in layer.placed):
        columns[block.numbers] = np.maximum(columns[block.numbers], block.used_columns)
    return columns


def mapped_cells(maps: Sequence[LayerMap], array: ArrayConfig) -> np.ndarray:
    """Which cells hold weights (bool [tiles, rows, columns])."""
    mask = np.zeros(tile_count(maps) * array.cells, np.bool_)
    for layer in maps:
        plus = (layer.output_address[:, None] + layer.input_address[None, :]).ravel()
        for distance in layer.copies:
            mask[plus + distance * array.cells] = True
            mask[plus + distance * array.cells + 1] = True
    return mask.reshape(-1, array.rows, array.columns)
