"""What distinguishes the ADC channels of all tiles, and what calibration has stored against it."""

from typing import Any, NamedTuple

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.needed_calibrations import COLUMN, GAIN, SUBTRACT
from twinbar.emulator.devices.layout import (
    O_VARIANCE,
    READ_GAIN_SHIFT,
    READ_KU_SHIFT,
    TRIM_CENTRE,
    VAR_BINS,
)
from twinbar.emulator.devices.physics import adc_offset, channel_gain, channel_key, noise_of, quantize
from twinbar.emulator.engines.bulk.counts import (
    COMMAND_BEAT,
    CONVERT_VERIFY,
    RESPONSE_BEAT,
    SELECT_CELL,
    add_gain_calibration,
    add_read,
)
from twinbar.emulator.kernels.compiled import allocating_kernel, inline, kernel, part
from twinbar.hw.protocol.layouts import TRIM_BITS

GAIN_ONE = 1 << 16
"""A channel's gain of 1."""


class Converters(NamedTuple):
    """The converters of all tiles.

    Parameters
    ----------
    errors : int64 [tiles, columns]
        True offset of each column's conversions, in Q20 codes.
    pair_errors : int64 [tiles, columns // 2]
        The same of subtracted pairs.
    factors : int64 [tiles, channels]
        Q16 gain of each channel, its trim included.
    offsets : int64 [tiles, columns]
        Stored offset of each column, in codes, which is taken off its conversions.
    pair_offsets : int64 [tiles, columns // 2]
    trims : int64 [tiles, channels]
        Trim codes.
    counts : int64 [tiles, channels]
        Conversions that each channel has made.
    deviations : int64 [VAR_BINS]
        Standard deviation of a conversion of a single cell, in 2**-8 codes, by the cell's bin of the variance table.
    """

    errors: np.ndarray
    pair_errors: np.ndarray
    factors: np.ndarray
    offsets: np.ndarray
    pair_offsets: np.ndarray
    trims: np.ndarray
    counts: np.ndarray
    deviations: np.ndarray


