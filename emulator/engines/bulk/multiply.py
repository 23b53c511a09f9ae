"""Compiled multiplications of a layer: sums, conversions, counts."""

import numpy as np

from twinbar.emulator.crossbar.array import is_clipped
from twinbar.emulator.devices.physics import channel_key, convert
from twinbar.emulator.engines.bulk.counts import (
    COMMAND_BEAT,
    CONVERT_FORWARD,
    ENERGY_FORWARD,
    INPUT_STEP,
    RESPONSE_BEAT,
    ROW_DRIVE,
    SHIFT_ADD,
    add_housekeeping,
    add_load,
    add_multiply,
    driven_cycles,
)
from twinbar.emulator.kernels.compiled import allocating_kernel, kernel, part
from twinbar.hw.timing import REGISTER_WRITE_CYCLES


@kernel
def sum_columns(first, last, first_tile, steps, current, variance, sums, variances):
    """Sum the columns of one layer for a few input vectors, row by driven row.

    The same exact integers as a matrix product gives, without its start-up cost; idle rows cost nothing.

    Parameters
    ----------
    first, last : int
        Tiles of the layer, from the first to the one before the last.
    first_tile : int
        Number of the layer's first tile.
    steps : float [row tiles, input steps, rows]
    current, variance : float [tiles, rows, columns]
    sums, variances : float [row tiles, column tiles, input steps, columns]
        Filled.
    """
    _, column_tiles, count, used = sums.shape
    for local in range(first, last):
        r = local // column_tiles
        c = local % column_tiles
        tile = first_tile + local
        for n in range(count):
            for k in range(used):
                sums[r, c, n, k] = 0
                variances[r, c, n, k] = 0
            for row in range(steps.shape[2]):
                x = steps[r, n, row]
                if x != 0:
                    for k in range(used):
                        sums[r, c, n, k] += x * current[tile, row, k]
                        variances[r, c, n, k] += x * x * variance[tile, row, k]


