"""Compiled storing of a twin in few bits: residuals, momentum and moments, with rounding that nobody's order decides.

A random number is a pure function of seed, layer, place, what is rounded, and step (as the draws of
`twinbar.emulator.devices.physics`), so that a resumed run draws what an uninterrupted one does.
"""

import math

import numpy as np

from twinbar.emulator.devices.physics import cell_key, draw
from twinbar.emulator.kernels.compiled import inline, kernel

RANDOM_BITS = 16
"""Bits of a random number: a value is rounded up with a probability that is a multiple of 2**-16."""
DRAW_TWIN = 64
"""First of the purposes of draws (`twinbar.emulator.devices.layout` has those of cells): residuals, then states."""
EXPONENT_BITS = 5
"""Exponent of a number of the formats with floating point."""

_SHIFT = np.uint64(64 - RANDOM_BITS)
_UNIT = 1.0 / (1 << RANDOM_BITS)


@inline
def _rounds_up(fraction, key, purpose, step):
    """Say whether a value is rounded up: with the probability of its fraction above the number below it."""
    bits = np.int64(draw(key, purpose, step) >> _SHIFT)
    return (np.float64(bits) + 0.5) * _UNIT < fraction


@inline
def _rounded(steps, stochastic, seed, layer, place, purpose, step):
    """Round a number of steps to a whole one; gives it, and the random numbers that were drawn (0 or 1)."""
    if not stochastic:
        return np.int64(math.floor(steps + 0.5)), 0
    below = math.floor(steps)
    if steps == below:
        return np.int64(below), 0
    return np.int64(below) + np.int64(_rounds_up(steps - below, cell_key(seed, layer, place), purpose, step)), 1


@inline
def weight_of(level, code, steps_per_level, weight_per_level):
    """Return the weight of a level and a residual."""
    steps = np.float64(level) * np.float64(steps_per_level) + np.float64(code)
    return np.float32(steps * (np.float64(weight_per_level) / np.float64(steps_per_level)))


@kernel
def settle_residuals(weights, plus, minus, levels, codes, weight_per_level, steps_per_level, top):
    """Round every weight to the nearest one that its level and a residual can stand for.

    Parameters
    ----------
    weights : float32 [outputs, inputs]
        Changed in place.
    plus, minus : uint8 [outputs, inputs]
        Levels of the cells.
    levels, codes : int16 [outputs, inputs]
        Filled: level of the pair, and residual in steps.
    weight_per_level : float
    steps_per_level, top : int
        Steps of a residual in a level, and the largest one; the least is ``-top - 1``.
    """
    outputs, inputs = weights.shape
    for j in range(outputs):
        for i in range(inputs):
            level = np.int64(plus[j, i]) - np.int64(minus[j, i])
            steps = (np.float64(weights[j, i]) / weight_per_level - level) * steps_per_level
            code = min(max(np.int64(math.floor(steps + 0.5)), -top - 1), top)
            levels[j, i] = level
            codes[j, i] = code
            weights[j, i] = weight_of(level, code, steps_per_level, weight_per_level)


