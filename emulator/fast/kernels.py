"""Compiled loops over cells and conversions: the fast engine's inner parts.

Everything here works on flat state arrays of all tiles and calls the scalar physics; tiles run in parallel because they
share nothing, and no result depends on how many threads there are.
"""

import numba
import numpy as np

from twinbar.emulator.activity import CellEnergy
from twinbar.emulator.devices.layout import (
    CODES,
    FAULT_NONE,
    O_ENERGY,
    P_ADC_KA,
    P_ADC_MAX,
    P_READ_GAIN,
    P_READ_KU,
    P_SEED,
    READ_GAIN_SHIFT,
    READ_KU_SHIFT,
    RESET,
    SET,
)
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    channel_key,
    convert,
    draw_fault,
    effective_conductance,
    grid_variance,
    initial_conductance,
    to_grid,
    traits,
)
from twinbar.emulator.registers import (
    R_AMPLITUDE,
    R_DISCARD,
    R_GATE,
    R_LIMIT,
    R_POLARITY_STRIDE,
    R_START,
    R_STEP,
    R_STOP,
)
from twinbar.hw import timing
from twinbar.hw.actions import Action
from twinbar.hw.timing import T_CONVERT, T_SAMPLES, T_SETTLE_READ, T_WIDTH_RESET, T_WIDTH_SET

# Not cached: a cache file would lie beside hw/timing.py, in a folder that knows nothing of Numba.
add_write = numba.njit(timing.add_write)
add_multiply = numba.njit(timing.add_multiply)
driven_cycles = numba.njit(timing.driven_cycles)


@numba.njit(cache=True)
def add_read(phases, t):
    """`twinbar.hw.timing.add_read`, compiled: a write that is already in its window."""
    add_write(phases, t, 1, 0, 0, 0)


SELECT_CELL = int(Action.SELECT_CELL)
CONVERT_VERIFY = int(Action.CONVERT_VERIFY)
DRIVE_UPDATE = int(Action.DRIVE_UPDATE)
PULSE_SET = int(Action.PULSE_SET)
PULSE_RESET = int(Action.PULSE_RESET)
WRITE_OK = int(Action.WRITE_OK)
WRITE_FAILED = int(Action.WRITE_FAILED)
CONVERT_FORWARD = int(Action.CONVERT_FORWARD)
ROW_DRIVE = int(Action.ROW_DRIVE)
INPUT_STEP = int(Action.INPUT_STEP)
SHIFT_ADD = int(Action.SHIFT_ADD)
COMMAND_BEAT = int(Action.COMMAND_BEAT)
RESPONSE_BEAT = int(Action.RESPONSE_BEAT)

ENERGY_SET = int(CellEnergy.SET)
ENERGY_RESET = int(CellEnergy.RESET)
ENERGY_VERIFY = int(CellEnergy.VERIFY)
ENERGY_FORWARD = int(CellEnergy.FORWARD)


@numba.njit(parallel=True, cache=True)
def initialize(state_g, fault, draw_faults, scalars, tables):
    """Form every cell: its faults (unless they are given) and its conductance."""
    tiles, cells = state_g.shape
    seed = np.uint64(scalars[P_SEED])
    for tile in numba.prange(tiles):
        for cell in range(cells):
            key = cell_key(seed, tile, cell)
            if draw_faults:
                fault[tile, cell] = draw_fault(key, scalars)
            trait = traits(key, scalars, tables)
            state_g[tile, cell] = initial_conductance(key, fault[tile, cell], trait[2], trait[3], tables)