def make_converters(config: CrossbarConfig, tiles: int) -> Converters:
    """Make the converters of a crossbar, not calibrated."""
    array = config.array
    columns, channels = array.columns, array.adc_channels
    converters = Converters(
        errors=np.zeros((tiles, columns), np.int64),
        pair_errors=np.zeros((tiles, columns // 2), np.int64),
        factors=np.zeros((tiles, channels), np.int64),
        offsets=np.zeros((tiles, columns), np.int64),
        pair_offsets=np.zeros((tiles, columns // 2), np.int64),
        trims=np.full((tiles, channels), TRIM_CENTRE, np.int64),
        counts=np.zeros((tiles, channels), np.int64),
        deviations=_read_deviations(config.cells.scalars, config.cells.tables),
    )
    draw_errors(converters, config.cells.scalars, config.cells.tables)
    return converters


@allocating_kernel
def _read_deviations(scalars, tables):
    """Take the roots of all variances that a cell can have: a root takes as long as the rest of a conversion."""
    deviations = np.empty(VAR_BINS, np.int64)
    for k in range(VAR_BINS):
        variance = np.int64(tables[O_VARIANCE + k])
        deviations[k] = noise_of(variance, scalars[0].read_ku, READ_KU_SHIFT, scalars[0].adc_ka)
    return deviations


@kernel
def draw_errors(converters: Any, scalars: Any, tables: Any) -> None:
    """Fill errors, and the factors that follow from the trims."""
    seed = np.uint64(scalars[0].seed)
    for tile in range(converters.errors.shape[0]):
        for column in range(converters.errors.shape[1]):
            converters.errors[tile, column] = adc_offset(seed, tile, column, 0, scalars, tables)
        for pair in range(converters.pair_errors.shape[1]):
            converters.pair_errors[tile, pair] = adc_offset(seed, tile, pair, 1, scalars, tables)
        for channel in range(converters.factors.shape[1]):
            trim = converters.trims[tile, channel]
            converters.factors[tile, channel] = channel_gain(GAIN_ONE, seed, tile, channel, trim, scalars, tables)


@inline
def converter_of(tile, column, errors, offsets, factors, scalars):
    """Return the converter of a column for reads of its cells: channel, draw key, gain, true and stored offset."""
    channel = column % factors.shape[1]
    key = channel_key(np.uint64(scalars[0].seed), tile, channel)
    gain = (scalars[0].read_gain * factors[tile, channel]) >> 16
    return channel, key, gain, errors[tile, column], offsets[tile, column]


@inline
def deviation_of(grid, deviations, scalars):
    """Return the standard deviation of a conversion of one cell, in 2**-8 codes, from its read-grid value."""
    return deviations[grid >> scalars[0].var_shift]


@inline
def read_codes(grid, deviation, converter, low, high, first, discard, samples, scalars, tables):
    """Convert a current ``samples`` times over the range of a single cell; gives the sum of the codes kept.

    ``deviation`` is that of one conversion, and ``first`` the number of conversions that the channel has made before.
    """
    _, key, gain, error, _ = converter
    total = np.int64(0)
    if discard == 0:
        total = quantize(grid, deviation, key, first, error, gain, READ_GAIN_SHIFT, low, high, tables)
    # Apart from the first sample, which is often the only one: a loop would be vectorized for many.
    for n in range(max(discard, 1), samples):
        total += quantize(grid, deviation, key, first + n, error, gain, READ_GAIN_SHIFT, low, high, tables)
    return total


@inline
def average(total, kept):
    """Round the mean of ``kept`` codes to the nearest code, halves up."""
    if kept != 1:  # a division takes longer than a conversion
        total = (total + (kept >> 1)) // kept
    return total


@inline
def sample(grid, deviation, converter, first, discard, samples, scalars, tables):
    """Read a cell: convert its current, discard the first samples, average the rest less the column's offset."""
    top = scalars[0].adc_max
    total = read_codes(grid, deviation, converter, scalars[0].adc_min, top, first, discard, samples, scalars, tables)
    kept = samples - discard
    return min(max(average(total - kept * converter[4], kept), np.int64(0)), top)


@kernel
def calibrate(
    offsets, arguments, pair_low, target, discard, t, converters, scalars, tables, codes, work, phases, actions
):
    """Measure offsets of columns and pairs, and trim the gains of channels, tile by tile in the order of the list.

    Parameters
    ----------
    offsets : int64 [tiles + 1]
        The list of tile ``k`` is ``arguments[offsets[k]:offsets[k + 1]]``.
    arguments : int64 [n, 3]
        See `twinbar.emulator.crossbar.needed_calibrations.calibrations`.
    pair_low : int
        Least code of a pair.
    target : int
        Code that the reference source must give.
    discard : int
    t : twinbar.hw.timing.Durations
    converters : Converters
        Their offsets, trims, factors and counts change.
    codes : int64 [n]
        Filled: offsets and trims.
    work : int64 [n]
        Filled: cycles of each command before its response.
    phases, actions : int64 [tiles, ...]
        Added to.
    """
    samples = t.samples
    kept = samples - discard
    channels = converters.factors.shape[1]
    nothing = np.int64(0)
    quiet = noise_of(nothing, scalars[0].read_ku, READ_KU_SHIFT, scalars[0].adc_ka)
    for tile in range(offsets.shape[0] - 1):
        for i in range(offsets[tile], offsets[tile + 1]):
            column = arguments[i, COLUMN]
            channel = column % channels
            reads = 1
            if arguments[i, GAIN]:
                codes[i] = search_trim(tile, channel, target, discard, samples, converters, scalars, tables)
                reads = TRIM_BITS
                work[i] = add_gain_calibration(phases[tile], t, reads)
            else:
                pair = arguments[i, SUBTRACT] != 0
                errors = converters.pair_errors if pair else converters.errors
                low = pair_low if pair else scalars[0].adc_min
                high = -pair_low - 1 if pair else scalars[0].adc_max
                converter = converter_of(tile, column, errors, converters.offsets, converters.factors, scalars)
                first = converters.counts[tile, channel]
                total = read_codes(nothing, quiet, converter, low, high, first, discard, samples, scalars, tables)
                converters.counts[tile, channel] += samples
                codes[i] = average(total, kept)
                if pair:
                    converters.pair_offsets[tile, column] = codes[i]
                else:
                    converters.offsets[tile, column] = codes[i]
                work[i] = add_read(phases[tile], t)
            actions[tile, SELECT_CELL] += 1
            actions[tile, CONVERT_VERIFY] += reads * samples
            actions[tile, COMMAND_BEAT] += 1
            actions[tile, RESPONSE_BEAT] += 1


@part
def search_trim(tile, channel, target, discard, samples, converters, scalars, tables):
    """Find the largest trim with which the reference source gives at most the target: bit by bit, the highest first."""
    seed = np.uint64(scalars[0].seed)
    trim = np.int64(0)
    quiet = noise_of(np.int64(0), scalars[0].read_ku, READ_KU_SHIFT, scalars[0].adc_ka)
    for bit in range(TRIM_BITS - 1, -1, -1):
        tried = trim | (np.int64(1) << bit)
        converters.factors[tile, channel] = channel_gain(GAIN_ONE, seed, tile, channel, tried, scalars, tables)
        converter = converter_of(tile, channel, converters.errors, converters.offsets, converters.factors, scalars)
        first = converters.counts[tile, channel]
        code = sample(scalars[0].reference, quiet, converter, first, discard, samples, scalars, tables)
        converters.counts[tile, channel] += samples
        if code <= target:
            trim = tried
    converters.trims[tile, channel] = trim
    converters.factors[tile, channel] = channel_gain(GAIN_ONE, seed, tile, channel, trim, scalars, tables)
    return trim
