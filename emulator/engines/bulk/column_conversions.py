"""Column sums of a layer into codes, by the compiled physics of a conversion."""

import math
from typing import NamedTuple

import numpy as np

from twinbar.emulator.crossbar.array import is_clipped
from twinbar.emulator.crossbar.configuration import AdcRange, CrossbarConfig
from twinbar.emulator.devices.layout import DRAW_CONVERSION
from twinbar.emulator.devices.physics import channel_key, convert, draw, gauss
from twinbar.emulator.kernels.compiled import kernel, part

_MANTISSA = 1 << 53
_MOST_GAUSS = 1 << 15
_MOST_OFFSET = 1 << 30
"""Bounds of the table of normal deviates (Q12: 8 standard deviations), and of an offset (Q20: 1,024 codes)."""


class ColumnConversion(NamedTuple):
    """How column sums are converted (see `twinbar.emulator.devices.physics.convert`).

    Parameters
    ----------
    gain, gain_shift, ku, ku_shift, ka, low, high : int
    fits : bool
        Whether float64 holds everything that is computed: a conversion is then the same numbers, several at a time.
    gain_unit, ku_scaled : float
        ``2**-gain_shift`` and ``ku / 2**ku_shift``.
    """

    gain: int
    gain_shift: int
    ku: int
    ku_shift: int
    ka: int
    low: int
    high: int
    fits: bool
    gain_unit: float
    ku_scaled: float


def conversion_over(adc_range: AdcRange, config: CrossbarConfig, low: int, high: int) -> ColumnConversion:
    """Return how column sums are converted over a range, to codes from ``low`` to ``high``."""
    gain, gain_shift, ku, ku_shift = adc_range.gain, adc_range.gain_shift, adc_range.ku, adc_range.ku_shift
    ka = int(config.cells.scalars[0].adc_ka)
    # A channel's own gain is off by less than a factor of two.
    spread = config.sums.largest_variance * ku
    noise = math.isqrt((spread >> ku_shift) + ka) * _MOST_GAUSS + _MOST_OFFSET
    largest = config.sums.largest_sum * 2 * gain + (noise << (gain_shift - 20)) + (1 << gain_shift)
    fits = spread < _MANTISSA and largest < _MANTISSA
    units = math.ldexp(1.0, -gain_shift), math.ldexp(ku, -ku_shift)
    return ColumnConversion(gain, gain_shift, ku, ku_shift, ka, low, high, fits, *units)


