"""Compiled conversion of activations to input codes, and the range that it needs."""

import numpy as np

from twinbar.emulator.kernels.compiled import kernel


@kernel
def extremes(values):
    """Return the least and the largest of some activations (float32 [n]), both NaN where any of them is."""
    least = most = values[0]
    defined = True
    for n in range(values.shape[0]):
        value = values[n]
        least = min(least, value)
        most = max(most, value)
        defined &= value == value
    return (least, most) if defined else (np.float32(np.nan), np.float32(np.nan))


@kernel
def quantize(values, codes_per_unit, top, lsb, codes, seen):
    """Round activations to the nearest input code (of two the even one).

    Parameters
    ----------
    values : float32 [n]
    codes_per_unit, top, lsb : float32
        Factor, largest code, and activation of one code.
    codes : uint8 [n]
        Filled.
    seen : float32 [n]
        Filled: what the codes stand for.
    """
    for n in range(values.shape[0]):
        code = np.int32(min(max(np.rint(values[n] * codes_per_unit), np.float32(0)), top))
        codes[n] = code
        seen[n] = np.float32(code) * lsb
