"""Compiled closed-loop writes by pulse table, list by list."""

import numpy as np

from twinbar.emulator.devices.layout import CODES, FAULT_NONE, O_ENERGY, SET
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    effective_conductance,
    to_grid,
    traits,
)
from twinbar.emulator.engines.bulk.cell_loops import refresh_cell, seen_grid
from twinbar.emulator.engines.bulk.cell_writes import read_cycles
from twinbar.emulator.engines.bulk.converters import converter_of, deviation_of, sample
from twinbar.emulator.engines.bulk.counts import (
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
    add_write,
)
from twinbar.emulator.kernels.compiled import inline, kernel, part


@inline
def distance_from(code, low, high):
    """Return how many codes a code lies outside its window, negative below it; 0 inside."""
    distance = np.int64(0)
    if code < low:
        distance = code - low
    elif code > high:
        distance = code - high
    return distance


@inline
def next_offset(offset, stays, rules, last):
    """Return the offset of the next entry, where the polarity stays or turns."""
    return min(offset + rules.rise, last) if stays else max(offset - rules.fall, 0)


@part
def _write_tile(
    tile,
    begin,
    end,
    cells,
    levels,
    first,
    entry,
    columns,
    subtract,
    used,
    low,
    high,
    entries,
    rules,
    t,
    states,
    tick,
    converters,
    driven,
    operands,
    answers,
    totals,
    scalars,
    tables,
):
    seed = np.uint64(scalars[0].seed)
    samples = t.samples
    last = np.int64(entries.amplitude.shape[1] - 1)
    all_reads, all_sets, all_resets, all_updates, all_ok = 0, 0, 0, 0, 0
    heat_set, heat_reset, verify = np.int64(0), np.int64(0), np.int64(0)
    for i in range(begin, end):
        cell = np.int64(cells[i])
        row = cell // columns
        column = cell % columns
        lowest = np.int64(low[levels[i]])
        highest = np.int64(high[levels[i]])
        key = cell_key(seed, tile, cell)
        g = np.int64(states.g[tile, cell])
        count = np.int64(states.pulses[tile, cell])
        before = seen_grid(tile, cell, columns, seed, states, tick, scalars, tables)
        grid = before
        converter = converter_of(tile, column, converters.errors, converters.offsets, converters.factors, scalars)
        channel = converter[0]
        conversions = converters.counts[tile, channel]
        trait = traits(key, scalars, tables)
        sound = states.fault[tile, cell] == FAULT_NONE
        start = min(np.int64(entry[i]), last)
        offset = start if rules.keep else np.int64(0)
        number = start
        polarity = np.int64(-1)
        follows = np.int64(first[i])  # polarity of the pulse that comes without a read, if any
        code = np.int64(0)
        reads, sets, resets, updates = 0, 0, 0, 0
        ok = False
        while True:
            if follows < 0:
                deviation = deviation_of(grid, converters.deviations, scalars)
                code = sample(grid, deviation, converter, conversions, rules.discard, samples, scalars, tables)
                conversions += samples
                reads += 1
                verify += grid
                distance = distance_from(code, lowest, highest)
                given = sets + resets
                ok = distance == 0 or (given >= rules.patience and abs(distance) <= rules.slack)
                if ok or given >= rules.limit:
                    break
                wanted = np.int64(distance > 0)
                if polarity >= 0:
                    offset = next_offset(offset, wanted == polarity, rules, last)
                number = min(offset + ((abs(distance) - 1) >> rules.shift), last)
            else:
                wanted = follows
                if polarity >= 0:
                    offset = next_offset(offset, False, rules, last)
                    number = offset
            polarity = wanted
            held = 2 * number + polarity
            if driven[tile] != held:
                driven[tile] = held
                updates += 1
            amplitude = entries.amplitude[polarity, number]
            after = g
            if sound:
                width = t.width_set if polarity == SET else t.width_reset
                gate = entries.gate[polarity, number]
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
            grid = to_grid(effective_conductance(g, key, count, 0, scalars, tables), row + column, scalars, tables)
            follows = np.int64(-1)
            if entries.turns[polarity, number] and sets + resets < rules.limit:
                follows = 1 - polarity
        if sets + resets > 0:
            states.g[tile, cell] = g
            states.pulses[tile, cell] = count
            if states.last_tick.shape[1] > 0:
                states.last_tick[tile, cell] = tick
            refresh_cell(tile, cell, grid, columns, subtract, seed, states, tick, operands, scalars, tables)
            if column < used:
                operands.row_sum[tile, row] += grid - before
        converters.counts[tile, channel] = conversions
        answers.codes[i] = code
        answers.sets[i] = sets
        answers.resets[i] = resets
        answers.ok[i] = ok
        answers.work[i] = add_write(totals.phases[tile], t, reads, sets, resets, updates)
        all_reads += reads
        all_sets += sets
        all_resets += resets
        all_updates += updates
        all_ok += ok
    writes = end - begin
    actions = totals.actions
    actions[tile, SELECT_CELL] += writes
    actions[tile, CONVERT_VERIFY] += all_reads * samples
    actions[tile, DRIVE_UPDATE] += all_updates
    actions[tile, PULSE_SET] += all_sets
    actions[tile, PULSE_RESET] += all_resets
    actions[tile, WRITE_OK] += all_ok
    actions[tile, WRITE_FAILED] += writes - all_ok
    actions[tile, COMMAND_BEAT] += writes
    actions[tile, RESPONSE_BEAT] += writes
    totals.energy[tile, ENERGY_SET] += heat_set
    totals.energy[tile, ENERGY_RESET] += heat_reset
    totals.energy[tile, ENERGY_VERIFY] += verify * read_cycles(t)


@kernel
def write_by_table(
    from_tile,
    to_tile,
    offsets,
    cells,
    levels,
    first,
    entry,
    columns,
    subtract,
    mapped_columns,
    low,
    high,
    entries,
    rules,
    t,
    states,
    tick,
    converters,
    driven,
    operands,
    answers,
    totals,
    scalars,
    tables,
):
    """Write cells to levels by pulse table, tile by tile in the order of the list.

    Arguments as in `twinbar.emulator.engines.bulk.cell_writes.write_cells`, but for these.

    Parameters
    ----------
    from_tile, to_tile : int
        Tiles, from the first to the one before the last.
    first, entry : int64 [n]
        See `twinbar.emulator.crossbar.pulse_table.PulseTable.begin`.
    entries : PulseEntries
    rules : TableRules
    driven : int64 [tiles]
        ``2 * number + polarity`` of the entry that each tile's write drive holds, or `NOTHING_DRIVEN`.
    """
    for tile in range(from_tile, to_tile):
        _write_tile(
            tile,
            offsets[tile],
            offsets[tile + 1],
            cells,
            levels,
            first,
            entry,
            columns,
            subtract,
            mapped_columns[tile],
            low,
            high,
            entries,
            rules,
            t,
            states,
            tick,
            converters,
            driven,
            operands,
            answers,
            totals,
            scalars,
            tables,
        )
