"""Which floating-point type computes the column sums of a crossbar exactly.

A column sum is a sum of integers. A floating-point matrix product computes it exactly, in any order, on any BLAS or
GPU, while every partial sum fits the mantissa: 24 bits in float32, 53 bits in float64.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from twinbar.hw.errors import ConfigError

_MANTISSA: Final[dict[np.dtype, int]] = {np.dtype(np.float32): 24, np.dtype(np.float64): 53}


@dataclass(frozen=True)
class SumPlan:
    """How the sums of a tile are computed.

    Parameters
    ----------
    dtype : numpy.dtype
        Type of the matrix product.
    largest_sum : int
        Largest magnitude of a column sum, in read-grid units.
    variance_max : int
        Largest variance-table entry for which the second sum stays exact in ``dtype`` too.
    largest_variance : int
        Largest variance of a column sum.
    operands : numpy.dtype
        Type in which the operands of the sums are kept: int16 where that holds them, in half the memory.
    """

    dtype: np.dtype
    largest_sum: int
    variance_max: int
    largest_variance: int
    operands: np.dtype


def plan_sums(rows: int, input_max: int, grid_limit: int) -> SumPlan:
    """Pick the narrowest type whose mantissa holds every column sum and a useful variance sum.

    Parameters
    ----------
    rows : int
        Rows of a tile, all of which may be driven at once.
    input_max : int
        Largest input of one step: 1 with bit planes, ``2**input_bits - 1`` with integer DAC codes.
    grid_limit : int
        Largest read-grid value of a cell.

    Returns
    -------
    SumPlan

    Raises
    ------
    ConfigError
        If no floating-point type holds the sums.
    """
    largest = rows * input_max * grid_limit
    largest_square = rows * input_max * input_max
    for dtype, bits in _MANTISSA.items():
        exact = (1 << bits) - 1
        # Fewer than 256 variance steps would quantize the noise of a cell visibly; then the wider type is worth its
        # time.
        variance_max = min(exact // (2 * largest_square), 1 << 16)
        if largest <= exact and variance_max >= 255:
            # Of a subtracted pair: the difference of two cells, and the sum of their variances.
            short = max(grid_limit, 2 * variance_max) <= np.iinfo(np.int16).max
            operands = np.dtype(np.int16) if short else dtype
            return SumPlan(dtype, largest, variance_max, 2 * largest_square * variance_max, operands)
    raise ConfigError(
        f"{rows} rows with inputs up to {input_max} and cells up to {grid_limit} read-grid units sum to {largest}, "
        "which no floating-point type holds exactly; use fewer rows, input bits or grid bits"
    )
