"""Likelihood of measured pulse trains under a staircase with noisy pulses and noisy readings.

Within the window the mean step of the exponential, soft-bounds and linear models is a straight line in the position, so
that a pulse train is a linear Gaussian state-space model,

    position after = position + gain factor (drive - decay * position) + N(0, spread pulse_sigma^2)
    reading        = position + N(0, (read_noise * conductance)^2)

whose likelihood a scalar Kalman filter gives exactly (R. E. Kalman, J. Basic Eng. 82, 35, 1960; the prediction-error
decomposition of F. Schweppe, IEEE Trans. Inf. Theory 11, 61, 1965). It tells apart what a pulse adds, which stays, and
what a reading adds, which does not; pulses that were not read are predicted and nothing more.
"""

import math
from typing import Final

from twinbar.emulator.kernels.compiled import kernel

_HALF_ROOT: Final = math.sqrt(0.5)


@kernel
def filter_pulses(  # type: ignore[no-untyped-def]
    values, offset, starts, gains, factors, spreads, bound, drive, decay, pulse_sigma, read_noise, errors, variances
):
    """Predict every reading from those before it; return the negative logarithm of the likelihood, without constants.

    Parameters
    ----------
    values : (n,) float array
        Readings of all segments, one after the other, as positions in the window; NaN after a pulse that was not read.
        The first of a segment is known.
    offset : float
        Lower end of the window in fractions of its width: position plus offset is proportional to the conductance.
    starts : (segments + 1,) int array
        Where each segment starts in ``values``, and the end of the last.
    gains : (segments,) float array
        Factor of the mean step of the cell that a segment belongs to.
    factors, spreads : (n,) float array
        Factors of mean and variance of the pulse before each reading, by its amplitude; those of the first reading of a
        segment have no meaning.
    bound : float
        A reading beyond it, or at it, says only that the pulse went so far: the end of the window clips. Positive for
        SET; the negative of the position for RESET, where less is beyond; infinite for none.
    drive, decay : float
        Mean step at position 0, and its decrease per position.
    pulse_sigma : float
        In fractions of the window.
    read_noise : float
        Relative to the conductance.
    errors, variances : (n,) float array
        Filled with reading minus prediction, and the variance expected of that; untouched where there is no reading or
        no prediction.
    """
    pulse_variance = pulse_sigma * pulse_sigma
    total = 0.0
    for segment in range(len(gains)):
        gain = gains[segment]
        position = values[starts[segment]]
        variance = (read_noise * (position + offset)) ** 2
        for index in range(starts[segment] + 1, starts[segment + 1]):
            moved = gain * factors[index]
            keep = 1.0 - moved * decay
            position = keep * position + moved * drive
            variance = keep * keep * variance + spreads[index] * pulse_variance
            if math.isnan(values[index]):
                continue
            # A floor keeps perfect data (simulated, noise-free) from a likelihood without bound.
            expected = variance + (read_noise * (values[index] + offset)) ** 2 + 1e-14
            direction = 1.0 if bound > 0 else -1.0
            if direction * values[index] >= bound:
                beyond = (direction * position - bound) / math.sqrt(expected)
                total -= math.log(max(0.5 * math.erfc(-beyond * _HALF_ROOT), 1e-300))
                continue
            error = values[index] - position
            errors[index] = error
            variances[index] = expected
            total += 0.5 * (math.log(expected) + error * error / expected)
            weight = variance / expected
            position += weight * error
            variance *= 1.0 - weight
    return total
