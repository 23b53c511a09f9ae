"""One compiled call for what a product of a few vectors takes: its sums, their conversion, and the heat in its rows."""

import numpy as np

from twinbar.emulator.engines.bulk.column_conversions import convert_columns, join_extremes
from twinbar.emulator.engines.bulk.multiply import heat_of_rows, sum_columns
from twinbar.emulator.kernels.compiled import kernel


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
    holds,
    waits,
    t,
    driven,
    sums,
    variances,
    scratch,
    codes,
    extremes,
    heat,
    scalars,
    tables,
):
    """Multiply by all tiles of a layer, on one thread.

    Returns
    -------
    lowest, highest, clipped, heat : int
        As of `join_extremes` and `heat_of_rows`, which take the arguments with `sum_columns` and `convert_columns`;
        ``driven``, ``sums``, ``variances`` and ``scratch`` are room for them.
    """
    tiles = extremes.shape[0]
    sum_columns(0, tiles, first_tile, steps.rows, operands.current, operands.variance, driven, sums, variances)
    convert_columns(
        0,
        tiles,
        first_tile,
        sums,
        variances,
        steps.rank,
        used_columns,
        conversion,
        errors,
        offsets,
        factors,
        counts,
        scratch,
        codes,
        extremes,
        scalars,
        tables,
    )
    lowest, highest, clipped = join_extremes(extremes[:, 0])
    channels = np.int64(factors.shape[1])
    total = heat_of_rows(first_tile, steps, used_columns, channels, holds, waits, t, operands.row_sum, heat)
    return lowest, highest, clipped, total
