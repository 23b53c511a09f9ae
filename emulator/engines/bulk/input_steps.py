"""Input steps of a batch of multiplications: what drives each row in each of them, and which are taken."""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.devices.physics import driven_current, driven_power
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.emulator.kernels.tile_threads import FEW_CELLS, for_tiles

_VECTORS_PER_PART = 256


class InputSteps(NamedTuple):
    """Input steps of the row tiles of a layer.

    Parameters
    ----------
    rows : float [row tiles, planes * batch, rows]
        What drives each row; the plane is the slower part of the second index. Where cells are not linear, what current
        they have (`twinbar.emulator.devices.physics.driven_current`).
    rank : int32 [row tiles, planes, batch]
        Position of each step among those that the tile takes; -1 where it is skipped.
    taken : int64 [row tiles, batch]
        Steps that each vector takes.
    driven : int64 [row tiles]
        Rows driven, over all steps.
    squares : int64 [row tiles, rows]
        Squares of what drives a row, summed over all steps; where cells are not linear, input codes times currents.
    """

    rows: np.ndarray
    rank: np.ndarray
    taken: np.ndarray
    driven: np.ndarray
    squares: np.ndarray

    @classmethod
    def room(cls, block: TileBlock, planes: int, batch: int, dtype: np.dtype) -> "InputSteps":
        """Make room for the steps of a batch on a layer."""
        row_tiles, rows = block.row_input.shape
        return cls(
            np.empty((row_tiles, planes * batch, rows), dtype),
            np.empty((row_tiles, planes, batch), np.int32),
            np.empty((row_tiles, batch), np.int64),
            np.empty(row_tiles, np.int64),
            np.empty((row_tiles, rows), np.int64),
        )

    def drives_few(self, share: float) -> bool:
        """Whether no more than a share of the rows is driven, over all steps."""
        return int(np.add.reduce(self.driven)) <= share * self.rows.size


def input_steps(
    block: TileBlock,
    inputs: np.ndarray,
    planes: int,
    dtype: np.dtype,
    scalars: np.ndarray,
    tables: np.ndarray,
    *,
    skip_empty: bool,
    room: InputSteps | None = None,
) -> InputSteps:
    """Spread input codes, uint8 [batch, inputs], over the rows of the row tiles and, bit by bit, over input steps.

    They are filled into ``room`` where there is one.
    """
    batch = len(inputs)
    found = InputSteps.room(block, planes, batch, dtype) if room is None else room
    if batch < FEW_CELLS:
        # Each array by itself: Numba looks at a named tuple for longer than at all of them.
        _drive_few(inputs, block.row_input, *found, scalars, tables, skip_empty)
        return found
    row_tiles, rows = block.row_input.shape
    parts = max(1, batch // _VECTORS_PER_PART)
    squares, driven = np.empty((parts, row_tiles, rows), np.int64), np.empty((parts, row_tiles), np.int64)
    for_tiles(
        _drive_rows,
        row_tiles * parts,
        parts,
        inputs,
        block.row_input,
        found.rows,
        found.rank,
        squares,
        driven,
        scalars,
        tables,
    )
    _number_steps(found.rank, found.taken, skip_empty)
    np.add.reduce(driven, out=found.driven)
    np.add.reduce(squares, out=found.squares)
    return found


@inline
def _drive_vectors(begin, end, inputs, row_input, steps, rank, squares, scalars, tables):
    """Fill the steps of some vectors on a row tile; gives the rows that they drive.

    Leaves in ``rank`` whether a step drives any row.
    """
    planes, batch = rank.shape
    used = inputs.shape[1]
    driven = 0
    squares[:] = 0
    for b in range(begin, end):
        for p in range(planes):
            count = 0
            for row in range(row_input.shape[0]):
                i = row_input[row]
                x = np.int64(0)
                if i < used:
                    x = np.int64(inputs[b, i])
                if planes > 1:
                    x = (x >> p) & 1
                current = x
                if planes == 1:
                    current = driven_current(x, scalars, tables)
                steps[p * batch + b, row] = current
                squares[row] += driven_power(x, current, scalars) if planes == 1 else x
                count += x != 0
            driven += count
            rank[p, b] = count > 0
    return driven


@kernel
def _drive_rows(first, last, parts, inputs, row_input, steps, rank, squares, driven, scalars, tables):
    """Fill the steps of a part of the vectors on each row tile, part by part."""
    row_tiles, batch = rank.shape[0], rank.shape[2]
    for item in range(first, last):
        part, r = item // row_tiles, item % row_tiles
        begin, end = batch * part // parts, batch * (part + 1) // parts
        driven[part, r] = _drive_vectors(
            begin, end, inputs, row_input[r], steps[r], rank[r], squares[part, r], scalars, tables
        )


@kernel
def _number_steps(rank, taken, skip_empty):
    """Number the steps that each row tile takes, vector by vector and in it plane by plane."""
    row_tiles, planes, batch = rank.shape
    for r in range(row_tiles):
        number = 0
        for b in range(batch):
            before = number
            for p in range(planes):
                if rank[r, p, b] > 0 or not skip_empty:
                    rank[r, p, b] = number
                    number += 1
                else:
                    rank[r, p, b] = -1
            taken[r, b] = number - before


@kernel
def _drive_few(inputs, row_input, rows, rank, taken, driven, squares, scalars, tables, skip_empty):
    """Fill the steps of vectors of which one thread has soon driven the rows, and number them."""
    for r in range(row_input.shape[0]):
        driven[r] = _drive_vectors(
            0, inputs.shape[0], inputs, row_input[r], rows[r], rank[r], squares[r], scalars, tables
        )
    _number_steps(rank, taken, skip_empty)
