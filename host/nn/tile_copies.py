"""Copies of tiles: every write goes to all copies of a cell, and a batch is shared out among the copies of a layer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twinbar.emulator.contract.bulk_operations import LayerProduct, MultiplyResult, TileBlock, WriteResult
from twinbar.host.nn.mapping import LayerMap


class TileCopies:
    """Where the copies of each tile lie.

    Parameters
    ----------
    maps : sequence of LayerMap
    cells : int
        Cells of a tile.
    """

    def __init__(self, maps: Sequence[LayerMap] = (), cells: int = 1) -> None:
        self._cells = cells
        self._distances: dict[int, tuple[int, ...]] = {}
        for layer in maps:
            if len(layer.copies) > 1:
                tiles = range(layer.blocks[0].tiles.first_tile, layer.blocks[-1].tiles.tiles.stop)
                self._distances |= dict.fromkeys(tiles, layer.copies)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._distances)

    def of_cells(self, addresses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the addresses of cells and of their copies, and the position of each cell in what was given.

        Parameters
        ----------
        addresses : int64 [n]

        Returns
        -------
        addresses, owner : int64 [m]
            The cells that were given come first, in their order.
        """
        tiles = addresses // self._cells
        every, owners = [addresses], [np.arange(len(addresses))]
        for tile, distances in self._distances.items():
            here = np.flatnonzero(tiles == tile)
            for distance in distances[1:]:
                every.append(addresses[here] + distance * self._cells)
                owners.append(here)
        return np.concatenate(every), np.concatenate(owners)

    def shared_out(self, product: LayerProduct) -> list[LayerProduct]:
        """Deal the vectors of a product out among the copies of its tiles, one after the other.

        Neighbouring patches of an image take about as long, so that no copy is left with all the dark ones.
        """
        block = product.block
        distances = self._distances.get(block.first_tile, (0,))[: max(1, len(product.inputs))]
        return [
            # The first part is accounted for all of them: only their sum is asked for.
            LayerProduct(
                _moved(block, distance),
                product.inputs[number :: len(distances)],
                product.full_scale,
                0 if number else product.macs,
            )
            for number, distance in enumerate(distances)
        ]


def _moved(block: TileBlock, distance: int) -> TileBlock:
    return replace(block, first_tile=block.first_tile + distance) if distance else block


def joined_products(parts: Sequence[MultiplyResult]) -> MultiplyResult:
    """Put the results of a product's parts together again, as `TileCopies.shared_out` has dealt its vectors out.

    What they did is accounted by program.
    """
    if len(parts) == 1:
        return parts[0]
    made = [part for part in parts if part.conversions]
    row_tiles, column_tiles, _, outputs = parts[0].codes.shape
    vectors = sum(part.codes.shape[2] for part in parts)
    codes = np.empty((row_tiles, column_tiles, vectors, outputs), parts[0].codes.dtype)
    for number, part in enumerate(parts):
        codes[:, :, number :: len(parts)] = part.codes
    return MultiplyResult(
        codes,
        min((part.lowest for part in made), default=0),
        max((part.highest for part in made), default=0),
        sum(part.clipped for part in parts),
        sum(part.conversions for part in parts),
        parts[0].activity,
    )


def joined_writes(result: WriteResult, order: np.ndarray, owner: np.ndarray, cells: int) -> WriteResult:
    """Return what the writes of cells and of their copies came to, cell by cell.

    A cell has failed if one of its copies has, and its code is that of the first of them; pulses are summed.

    Parameters
    ----------
    result : WriteResult
        In the order of the tiles' lists.
    order, owner : int64 [m]
        Position in the arguments of each response, and cell of each position; the cells themselves come first.
    cells : int
    """
    whose = owner[order]
    ok = np.ones(cells, np.bool_)
    np.logical_and.at(ok, whose, result.ok)
    sets, resets = np.zeros(cells, np.uint16), np.zeros(cells, np.uint16)
    np.add.at(sets, whose, result.sets)
    np.add.at(resets, whose, result.resets)
    codes = np.empty(len(order), np.int32)
    failed = np.empty(len(order), np.bool_)
    codes[order], failed[order] = result.codes, ~result.ok
    own = codes[:cells].copy()
    for position in np.flatnonzero(failed)[::-1]:
        own[owner[position]] = codes[position]
    return WriteResult(own, sets, resets, ok, result.activity)
