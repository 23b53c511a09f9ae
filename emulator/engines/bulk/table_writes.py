"""Compiled closed-loop writes by pulse table, list by list."""

import numpy as np

from twinbar.emulator.crossbar.pulse_table import NEVER, UNCOUNTED
from twinbar.emulator.devices.layout import FAULT_NONE, READ_GAIN_SHIFT, RESET, SET
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    effective_conductance,
    nominal_heat,
    quantize,
    to_grid,
    traits,
)
from twinbar.emulator.engines.bulk.cell_loops import note_pulsed, seen_grid
from twinbar.emulator.engines.bulk.cell_writes import read_cycles
from twinbar.emulator.engines.bulk.converters import converter_of, deviation_of, sample
from twinbar.emulator.engines.bulk.counts import (
    CHANNEL_CYCLE,
    CHANNEL_WAKE,
    COMMAND_BEAT,
    COMPARE,
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
    add_compared_write,
)
from twinbar.emulator.engines.bulk.disturbances import heat_beside, note_reads
from twinbar.emulator.kernels.compiled import inline, kernel, part

OPEN = -1
"""Instead of a polarity: none is known yet."""
GOES_ON = -1
"""Instead of whether a write has ended well: it has not ended."""


@inline
def next_offset(offset, stays, rules, last):
    """Return the offset of the next entry, where the polarity stays or turns."""
    return min(offset + rules.rise, last) if stays else max(offset - rules.fall, 0)


@inline
def next_number(offset, distance, rules, last):
    """Return the number of an entry that is chosen by a code ``distance`` codes outside its window."""
    if rules.compare or rules.shift == UNCOUNTED:
        return offset
    return min(offset + ((abs(distance) - 1) >> rules.shift), last)


@inline
def compare_bound(grid, deviation, converter, made, lowest, highest, side, scalars, tables):
    """Compare a cell with the bound of a window on the side of a polarity; gives whether it misses the bound."""
    top = scalars[0].adc_max
    bound = lowest if side == SET else highest + 1
    threshold = min(max(bound + converter[4], 0), top + 1)
    code = quantize(
        grid,
        deviation,
        converter[1],
        made,
        converter[3],
        converter[2],
        READ_GAIN_SHIFT,
        scalars[0].adc_min,
        top,
        tables,
    )
    if side == SET:
        return lowest > 0 and code < threshold
    return highest < top and code >= threshold


@inline
def compare_window(grid, deviation, converter, made, lowest, highest, side, scalars, tables):
    """Compare a cell with a window, the bound on ``side`` first; gives -1, 0 or 1, and the comparisons that it took."""
    number = np.int64(0)
    answer = np.int64(0)
    while number < 2 and answer == 0:
        if compare_bound(grid, deviation, converter, made + number, lowest, highest, side, scalars, tables):
            answer = 2 * side - 1
        number += 1
        side = 1 - side
    return answer, number


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
def ends_at(distance, given, rules):
    """Return whether a write ends well where its code is ``distance`` codes outside; `GOES_ON`: it does not end."""
    if distance == 0:
        return np.int64(1)
    patient = rules.patience != NEVER and given >= rules.patience
    if patient and not rules.compare and abs(distance) <= rules.slack:
        return np.int64(1)
    return np.int64(0) if given >= rules.limit else np.int64(GOES_ON)


@inline
def pulse_group(g, count, pulses, polarity, number, entries, key, t, sound, trait, scalars, tables):
    """Give a cell equal pulses; gives its conductance, and the heat."""
    amplitude = entries.amplitude[polarity, number]
    gate = entries.gate[polarity, number]
    width = t.width_set if polarity == SET else t.width_reset
    heat = np.int64(0)
    for n in range(pulses):
        after = g
        if sound:
            after = apply_pulse(g, key, count + n, polarity, amplitude, gate, width, trait, scalars, tables)
        heat += nominal_heat(g, after, polarity, amplitude, scalars, tables)
        g = after
    return g, heat