@numba.njit(inline="always")
def seen_grid(tile, cell, columns, seed, state_g, pulses, last_tick, tick, scalars, tables):
    """Give the read-grid value of a cell as it is seen now."""
    ticks = np.int64(0)
    if last_tick.shape[1] > 0:
        ticks = tick - np.int64(last_tick[tile, cell])
    seen = effective_conductance(
        np.int64(state_g[tile, cell]),
        cell_key(seed, tile, cell),
        np.int64(pulses[tile, cell]),
        ticks,
        scalars,
        tables,
    )
    return to_grid(seen, cell // columns + cell % columns, scalars, tables)


@numba.njit(inline="always")
def refresh_cell(
    tile, cell, columns, subtract, seed, state_g, pulses, last_tick, tick, current, variance, scalars, tables
):
    """Bring the operands of the column sums up to date with one cell (and, when pairs are subtracted, its partner)."""
    row = cell // columns
    column = cell % columns
    grid = seen_grid(tile, cell, columns, seed, state_g, pulses, last_tick, tick, scalars, tables)
    if subtract:
        partner = seen_grid(tile, cell ^ 1, columns, seed, state_g, pulses, last_tick, tick, scalars, tables)
        sign = 1 - 2 * (column & 1)
        current[tile, row, column >> 1] = sign * (grid - partner)
        variance[tile, row, column >> 1] = grid_variance(grid, scalars, tables) + grid_variance(
            partner, scalars, tables
        )
    else:
        current[tile, row, column] = grid
        variance[tile, row, column] = grid_variance(grid, scalars, tables)
    return grid


@numba.njit(parallel=True, cache=True)
def refresh_all(
    columns, subtract, mapped_columns, state_g, pulses, last_tick, tick, current, variance, row_sum, scalars, tables
):
    """Recompute the operands of the column sums of every cell."""
    tiles, cells = state_g.shape
    rows = cells // columns
    seed = np.uint64(scalars[P_SEED])
    for tile in numba.prange(tiles):
        for row in range(rows):
            total = np.int64(0)
            for column in range(columns):
                cell = row * columns + column
                grid = refresh_cell(
                    tile,
                    cell,
                    columns,
                    subtract,
                    seed,
                    state_g,
                    pulses,
                    last_tick,
                    tick,
                    current,
                    variance,
                    scalars,
                    tables,
                )
                if column < mapped_columns[tile]:
                    total += grid
            row_sum[tile, row] = total


@numba.njit(parallel=True, cache=True)
def grid_values(columns, state_g, pulses, last_tick, tick, out, scalars, tables):
    """Give the read-grid value of every cell."""
    seed = np.uint64(scalars[P_SEED])
    for tile in numba.prange(state_g.shape[0]):
        for cell in range(state_g.shape[1]):
            out[tile, cell] = seen_grid(tile, cell, columns, seed, state_g, pulses, last_tick, tick, scalars, tables)


@numba.njit(parallel=True, cache=True)
def read_cells(
    offsets,
    cells,
    columns,
    channels,
    discard,
    t,
    state_g,
    pulses,
    last_tick,
    tick,
    conversions,
    out_code,
    phases,
    actions,
    energy,
    scalars,
    tables,
):
    """Read single cells, tile by tile in the order of the list (arguments as in `write_cells`)."""
    seed = np.uint64(scalars[P_SEED])
    samples = t[T_SAMPLES]
    read_cycles = t[T_SETTLE_READ] + samples * t[T_CONVERT]
    for tile in numba.prange(offsets.shape[0] - 1):
        for i in range(offsets[tile], offsets[tile + 1]):
            cell = np.int64(cells[i])
            grid = seen_grid(tile, cell, columns, seed, state_g, pulses, last_tick, tick, scalars, tables)
            channel = (cell % columns) % channels
            out_code[i] = sample(grid, seed, tile, channel, conversions, samples, discard, scalars, tables)
            add_read(phases[tile], t)
            actions[tile, SELECT_CELL] += 1
            actions[tile, CONVERT_VERIFY] += samples
            actions[tile, COMMAND_BEAT] += 1
            actions[tile, RESPONSE_BEAT] += 1
            energy[tile, ENERGY_VERIFY] += grid * read_cycles


@numba.njit(inline="always")
def sample(grid, seed, tile, channel, conversions, samples, discard, scalars, tables):
    """Convert a single cell ``samples`` times, discard the first ones, and average the rest (half up)."""
    spread = grid_variance(grid, scalars, tables)
    key = channel_key(seed, tile, channel)
    first = conversions[tile, channel]
    total = np.int64(0)
    for n in range(samples):
        code = convert(
            grid,
            spread,
            key,
            first + n,
            scalars[P_READ_GAIN],
            READ_GAIN_SHIFT,
            scalars[P_READ_KU],
            READ_KU_SHIFT,
            scalars[P_ADC_KA],
            0,
            scalars[P_ADC_MAX],
            tables,
        )
        if n >= discard:
            total += code
    conversions[tile, channel] = first + samples
    kept = samples - discard
    return (total + (kept >> 1)) // kept


@numba.njit(parallel=True, cache=True)
def write_cells(
    offsets,
    cells,
    levels,
    columns,
    channels,
    subtract,
    mapped_columns,
    low,
    high,
    registers,
    t,
    state_g,
    pulses,
    last_tick,
    tick,
    fault,
    conversions,
    driven,
    current,
    variance,
    row_sum,
    out_code,
    out_sets,
    out_resets,
    out_ok,
    phases,
    actions,
    energy,
    scalars,
    tables,
):
    """Write cells to levels by closed-loop write-verify, tile by tile in the order of the list.

    Parameters
    ----------
    offsets : int64 [tiles + 1]
        The list of tile ``k`` is ``cells[offsets[k]:offsets[k + 1]]``.
    cells, levels : int32, uint8 or uint16 [n]
        Cell within the tile (row * columns + column), and the level to reach.
    mapped_columns : int64 [tiles]
        Columns that hold weights, whose cells a multiplication drives.
    low, high : int32 [levels]
        Windows of codes.
    registers : int64
        `twinbar.emulator.registers.WriteRegisters.record`.
    t : int64
        `twinbar.hw.timing.Timing.record`.
    state_g, pulses, last_tick, fault : [tiles, cells]
        Cell states; ``last_tick`` has no columns where nothing ages.
    conversions : int64 [tiles, channels]
    driven : int64 [tiles, 3]
        Polarity, amplitude code and gate code that each tile's write drive holds.
    current, variance, row_sum
        Operands of the column sums, kept up to date.
    out_code, out_sets, out_resets, out_ok : [n]
        The responses.
    phases : int64 [tiles, phases]
    actions : int64 [tiles, actions]
    energy : int64 [tiles, 4]
        Cell energy of SET pulses, RESET pulses and verify reads.
    """
    seed = np.uint64(scalars[P_SEED])
    samples = t[T_SAMPLES]
    discard = registers[R_DISCARD]
    limit = registers[R_LIMIT]
    read_cycles = t[T_SETTLE_READ] + samples * t[T_CONVERT]
    for tile in numba.prange(offsets.shape[0] - 1):
        for i in range(offsets[tile], offsets[tile + 1]):
            cell = np.int64(cells[i])
            row = cell // columns
            column = cell % columns
            channel = column % channels
            distance = row + column
            lowest = np.int64(low[levels[i]])
            highest = np.int64(high[levels[i]])
            key = cell_key(seed, tile, cell)
            g = np.int64(state_g[tile, cell])
            count = np.int64(pulses[tile, cell])
            sound = fault[tile, cell] == FAULT_NONE
            ticks = np.int64(0)
            if last_tick.shape[1] > 0:
                ticks = tick - np.int64(last_tick[tile, cell])
            grid = to_grid(effective_conductance(g, key, count, ticks, scalars, tables), distance, scalars, tables)
            code = sample(grid, seed, tile, channel, conversions, samples, discard, scalars, tables)
            reads = np.int64(1)
            sets = np.int64(0)
            resets = np.int64(0)
            updates = np.int64(0)
            verify = grid
            if code < lowest or code > highest:
                before = grid
                trait = traits(key, scalars, tables)
                polarity = -1
                amplitude = np.int64(0)
                gate = np.int64(0)
                while (code < lowest or code > highest) and sets + resets < limit:
                    wanted = SET if code < lowest else RESET
                    base = wanted * R_POLARITY_STRIDE
                    if wanted != polarity:
                        polarity = wanted
                        amplitude = registers[base + R_AMPLITUDE + R_START]
                        gate = registers[base + R_GATE + R_START]
                    else:
                        amplitude = min(
                            amplitude + registers[base + R_AMPLITUDE + R_STEP], registers[base + R_AMPLITUDE + R_STOP]
                        )
                        gate = min(gate + registers[base + R_GATE + R_STEP], registers[base + R_GATE + R_STOP])
                    if driven[tile, 0] != polarity or driven[tile, 1] != amplitude or driven[tile, 2] != gate:
                        driven[tile, 0] = polarity
                        driven[tile, 1] = amplitude
                        driven[tile, 2] = gate
                        updates += 1
                    after = g
                    if sound:
                        width = t[T_WIDTH_SET] if polarity == SET else t[T_WIDTH_RESET]
                        after = apply_pulse(g, key, count, polarity, amplitude, gate, width, trait, scalars, tables)
                    heat = ((g + after) >> 13) * np.int64(tables[O_ENERGY + polarity * CODES + amplitude])
                    if polarity == SET:
                        sets += 1
                        energy[tile, ENERGY_SET] += heat
                    else:
                        resets += 1
                        energy[tile, ENERGY_RESET] += heat
                    g = after
                    count += 1
                    grid = to_grid(effective_conductance(g, key, count, 0, scalars, tables), distance, scalars, tables)
                    code = sample(grid, seed, tile, channel, conversions, samples, discard, scalars, tables)
                    reads += 1
                    verify += grid
                state_g[tile, cell] = g
                pulses[tile, cell] = count
                if last_tick.shape[1] > 0:
                    last_tick[tile, cell] = tick
                refresh_cell(
                    tile,
                    cell,
                    columns,
                    subtract,
                    seed,
                    state_g,
                    pulses,
                    last_tick,
                    tick,
                    current,
                    variance,
                    scalars,
                    tables,
                )
                if column < mapped_columns[tile]:
                    row_sum[tile, row] += grid - before
            ok = lowest <= code <= highest
            out_code[i] = code
            out_sets[i] = sets
            out_resets[i] = resets
            out_ok[i] = ok
            add_write(phases[tile], t, reads, sets, resets, updates)
            actions[tile, SELECT_CELL] += 1
            actions[tile, CONVERT_VERIFY] += reads * samples
            actions[tile, DRIVE_UPDATE] += updates
            actions[tile, PULSE_SET] += sets
            actions[tile, PULSE_RESET] += resets
            actions[tile, WRITE_OK if ok else WRITE_FAILED] += 1
            actions[tile, COMMAND_BEAT] += 1
            actions[tile, RESPONSE_BEAT] += 1
            energy[tile, ENERGY_VERIFY] += verify * read_cycles


@numba.njit(parallel=True, cache=True)
def sum_columns(first_tile, steps, current, variance, sums, variances):
    """Sum the columns of one layer for a few input vectors, row by driven row.

    The same exact integers as a matrix product gives, without its start-up cost; idle rows cost nothing.

    Parameters
    ----------
    steps : float [row tiles, input steps, rows]
    current, variance : float [tiles, rows, columns]
    sums, variances : float [row tiles, column tiles, input steps, columns]
        Filled.
    """
    row_tiles, column_tiles, count, used = sums.shape
    for local in numba.prange(row_tiles * column_tiles):
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


@numba.njit(parallel=True, cache=True)
def convert_columns(
    first_tile,
    sums,
    variances,
    rank,
    used_columns,
    channels,
    gain,
    gain_shift,
    ku,
    ku_shift,
    ka,
    low,
    high,
    conversions,
    out,
    peak,
    clipped,
    scalars,
    tables,
):
    """Convert the column sums of one layer, and shift and add the codes of its bit planes.

    Parameters
    ----------
    sums, variances : float [row tiles, column tiles, planes * batch, columns]
        Exact sums; the plane is the slower part of the third index.
    rank : int32 [row tiles, planes, batch]
        Position of each input step among the steps that the tile applies; -1 where the step is skipped.
    used_columns : int64 [column tiles]
        Columns converted per tile.
    gain, gain_shift, ku, ku_shift, ka, low, high : int
        As in `twinbar.emulator.devices.physics.convert`.
    conversions : int64 [tiles, channels]
        Advanced by the conversions made.
    out : int32 [row tiles, column tiles, batch, columns]
    peak : int64 [tiles of the layer, 2]
        Lowest and highest code.
    clipped : int64 [tiles of the layer]
        Conversions that ended on an extreme code.
    """
    row_tiles, column_tiles = sums.shape[0], sums.shape[1]
    planes, batch = rank.shape[1], rank.shape[2]
    seed = np.uint64(scalars[P_SEED])
    for local in numba.prange(row_tiles * column_tiles):
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
                    base = conversions[tile, channel] + step * groups
                    for group in range(groups):
                        k = group * channels + channel
                        code = convert(
                            np.int64(sums[r, c, p * batch + b, k]),
                            np.int64(variances[r, c, p * batch + b, k]),
                            key,
                            base + group,
                            gain,
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
                        if code == high or (code == low and low < 0):
                            hits += 1
                        out[r, c, b, k] += code << p
        for channel in range(channels):
            conversions[tile, channel] += steps * ((used - channel + channels - 1) // channels)
        peak[local, 0] = least
        peak[local, 1] = most
        clipped[local] = hits


@numba.njit(cache=True)
def count_multiply(
    first_tile, steps, rank, words, used_columns, channels, sample_and_hold, t, row_sum, phases, actions, energy
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
    row_sum : int64 [tiles, rows]
        Conductance of each row's mapped cells, in read-grid units.
    phases, actions, energy : int64 [tiles of the layer, ...]
        Filled.
    """
    row_tiles, planes, batch, rows = steps.shape
    column_tiles = used_columns.shape[0]
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
            actions[local, CONVERT_FORWARD] = applied * used
            actions[local, SHIFT_ADD] = applied * used
            actions[local, INPUT_STEP] = applied
            actions[local, ROW_DRIVE] = driven
            actions[local, COMMAND_BEAT] = batch * (words[r] + 1)
            actions[local, RESPONSE_BEAT] = batch * used
            heat = np.int64(0)
            for row in range(rows):
                heat += row_sum[first_tile + local, row] * squares[row]
            energy[local, ENERGY_FORWARD] = heat * driven_cycles(t, 0 if sample_and_hold else busiest)