@kernel
def store_residuals(
    weights,
    plus,
    minus,
    levels,
    codes,
    weight_per_level,
    steps_per_level,
    top,
    stochastic,
    seed,
    layer,
    step,
    moved,
    changed,
):
    """Store what a step has made of the weights: the distance of each from the level that its pair holds now.

    Parameters
    ----------
    weights : float32 [outputs, inputs]
        After the step and the decision; changed in place to what is stored.
    plus, minus, levels, codes, weight_per_level, steps_per_level, top
        As of `settle_residuals`; ``levels`` and ``codes`` are those of the step before, and become those of this one.
    stochastic : bool
    seed, layer, step : int
    moved, changed : bool [outputs, inputs]
        Filled: weights that were given another value, and residuals that are stored as another number.

    Returns
    -------
    int
        Random numbers that were drawn.
    """
    outputs, inputs = weights.shape
    drawn = 0
    for j in range(outputs):
        for i in range(inputs):
            before = weight_of(levels[j, i], codes[j, i], steps_per_level, weight_per_level)
            level = np.int64(plus[j, i]) - np.int64(minus[j, i])
            moved[j, i] = weights[j, i] != before
            changed[j, i] = False
            if not moved[j, i] and level == levels[j, i]:
                continue
            # What did not move is a whole number of steps from any level: nothing is lost to the rounding of floats.
            steps = (np.float64(weights[j, i]) - np.float64(before)) / weight_per_level * steps_per_level
            steps += np.float64(codes[j, i]) + np.float64((levels[j, i] - level) * steps_per_level)
            code, draws = _rounded(steps, stochastic, seed, layer, j * inputs + i, DRAW_TWIN, step)
            drawn += draws
            code = min(max(code, -top - 1), top)
            changed[j, i] = code != codes[j, i]
            codes[j, i] = code
            levels[j, i] = level
            weights[j, i] = weight_of(level, code, steps_per_level, weight_per_level)
    return drawn


@kernel
def store_fixed_point(values, codes, unit, top, stochastic, seed, layer, purpose, step, changed):
    """Store numbers as whole multiples of a unit.

    Parameters
    ----------
    values : float32 [n]
        Changed in place to what is stored.
    codes : int32 [n]
        Multiples of the step before; become those of this one.
    unit : float
        A power of two.
    top : int
        Largest multiple, of either sign.
    stochastic, seed, layer, step
        As of `store_residuals`.
    purpose : int
        Which state of the optimizer it is, from 1.
    changed : bool [n]
        Filled: numbers that are stored as another one.

    Returns
    -------
    int
        Random numbers that were drawn.
    """
    drawn = 0
    for n in range(values.shape[0]):
        steps = np.float64(values[n]) / unit
        code, draws = _rounded(steps, stochastic, seed, layer, n, DRAW_TWIN + purpose, step)
        drawn += draws
        code = min(max(code, -top), top)
        changed[n] = code != codes[n]
        codes[n] = code
        values[n] = np.float32(np.float64(code) * unit)
    return drawn


@kernel
def store_floating_point(
    values, codes, exponent, mantissa_bits, signed, stochastic, seed, layer, purpose, step, changed
):
    """Store numbers in floating point: an exponent of 5 bits, a mantissa, and a sign where they have one.

    Parameters
    ----------
    values, codes, stochastic, seed, layer, purpose, step, changed
        As of `store_fixed_point`; a code is the place of a number among all that there are.
    exponent : int
        All numbers are below ``2**exponent``.
    mantissa_bits : int
    signed : bool
        Numbers without a sign are positive second moments, which divide: none that is above 0 is stored as 0.

    Returns
    -------
    int
        Random numbers that were drawn.
    """
    drawn = 0
    binades = (1 << EXPONENT_BITS) - 1
    half = 1 << mantissa_bits
    most = binades * half + half - 1
    for n in range(values.shape[0]):
        size = math.ldexp(abs(np.float64(values[n])), -exponent)
        # The least binade is as wide as the one above it, and holds 0: numbers become subnormal there.
        binade = np.int64(0)
        if size > 0:
            binade = max(np.int64(math.frexp(size)[1]) + binades - 1, 0)
        steps = math.ldexp(size, binades - binade + mantissa_bits)
        whole, draws = _rounded(steps, stochastic, seed, layer, n, DRAW_TWIN + purpose, step)
        drawn += draws
        if not signed and size > 0:
            whole = max(whole, 1)
        place = min(binade * half + whole, most)
        # Rounding up may have led into the next binade; the place says which number it is.
        binade = max(place // half - 1, 0)
        whole = place - binade * half
        stored = math.ldexp(np.float64(whole), binade - binades - mantissa_bits + exponent)
        if signed and values[n] < 0:
            place = -place
            stored = -stored
        changed[n] = place != codes[n]
        codes[n] = place
        values[n] = np.float32(stored)
    return drawn
