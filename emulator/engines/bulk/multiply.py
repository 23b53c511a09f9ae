"""Compiled multiplications of a layer: sums and counts."""

import numpy as np

from twinbar.emulator.engines.bulk.counts import (
    CHANNEL_CYCLE,
    CHANNEL_WAKE,
    COMMAND_BEAT,
    CONVERT_FORWARD,
    INPUT_STEP,
    RESPONSE_BEAT,
    SHIFT_ADD,
    add_housekeeping,
    add_load,
    add_multiply,
    answer_channel_cycles,
    driven_cycles,
    step_channel_cycles,
)
from twinbar.emulator.kernels.compiled import kernel, part
from twinbar.hw.timing import REGISTER_WRITE_CYCLES

_MOST = 1 << 62


@kernel
def sum_columns(first, last, first_tile, steps, current, variance, driven, sums, variances):
    """Sum the columns of one layer, row by driven row.

    The same exact integers as a matrix product gives, without its start-up cost; idle rows cost nothing.

    Parameters
    ----------
    first, last : int
        Tiles of the layer, from the first to the one before the last.
    first_tile : int
        Number of the layer's first tile.
    steps : float [row tiles, input steps, rows]
    current, variance : number [tiles, rows, columns]
    driven : int32 [tiles of the layer, n, rows]
        Room for the numbers of the rows that a step drives, for n steps at a time: column tiles take the same ones.
    sums, variances : float [row tiles, input steps, column tiles, columns]
        Filled.
    """
    column_tiles = sums.shape[2]
    listed = driven[first]
    local = first
    while local < last:
        r = local // column_tiles
        begin = local - r * column_tiles
        end = min(column_tiles, last - r * column_tiles)
        for some in range(0, sums.shape[1], listed.shape[0]):
            together = min(listed.shape[0], sums.shape[1] - some)
            for n in range(together):
                _list_driven(steps[r, some + n], listed[n])
            for c in range(begin, end):
                tile = first_tile + r * column_tiles + c
                for n in range(together):
                    step = some + n
                    _sum_rows(
                        steps[r, step],
                        listed[n],
                        current[tile],
                        variance[tile],
                        sums[r, step, c],
                        variances[r, step, c],
                    )
        local = (r + 1) * column_tiles


@part
def _list_driven(steps, rows):
    """List the rows that a step drives, with -1 behind them where there is room."""
    many = 0
    for row in range(steps.shape[0]):
        rows[many] = row
        many += steps[row] != 0
    if many < rows.shape[0]:
        rows[many] = -1


@kernel
def _sum_rows(steps, rows, current, variance, sums, variances):
    """Sum rows of both operands, times what drives them and the square of that, into the first columns' sums.

    Several rows at a time, so that sums are loaded and stored less often.
    """
    number = sums.dtype.type
    many = 0
    while many < rows.shape[0] and rows[many] >= 0:
        many += 1
    for k in range(sums.shape[0]):
        sums[k] = 0
        variances[k] = 0
    whole = many & ~3
    for n in range(0, whole, 4):
        a, b, c, d = rows[n], rows[n + 1], rows[n + 2], rows[n + 3]
        x, y, z, w = steps[a], steps[b], steps[c], steps[d]
        first, second, third, fourth = current[a], current[b], current[c], current[d]
        for k in range(sums.shape[0]):
            sums[k] += (x * number(first[k]) + y * number(second[k])) + (z * number(third[k]) + w * number(fourth[k]))
        x, y, z, w = x * x, y * y, z * z, w * w
        first, second, third, fourth = variance[a], variance[b], variance[c], variance[d]
        for k in range(sums.shape[0]):
            variances[k] += (x * number(first[k]) + y * number(second[k])) + (
                z * number(third[k]) + w * number(fourth[k])
            )
    for n in range(whole, many):
        x = steps[rows[n]]
        first, second = current[rows[n]], variance[rows[n]]
        for k in range(sums.shape[0]):
            sums[k] += x * number(first[k])
            variances[k] += x * x * number(second[k])


@kernel
def set_ranges(code, ranges, changed):
    """Write the registers of the ADC range of some tiles, and say in ``changed`` which of them held another code."""
    for tile in range(ranges.shape[0]):
        changed[tile] = ranges[tile] != code
        ranges[tile] = code