@kernel
def convert_columns(
    first,
    last,
    first_tile,
    sums,
    variances,
    rank,
    used_columns,
    gain,
    gain_shift,
    ku,
    ku_shift,
    ka,
    low,
    high,
    errors,
    offsets,
    factors,
    counts,
    out,
    peak,
    clipped,
    scalars,
    tables,
):
    """Convert the column sums of one layer, and shift and add the codes of its bit planes.

    Parameters
    ----------
    first, last, first_tile : int
        As in `sum_columns`.
    sums, variances : float [row tiles, column tiles, planes * batch, columns]
        Exact sums; the plane is the slower part of the third index.
    rank : int32 [row tiles, planes, batch]
        Position of each input step among the steps that the tile applies; -1 where the step is skipped.
    used_columns : int64 [column tiles]
        Columns converted per tile.
    gain, gain_shift, ku, ku_shift, ka, low, high : int
        As in `twinbar.emulator.devices.physics.convert`.
    errors, offsets : int64 [tiles, columns]
        True and stored offset of each column, or subtracted pair.
    factors : int64 [tiles, channels]
    counts : int64 [tiles, channels]
        Advanced by the conversions made.
    out : int32 [row tiles, column tiles, batch, columns]
    peak : int64 [tiles of the layer, 2]
        Lowest and highest raw code; 0 where there was none.
    clipped : int64 [tiles of the layer]
        Conversions that ended on an extreme code.
    """
    column_tiles = sums.shape[1]
    planes, batch = rank.shape[1], rank.shape[2]
    channels = factors.shape[1]
    seed = np.uint64(scalars[0].seed)
    for local in range(first, last):
        r = local // column_tiles
        c = local % column_tiles
        tile = first_tile + local
        used = used_columns[c]
        least = np.int64(high)
        most = np.int64(low)
        hits = np.int64(0)
        steps = np.int64(0)
        for p in range(planes):
            for b in range(batch):
                step = np.int64(rank[r, p, b])
                if p == 0:
                    for k in range(used):
                        out[r, c, b, k] = 0
                if step < 0:
                    continue
                steps += 1
                for channel in range(channels):
                    groups = (used - channel + channels - 1) // channels
                    key = channel_key(seed, tile, channel)
                    own_gain = (gain * factors[tile, channel]) >> 16
                    base = counts[tile, channel] + step * groups
                    for group in range(groups):
                        k = group * channels + channel
                        code = convert(
                            np.int64(sums[r, c, p * batch + b, k]),
                            np.int64(variances[r, c, p * batch + b, k]),
                            key,
                            base + group,
                            errors[tile, k],
                            own_gain,
                            gain_shift,
                            ku,
                            ku_shift,
                            ka,
                            low,
                            high,
                            tables,
                        )
                        least = min(least, code)
                        most = max(most, code)
                        if is_clipped(code, low, high):
                            hits += 1
                        out[r, c, b, k] += (code - offsets[tile, k]) << p
        for channel in range(channels):
            counts[tile, channel] += steps * ((used - channel + channels - 1) // channels)
        peak[local, 0] = least if steps > 0 else 0
        peak[local, 1] = most if steps > 0 else 0
        clipped[local] = hits


@allocating_kernel
def count_multiply(
    first_tile, steps, rank, words, used_columns, channels, changed, waits, t, row_sum, phases, actions, energy
):
    """Count what the multiplications of one layer did, tile by tile.

    Parameters
    ----------
    steps : float [row tiles, planes, batch, rows]
        Input of every row in every step.
    rank : int32 [row tiles, planes, batch]
        Negative where a step is skipped.
    words : int64 [row tiles]
        Command beats that carry the inputs of one vector.
    used_columns : int64 [column tiles]
    channels : int
    changed : bool [tiles of the layer]
        Whether the register of the ADC range was written.
    waits : int64 [batch, tiles of the layer] or [0, 0]
        Cycles in which responses waited while the rows stayed driven. Without entries, every column has a
        sample-and-hold, and rows do not stay driven.
    row_sum : int64 [tiles, rows]
        Conductance of each row's mapped cells, in read-grid units.
    phases, actions, energy : int64 [tiles of the layer, ...]
        Filled.
    """
    row_tiles, planes, batch, rows = steps.shape
    column_tiles = used_columns.shape[0]
    holds = waits.shape[0] == 0
    squares = np.zeros(rows, np.int64)
    for r in range(row_tiles):
        applied = np.int64(0)
        driven = np.int64(0)
        squares[:] = 0
        for p in range(planes):
            for b in range(batch):
                if rank[r, p, b] >= 0:
                    applied += 1
                for row in range(rows):
                    x = np.int64(steps[r, p, b, row])
                    driven += x != 0
                    squares[row] += x * x
        for c in range(column_tiles):
            local = r * column_tiles + c
            used = used_columns[c]
            busiest = (used + channels - 1) // channels
            add_multiply(phases[local], t, applied, applied * busiest, batch * used)
            add_load(phases[local], batch * words[r])
            actions[local, CONVERT_FORWARD] = applied * used
            actions[local, SHIFT_ADD] = applied * used
            actions[local, INPUT_STEP] = applied
            actions[local, ROW_DRIVE] = driven
            actions[local, COMMAND_BEAT] = batch * (words[r] + 1)
            actions[local, RESPONSE_BEAT] = batch * used
            if changed[local]:
                add_housekeeping(phases[local], REGISTER_WRITE_CYCLES)
                actions[local, COMMAND_BEAT] += 1
                actions[local, RESPONSE_BEAT] += 1
            heat = np.int64(0)
            for row in range(rows):
                heat += row_sum[first_tile + local, row] * squares[row]
            energy[local, ENERGY_FORWARD] = heat * driven_cycles(t, 0 if holds else busiest)
            if not holds:
                responses = (busiest - 1) * channels
                for b in range(batch):
                    heat = _heat_of_last_step(steps[r, :, b], rank[r, :, b], row_sum[first_tile + local])
                    energy[local, ENERGY_FORWARD] += heat * (responses + waits[b, local])


@part
def _heat_of_last_step(steps, rank, row_sum):
    """Return the heat per cycle of a vector's last input step, whose rows stay driven while results are handed over."""
    heat = np.int64(0)
    last = -1
    for p in range(rank.shape[0]):
        if rank[p] >= 0:
            last = p
    if last >= 0:
        for row in range(row_sum.shape[0]):
            x = np.int64(steps[last, row])
            heat += row_sum[row] * x * x
    return heat
