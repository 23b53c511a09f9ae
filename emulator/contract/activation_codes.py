"""Sums to the input codes of a next layer, compiled (docs/controller.md, "Activations and transfers")."""

import numpy as np

from twinbar.emulator.kernels.compiled import kernel


@kernel
def requantize(sums, scale, bias, shift, top, least, most, codes):
    """Fill the codes of sums.

    Parameters
    ----------
    sums : int [batch, outputs]
    scale, bias : int64 [outputs]
    shift, top : int
        Places by which a scaled sum is shifted; the greatest code.
    least, most : int
        To which sums are limited.
    codes : uint8 [batch, outputs]
        Filled.
    """
    half = (np.int64(1) << shift) >> 1
    for n in range(sums.shape[0]):
        for j in range(sums.shape[1]):
            total = min(max(np.int64(sums[n, j]), least), most)
            value = ((total + bias[j]) * scale[j] + half) >> shift
            codes[n, j] = min(max(value, 0), top)
