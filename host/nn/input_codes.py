"""Compiled conversion of activations to input codes, and the range that it needs."""

from typing import Final

import numpy as np

from twinbar.emulator.kernels.compiled import kernel

PARTS: Final = 8
"""A range with the least error is found among so many parts of the largest activation, from all of them to two."""


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
    codes_per_unit, top, lsb : float
        Factor, largest code, and activation of one code; float32 here.
    codes : uint8 [n]
        Filled.
    seen : float32 [n]
        Filled: what the codes stand for.
    """
    factor, most, each = np.float32(codes_per_unit), np.float32(top), np.float32(lsb)
    for n in range(values.shape[0]):
        code = np.int32(min(max(np.rint(values[n] * factor), np.float32(0)), most))
        codes[n] = code
        seen[n] = np.float32(code) * each


@kernel
def least_error_range(values, largest, top):
    """Find the activation of the largest code with which activations differ least from what their codes stand for.

    Few codes up to the largest activation lie far apart, and most activations are much smaller: to cut a few costs less
    than to round all others coarsely. J. Choi et al., PACT, arXiv:1805.06085 (2018), learn where to cut; R. Banner et
    al., arXiv:1810.05723 (2018), compute it, as here, from the mean square error.

    Parameters
    ----------
    values : float32 [n]
        Activations of either sign.
    largest : float
        The largest magnitude among them, above 0.
    top : int
        Largest code.

    Returns
    -------
    float
        The part of ``largest``, in steps of an eighth and a quarter at least, with the least sum of squared errors; of
        two such the larger one.
    """
    best, least = largest, np.inf
    for part in range(PARTS, 1, -1):
        highest = largest * part / PARTS
        codes_per_unit, lsb = top / highest, highest / top
        error = 0.0
        for n in range(values.shape[0]):
            value = abs(np.float64(values[n]))
            if value > 0:
                code = min(np.rint(value * codes_per_unit), np.float64(top))
                error += (value - code * lsb) ** 2
                if error >= least:
                    break
        if error < least:
            best, least = highest, error
    return best