@part
def _write_tile(
    tile,
    begin,
    end,
    cells,
    levels,
    fields,
    gives_code,
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
    last = np.int64(entries.amplitude.shape[1] - 1)
    all_reads, all_compares, all_compared, all_sets, all_resets, all_updates, all_ok = 0, 0, 0, 0, 0, 0, 0
    heat_set, heat_reset, verify = np.int64(0), np.int64(0), np.int64(0)
    for i in range(begin, end):
        cell = np.int64(cells[i])
        column = cell % columns
        lowest, highest = np.int64(low[levels[i]]), np.int64(high[levels[i]])
        key = cell_key(seed, tile, cell)
        g, count = np.int64(states.g[tile, cell]), np.int64(states.pulses[tile, cell])
        before = seen_grid(tile, cell, columns, seed, states, tick, scalars, tables)
        grid = before
        converter = converter_of(tile, column, converters.errors, converters.offsets, converters.factors, scalars)
        channel = converter[0]
        conversions = converters.counts[tile, channel]
        trait = traits(key, scalars, tables)
        sound = states.fault[tile, cell] == FAULT_NONE
        number = min(np.int64(fields.entry[i]), last)
        offset = number if rules.keep else np.int64(0)
        side = np.int64(fields.polarity[i])
        chosen = side if fields.first[i] else np.int64(OPEN)  # polarity of the pulses that come without a read
        polarity = np.int64(OPEN)
        code, ok = np.int64(0), np.int64(GOES_ON)
        reads, compares, compared, sets, resets, updates = 0, 0, 0, 0, 0, 0
        while ok < 0:
            if chosen < 0:
                deviation = deviation_of(grid, converters.deviations, scalars)
                if rules.compare:
                    code, made = compare_window(
                        grid, deviation, converter, conversions, lowest, highest, side, scalars, tables
                    )
                    distance = code
                    conversions += made
                    compared += made
                    compares += 1
                    verify += grid * (t.settle_read + made * t.compare)
                else:
                    code = sample(grid, deviation, converter, conversions, rules.discard, t.samples, scalars, tables)
                    distance = distance_from(code, lowest, highest)
                    conversions += t.samples
                    reads += 1
                    verify += grid * read_cycles(t)
                ok = ends_at(distance, sets + resets, rules)
                if ok >= 0:
                    break
                chosen = np.int64(RESET if distance > 0 else SET)
                if polarity >= 0:
                    offset = next_offset(offset, chosen == polarity, rules, last)
                number = next_number(offset, distance, rules, last)
            elif polarity >= 0:
                offset = next_offset(offset, False, rules, last)
                number = offset
            polarity = chosen
            side = chosen
            if driven[tile] != 2 * number + polarity:
                driven[tile] = 2 * number + polarity
                updates += 1
            pulses = min(entries.pulses[polarity, number], rules.limit - sets - resets)
            g, heat = pulse_group(g, count, pulses, polarity, number, entries, key, t, sound, trait, scalars, tables)
            heat += heat_beside(
                tile,
                cell,
                count,
                pulses,
                polarity,
                entries.amplitude[polarity, number],
                entries.gate[polarity, number],
                t,
                columns,
                subtract,
                used,
                states,
                tick,
                operands,
                scalars,
                tables,
            )
            count += pulses
            if polarity == SET:
                sets += pulses
                heat_set += heat
            else:
                resets += pulses
                heat_reset += heat
            grid = to_grid(
                effective_conductance(g, key, count, 0, scalars, tables), cell // columns + column, scalars, tables
            )
            chosen = np.int64(OPEN)
            if entries.turns[polarity, number] and sets + resets < rules.limit:
                chosen = 1 - polarity
            elif entries.ends[polarity, number]:
                ok = np.int64(1)
                code = np.int64(0)
        if rules.compare and (gives_code or ok == 0):
            deviation = deviation_of(grid, converters.deviations, scalars)
            code = sample(grid, deviation, converter, conversions, rules.discard, t.samples, scalars, tables)
            conversions += t.samples
            reads += 1
            verify += grid * read_cycles(t)
        if sets + resets > 0:
            note_pulsed(
                tile,
                cell,
                g,
                count,
                grid,
                before,
                columns,
                subtract,
                used,
                seed,
                states,
                tick,
                operands,
                scalars,
                tables,
            )
        note_reads(tile, cell, conversions - converters.counts[tile, channel], states, scalars)
        converters.counts[tile, channel] = conversions
        answers.codes[i] = code
        answers.sets[i] = sets
        answers.resets[i] = resets
        answers.ok[i] = ok == 1
        answers.work[i] = add_compared_write(
            totals.phases[tile], t, reads + compares, reads, compared, sets, resets, updates
        )
        all_reads += reads
        all_compares += compares
        all_compared += compared
        all_sets += sets
        all_resets += resets
        all_updates += updates
        all_ok += ok
    writes = end - begin
    actions = totals.actions
    actions[tile, SELECT_CELL] += writes
    actions[tile, CONVERT_VERIFY] += all_reads * t.samples
    actions[tile, COMPARE] += all_compared
    actions[tile, CHANNEL_WAKE] += all_compares
    actions[tile, CHANNEL_CYCLE] += all_compares * t.settle_read + all_compared * t.compare
    actions[tile, DRIVE_UPDATE] += all_updates
    actions[tile, PULSE_SET] += all_sets
    actions[tile, PULSE_RESET] += all_resets
    actions[tile, WRITE_OK] += all_ok
    actions[tile, WRITE_FAILED] += writes - all_ok
    actions[tile, COMMAND_BEAT] += writes
    actions[tile, RESPONSE_BEAT] += writes
    totals.energy[tile, ENERGY_SET] += heat_set
    totals.energy[tile, ENERGY_RESET] += heat_reset
    totals.energy[tile, ENERGY_VERIFY] += verify


@kernel
def write_by_table(
    from_tile,
    to_tile,
    offsets,
    cells,
    levels,
    fields,
    gives_code,
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
    fields : CommandFields
    gives_code : bool
        Whether a conversion follows the comparisons of every write.
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
            fields,
            gives_code,
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
