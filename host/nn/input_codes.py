"""Compiled conversion of activations to input codes."""

import numpy as np

from twinbar.emulator.kernels.compiled import kernel


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
