"""Compiled multiplications of a layer: sums and counts."""

import numpy as np

from twinbar.emulator.engines.bulk.counts import (
    CHANNEL_CYCLE,
    CHANNEL_WAKE,
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
    answer_channel_cycles,
    driven_cycles,
    step_channel_cycles,
)
from twinbar.emulator.kernels.compiled import kernel, part
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
    current, variance : number [tiles, rows, columns]
    sums, variances : float [row tiles, input steps, column tiles, columns]
        Filled.
    """
    number = sums.dtype.type
    _, count, column_tiles, used = sums.shape
    for local in range(first, last):
        r = local // column_tiles
        c = local % column_tiles
        tile = first_tile + local
        for n in range(count):
            for k in range(used):
                sums[r, n, c, k] = 0
                variances[r, n, c, k] = 0
            for row in range(steps.shape[2]):
                x = steps[r, n, row]
                if x != 0:
                    for k in range(used):
                        sums[r, n, c, k] += x * number(current[tile, row, k])
                        variances[r, n, c, k] += x * x * number(variance[tile, row, k])


@kernel
def count_multiply(
    first_tile, steps, words, used_columns, changed, holds, waits, t, row_sum, conversions, phases, actions, energy
):
    """Count what the multiplications of one layer did, tile by tile.

    Parameters
    ----------
    first_tile : int
    steps : twinbar.emulator.engines.bulk.input_steps.InputSteps
    words : int64 [row tiles]
        Command beats that carry the inputs of one vector.
    used_columns : int64 [column tiles]
    changed : bool [tiles of the layer]
        Whether the register of the ADC range was written.
    holds : bool
        Every column has a sample-and-hold, so that rows do not stay driven.
    waits : int64 [batch, tiles of the layer, 2]
        Cycles in which responses waited while the read path stayed on; and cycles of the ADC channels that were on.
    row_sum : int64 [tiles, rows]
        Conductance of each row's mapped cells, in read-grid units.
    conversions : int64 [tiles, channels]
        Of each channel; advanced.
    phases, actions, energy : int64 [tiles of the layer, ...]
        Filled.
    """
    row_tiles, batch = steps.taken.shape
    column_tiles = used_columns.shape[0]
    channels = conversions.shape[1]
    for r in range(row_tiles):
        applied = np.int64(0)
        for b in range(batch):
            applied += steps.taken[r, b]
        for c in range(column_tiles):
            local = r * column_tiles + c
            used = used_columns[c]
            busiest = (used + channels - 1) // channels
            for channel in range(channels):
                conversions[first_tile + local, channel] += applied * ((used - channel + channels - 1) // channels)
            add_multiply(phases[local], t, applied, applied * busiest, batch * used)
            add_load(phases[local], batch * words[r])
            actions[local, CONVERT_FORWARD] = applied * used
            actions[local, SHIFT_ADD] = applied * used
            actions[local, INPUT_STEP] = applied
            actions[local, CHANNEL_WAKE] = applied * min(channels, used)
            actions[local, CHANNEL_CYCLE] = applied * step_channel_cycles(t, used, channels)
            for b in range(batch):
                if steps.taken[r, b] > 0:
                    actions[local, CHANNEL_CYCLE] += answer_channel_cycles(used, channels) + waits[b, local, 1]
            actions[local, ROW_DRIVE] = steps.driven[r]
            actions[local, COMMAND_BEAT] = batch * (words[r] + 1)
            actions[local, RESPONSE_BEAT] = batch * used
            if changed[local]:
                add_housekeeping(phases[local], REGISTER_WRITE_CYCLES)
                actions[local, COMMAND_BEAT] += 1
                actions[local, RESPONSE_BEAT] += 1
            heat = np.int64(0)
            for row in range(row_sum.shape[1]):
                heat += row_sum[first_tile + local, row] * steps.squares[r, row]
            energy[local, ENERGY_FORWARD] = heat * driven_cycles(t, 0 if holds else busiest)
            if not holds:
                responses = (busiest - 1) * channels
                for b in range(batch):
                    heat = _heat_of_last_step(steps.rows[r], steps.rank[r, :, b], b, batch, row_sum[first_tile + local])
                    energy[local, ENERGY_FORWARD] += heat * (responses + waits[b, local, 0])


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
