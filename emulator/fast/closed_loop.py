"""Compiled closed-loop writes and reads of single cells, list by list."""

import numba
import numpy as np

from twinbar.emulator.devices.layout import CODES, FAULT_NONE, O_ENERGY, P_SEED, RESET, SET
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    effective_conductance,
    to_grid,
    traits,
)
from twinbar.emulator.fast.cells import refresh_cell, seen_grid
from twinbar.emulator.fast.converters import converter_of, deviation_of, sample
from twinbar.emulator.fast.counts import (
    COMMAND_BEAT,
    CONVERT_VERIFY,
    DRIVE_UPDATE,
    ENERGY_RESET,
    ENERGY_SET,
    ENERGY_VERIFY,
    PULSE_RESET,
    PULSE_SET,
    RESPONSE_BEAT,
    SELECT_CELL,
    WRITE_FAILED,
    WRITE_OK,
    add_read,
    add_write,
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
from twinbar.hw.timing import T_CONVERT, T_SAMPLES, T_SETTLE_READ, T_WIDTH_RESET, T_WIDTH_SET

NOTHING_DRIVEN = -1
"""Instead of a polarity: the write drive does not hold the start codes of a record."""


@numba.njit(parallel=True, cache=True)
def read_cells(
    offsets,
    cells,
    columns,
    discard,
    t,
    state_g,
    pulses,
    last_tick,
    tick,
    errors,
    stored,
    factors,
    counts,
    deviations,
    out_code,
    work,
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
            deviation = deviation_of(grid, deviations, scalars)
            converter = converter_of(tile, cell % columns, errors, stored, factors, scalars)
            channel = converter[0]
            out_code[i] = sample(grid, deviation, converter, counts[tile, channel], discard, samples, scalars, tables)
            counts[tile, channel] += samples
            work[i] = add_read(phases[tile], t)
            actions[tile, SELECT_CELL] += 1
            actions[tile, CONVERT_VERIFY] += samples
            actions[tile, COMMAND_BEAT] += 1
            actions[tile, RESPONSE_BEAT] += 1
            energy[tile, ENERGY_VERIFY] += grid * read_cycles


@numba.njit(parallel=True, cache=True)
def write_cells(
    offsets,
    cells,
    levels,
    columns,
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
    errors,
    stored,
    factors,
    counts,
    deviations,
    driven,
    current,
    variance,
    row_sum,
    out_code,
    out_sets,
    out_resets,
    out_ok,
    work,
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
    errors, stored, factors, counts : int64 [tiles, columns or channels]
    deviations : int64 [VAR_BINS]
        Of `Converters`; ``stored`` are its offsets.
    driven : int64 [tiles]
        Polarity whose start codes each tile's write drive holds, or `NOTHING_DRIVEN`. What else it holds does not
        matter: the first pulse of a write takes start codes.
    current, variance, row_sum
        Operands of the column sums, kept up to date.
    out_code, out_sets, out_resets, out_ok : [n]
        The responses.
    work : int64 [n]
        Filled: cycles of each write before its response.
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
            deviation = deviation_of(grid, deviations, scalars)
            converter = converter_of(tile, column, errors, stored, factors, scalars)
            channel = converter[0]
            conversions = counts[tile, channel]
            code = sample(grid, deviation, converter, conversions, discard, samples, scalars, tables)
            reads = np.int64(1)
            sets = np.int64(0)
            resets = np.int64(0)
            updates = np.int64(0)
            verify = grid
            heat_set = np.int64(0)
            heat_reset = np.int64(0)
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
                        if driven[tile] != polarity:
                            driven[tile] = polarity
                            updates += 1
                    else:
                        amplitude_before, gate_before = amplitude, gate
                        amplitude = min(
                            amplitude + registers[base + R_AMPLITUDE + R_STEP], registers[base + R_AMPLITUDE + R_STOP]
                        )
                        gate = min(gate + registers[base + R_GATE + R_STEP], registers[base + R_GATE + R_STOP])
                        if amplitude != amplitude_before or gate != gate_before:
                            driven[tile] = NOTHING_DRIVEN
                            updates += 1
                    after = g
                    if sound:
                        width = t[T_WIDTH_SET] if polarity == SET else t[T_WIDTH_RESET]
                        after = apply_pulse(g, key, count, polarity, amplitude, gate, width, trait, scalars, tables)
                    heat = ((g + after) >> 13) * np.int64(tables[O_ENERGY + polarity * CODES + amplitude])
                    if polarity == SET:
                        sets += 1
                        heat_set += heat
                    else:
                        resets += 1
                        heat_reset += heat
                    g = after
                    count += 1
                    grid = to_grid(effective_conductance(g, key, count, 0, scalars, tables), distance, scalars, tables)
                    deviation = deviation_of(grid, deviations, scalars)
                    code = sample(
                        grid, deviation, converter, conversions + reads * samples, discard, samples, scalars, tables
                    )
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
            counts[tile, channel] = conversions + reads * samples
            ok = lowest <= code <= highest
            out_code[i] = code
            out_sets[i] = sets
            out_resets[i] = resets
            out_ok[i] = ok
            work[i] = add_write(phases[tile], t, reads, sets, resets, updates)
            actions[tile, SELECT_CELL] += 1
            actions[tile, CONVERT_VERIFY] += reads * samples
            actions[tile, DRIVE_UPDATE] += updates
            actions[tile, PULSE_SET] += sets
            actions[tile, PULSE_RESET] += resets
            actions[tile, WRITE_OK if ok else WRITE_FAILED] += 1
            actions[tile, COMMAND_BEAT] += 1
            actions[tile, RESPONSE_BEAT] += 1
            energy[tile, ENERGY_SET] += heat_set
            energy[tile, ENERGY_RESET] += heat_reset
            energy[tile, ENERGY_VERIFY] += verify * read_cycles