@kernel
def count_multiply(taken, loads, products, used_columns, changed, waits, t, conversions, phases, actions):
    """Count what the multiplications of one layer do, tile by tile, whatever their inputs are.

    Parameters
    ----------
    taken : int64 [row tiles, batch]
        Input steps that each vector takes.
    loads : int64 [row tiles]
        Command beats that carry inputs.
    products : int64 [row tiles]
        Vectors that the row tile multiplies.
    used_columns : int64 [column tiles]
    changed : bool [tiles of the layer]
        Whether the register of the ADC range was written.
    waits : int64 [batch, tiles of the layer, 2]
        Cycles in which responses waited while the read path stayed on; and cycles of the ADC channels that were on.
    conversions : int64 [tiles of the layer, channels]
    phases, actions : int64 [tiles of the layer, ...]
        Filled.
    """
    row_tiles, batch = taken.shape
    column_tiles = used_columns.shape[0]
    channels = conversions.shape[1]
    for r in range(row_tiles):
        applied = np.int64(0)
        for b in range(batch):
            applied += taken[r, b]
        for c in range(column_tiles):
            local = r * column_tiles + c
            used = used_columns[c]
            busiest = (used + channels - 1) // channels
            for channel in range(channels):
                conversions[local, channel] = applied * ((used - channel + channels - 1) // channels)
            add_multiply(phases[local], t, applied, applied * busiest, products[r] * used)
            add_load(phases[local], loads[r])
            actions[local, CONVERT_FORWARD] = applied * used
            actions[local, SHIFT_ADD] = applied * used
            actions[local, INPUT_STEP] = applied
            actions[local, CHANNEL_WAKE] = applied * min(channels, used)
            actions[local, CHANNEL_CYCLE] = applied * step_channel_cycles(t, used, channels)
            for b in range(batch):
                if taken[r, b] > 0:
                    actions[local, CHANNEL_CYCLE] += answer_channel_cycles(used, channels) + waits[b, local, 1]
            actions[local, COMMAND_BEAT] = loads[r] + products[r]
            actions[local, RESPONSE_BEAT] = products[r] * used
            if changed[local]:
                add_housekeeping(phases[local], REGISTER_WRITE_CYCLES)
                actions[local, COMMAND_BEAT] += 1
                actions[local, RESPONSE_BEAT] += 1


@kernel
def heat_of_rows(first_tile, steps, used_columns, channels, holds, waits, t, row_sum, heat):
    """Sum the heat in the cells of one layer's driven rows; gives -1 if the sum might not fit.

    Parameters
    ----------
    first_tile : int
    steps : twinbar.emulator.engines.bulk.input_steps.InputSteps
    used_columns : int64 [column tiles]
    channels : int
        ADC channels of a tile.
    holds : bool
        Every column has a sample-and-hold, so that rows do not stay driven.
    waits : int64 [batch, tiles of the layer, 2]
        As of `count_multiply`.
    row_sum : int64 [tiles, rows]
        Conductance of each row's mapped cells, in read-grid units.
    heat : int64 [tiles of the layer]
        Filled.
    """
    row_tiles, batch = steps.taken.shape
    column_tiles = used_columns.shape[0]
    summed = np.int64(0)
    plausible = True
    for r in range(row_tiles):
        for c in range(column_tiles):
            local = r * column_tiles + c
            busiest = (used_columns[c] + channels - 1) // channels
            sums, squares = row_sum[first_tile + local], steps.squares[r]
            total = np.int64(0)
            for row in range(sums.shape[0]):
                total += sums[row] * squares[row]
            heat[local] = total * driven_cycles(t, 0 if holds else busiest)
            if not holds:
                responses = (busiest - 1) * channels
                for b in range(batch):
                    total = _heat_of_last_step(steps.rows[r], steps.rank[r, :, b], b, batch, sums)
                    heat[local] += total * (responses + waits[b, local, 0])
            plausible &= 0 <= heat[local] <= _MOST // heat.shape[0]
            summed += heat[local]
    return summed if plausible else -1


@part
def _heat_of_last_step(rows, rank, vector, batch, row_sum):
    """Return the heat per cycle of a vector's last input step, whose rows stay driven while results are handed over."""
    heat = np.int64(0)
    last = -1
    for p in range(rank.shape[0]):
        if rank[p] >= 0:
            last = p
    if last >= 0:
        for row in range(row_sum.shape[0]):
            x = np.int64(rows[last * batch + vector, row])
            heat += row_sum[row] * x * x
    return heat
