"""One compiled call for what a product of a few vectors takes: its sums, their conversion, and the heat in its rows."""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.engines.bulk.column_conversions import convert_columns, join_extremes
from twinbar.emulator.engines.bulk.multiply import heat_of_rows, sum_columns
from twinbar.emulator.kernels.compiled import kernel

LISTED = 16
"""Input steps whose driven rows are listed before any of them is summed."""


class FewVectorsRoom(NamedTuple):
    """Room for what a product of a few vectors needs meanwhile beside its input steps, kept from one to the next.

    Parameters
    ----------
    driven : int32 [1, n, rows]
        As of `twinbar.emulator.engines.bulk.multiply.sum_columns`.
    sums, variances : float [row tiles, input steps, column tiles, columns]
    scratch : float64 [tiles of the layer, 4, columns]
    extremes : int64 [tiles of the layer, 1, 3]
        As of `twinbar.emulator.engines.bulk.column_conversions.convert_columns`.
    heat : int64 [tiles of the layer]
    """

    driven: np.ndarray
    sums: np.ndarray
    variances: np.ndarray
    scratch: np.ndarray
    extremes: np.ndarray
    heat: np.ndarray

    @classmethod
    def of(cls, shape: tuple[int, int], steps: np.ndarray, widest: int) -> "FewVectorsRoom":
        """Make room for a layer of a shape in tiles, and for its input steps [row tiles, input steps, rows]."""
        tiles = shape[0] * shape[1]
        sums = np.empty((2, shape[0], steps.shape[1], shape[1], widest), steps.dtype)
        return cls(
            np.empty((1, min(steps.shape[1], LISTED), steps.shape[2]), np.int32),
            sums[0],
            sums[1],
            np.empty((tiles, 4, widest)),
            np.empty((tiles, 1, 3), np.int64),
            np.empty(tiles, np.int64),
        )


@kernel
def multiply_few(
    first_tile,
    steps,
    operands,
    used_columns,
    conversion,
    errors,
    offsets,
    factors,
    counts,
    made,
    holds,
    waits,
    t,
    room,
    codes,
    scalars,
    tables,
):
    """Multiply by all tiles of a layer, on one thread; arguments are those of the kernels that it calls.

    Parameters
    ----------
    made : int64 [tiles of the layer, channels]
        Conversions of each channel, which are added to ``counts``.

    Returns
    -------
    lowest, highest, clipped, heat : int
        As of `join_extremes` and `heat_of_rows`.
    driven : int
        Rows that are driven on all tiles, over all steps.
    """
    tiles = room.extremes.shape[0]
    sum_columns(
        0, tiles, first_tile, steps.rows, operands.current, operands.variance, room.driven, room.sums, room.variances
    )
    convert_columns(
        0,
        tiles,
        first_tile,
        room.sums,
        room.variances,
        steps.rank,
        used_columns,
        conversion,
        errors,
        offsets,
        factors,
        counts,
        room.scratch,
        codes,
        room.extremes,
        scalars,
        tables,
    )
    lowest, highest, clipped = join_extremes(room.extremes[:, 0])
    channels = np.int64(factors.shape[1])
    total = heat_of_rows(first_tile, steps, used_columns, channels, holds, waits, t, operands.row_sum, room.heat)
    driven = np.int64(0)
    for r in range(steps.driven.shape[0]):
        driven += steps.driven[r] * used_columns.shape[0]
    for tile in range(tiles):
        for channel in range(channels):
            counts[first_tile + tile, channel] += made[tile, channel]
    return lowest, highest, clipped, total, driven