@kernel
def convert_columns(
    first,
    last,
    first_tile,
    sums,
    variances,
    rank,
    used_columns,
    conversion,
    errors,
    offsets,
    factors,
    counts,
    scratch,
    out,
    extremes,
    scalars,
    tables,
):
    """Convert the column sums of one layer, and shift and add the codes of its bit planes.

    Parameters
    ----------
    first, last : int
        Parts of the tiles' vectors: part ``tile * parts + n`` is the ``n``-th part of a tile's batch.
    first_tile : int
        Number of the first tile.
    sums, variances : float [row tiles, planes * batch, column tiles, columns]
        Exact sums; the plane is the slower part of the second index.
    rank : int32 [row tiles, planes, batch]
        Position of each input step among the steps that the tile applies; -1 where the step is skipped.
    used_columns : int64 [column tiles]
        Columns converted per tile.
    conversion : ColumnConversion
    errors, offsets : int64 [tiles, columns]
        True and stored offset of each column, or subtracted pair.
    factors : int64 [tiles, channels]
    counts : int64 [tiles, channels]
        Conversions that each channel has made before.
    scratch : float64 [parts of the tiles, 4, columns]
        Room for a row of conversions.
    out : int32 [row tiles, column tiles, batch, columns]
    extremes : int64 [tiles of the layer, parts, 3]
        Filled: lowest and highest raw code (beyond the other end of the range where there was none), and conversions
        that ended on an extreme code.
    """
    column_tiles = sums.shape[2]
    planes, batch = rank.shape[1], rank.shape[2]
    channels = factors.shape[1]
    parts = extremes.shape[1]
    low, high = conversion.low, conversion.high
    seed = np.uint64(scalars[0].seed)
    for item in range(first, last):
        local = item // parts
        r = local // column_tiles
        c = local % column_tiles
        tile = first_tile + local
        used = used_columns[c]
        extreme = extremes[local, item % parts]
        extreme[0] = high
        extreme[1] = low
        extreme[2] = 0
        if conversion.fits:
            _prepare(scratch[item], tile, used, conversion, errors, factors)
        begin = batch * (item % parts) // parts
        end = batch * (item % parts + 1) // parts
        for p in range(planes):
            for b in range(begin, end):
                codes = out[r, c, b]
                if p == 0:
                    for k in range(codes.shape[0]):
                        codes[k] = 0
                step = np.int64(rank[r, p, b])
                if step < 0:
                    continue
                row = sums[r, p * batch + b, c]
                spread = variances[r, p * batch + b, c]
                if conversion.fits:
                    deviates = scratch[item, 2]
                    for channel in range(channels):
                        groups = (used - channel + channels - 1) // channels
                        key = channel_key(seed, tile, channel)
                        base = counts[tile, channel] + step * groups
                        for group in range(groups):
                            bits = draw(key, DRAW_CONVERSION, base + group)
                            deviates[group * channels + channel] = gauss(bits, tables)
                    _convert_together(row, spread, used, p, conversion, scratch[item], offsets[tile], codes, extreme)
                else:
                    for channel in range(channels):
                        groups = (used - channel + channels - 1) // channels
                        key = channel_key(seed, tile, channel)
                        own_gain = (conversion.gain * factors[tile, channel]) >> 16
                        base = counts[tile, channel] + step * groups
                        for group in range(groups):
                            k = group * channels + channel
                            code = convert(
                                np.int64(row[k]),
                                np.int64(spread[k]),
                                key,
                                base + group,
                                errors[tile, k],
                                own_gain,
                                conversion.gain_shift,
                                conversion.ku,
                                conversion.ku_shift,
                                conversion.ka,
                                low,
                                high,
                                tables,
                            )
                            extreme[0] = min(extreme[0], code)
                            extreme[1] = max(extreme[1], code)
                            extreme[2] += is_clipped(code, low, high)
                            codes[k] += (code - offsets[tile, k]) << p


@kernel
def join_extremes(extremes):
    """Join extremes of several parts, [parts, 3]: the lowest and the highest code, and the clipped conversions."""
    lowest, highest, clipped = extremes[0, 0], extremes[0, 1], np.int64(0)
    for n in range(extremes.shape[0]):
        lowest = min(lowest, extremes[n, 0])
        highest = max(highest, extremes[n, 1])
        clipped += extremes[n, 2]
    return lowest, highest, clipped


@part
def _prepare(scratch, tile, used, conversion, errors, factors):
    """Fill in each column's gain, and its offset with the half code that rounds."""
    channels = factors.shape[1]
    for k in range(used):
        own_gain = (conversion.gain * factors[tile, k % channels]) >> 16
        scratch[0, k] = float(own_gain) * conversion.gain_unit
        scratch[1, k] = float(errors[tile, k]) * 2.0**-20 + 0.5


@part
def _convert_together(row, spread, used, p, conversion, scratch, offsets, codes, extreme):
    """Convert a row of sums as `convert` does: its integers, scaled by powers of two, in loops that are vectorized."""
    low, high = float(conversion.low), float(conversion.high)
    ku, ka = conversion.ku_scaled, float(conversion.ka)
    for k in range(used):
        deviation = np.floor(math.sqrt(np.floor(float(spread[k]) * ku) + ka))
        exact = float(row[k]) * scratch[0, k] + (deviation * scratch[2, k] * 2.0**-20 + scratch[1, k])
        scratch[3, k] = min(max(np.floor(exact), low), high)
    least, most = np.int32(conversion.high), np.int32(conversion.low)
    clipped = np.int32(0)
    for k in range(used):
        code = np.int32(scratch[3, k])
        least = min(least, code)
        most = max(most, code)
        clipped += is_clipped(code, conversion.low, conversion.high)
        codes[k] += (code - offsets[k]) << p
    extreme[0] = min(extreme[0], least)
    extreme[1] = max(extreme[1], most)
    extreme[2] += clipped
