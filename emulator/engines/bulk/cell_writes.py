"""Compiled closed-loop writes and reads of single cells, list by list."""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.devices.layout import FAULT_NONE, RESET, SET
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    effective_conductance,
    nominal_heat,
    to_grid,
    traits,
)
from twinbar.emulator.engines.bulk.cell_loops import note_pulsed, seen_grid
from twinbar.emulator.engines.bulk.converters import converter_of, deviation_of, sample
from twinbar.emulator.engines.bulk.counts import (
    CHANNEL_CYCLE,
    CHANNEL_WAKE,
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
from twinbar.emulator.engines.bulk.disturbances import heat_beside, note_reads
from twinbar.emulator.kernels.compiled import inline, kernel, part

NOTHING_DRIVEN = -1
"""Instead of a polarity: the write drive does not hold the start codes of a record."""


@inline
def read_cycles(t):
    """Return the cycles for which a read drives its cell."""
    return t.settle_read + t.samples * t.convert


@kernel
def count_wakes(actions, t):
    """Count what the reads of cells, already among the actions [tiles, len(ACTIONS)], ask of ADC channels."""
    for tile in range(actions.shape[0]):
        reads = actions[tile, CONVERT_VERIFY] // t.samples
        actions[tile, CHANNEL_WAKE] += reads
        actions[tile, CHANNEL_CYCLE] += reads * read_cycles(t)


class Answers(NamedTuple):
    """What becomes of each write of a list.

    Parameters
    ----------
    codes, sets, resets, ok : int32, uint16, uint16, bool [n]
        The responses.
    work : int64 [n]
        Cycles before the response.
    """

    codes: np.ndarray
    sets: np.ndarray
    resets: np.ndarray
    ok: np.ndarray
    work: np.ndarray


class Totals(NamedTuple):
    """What the tiles do, summed over a program.

    Parameters
    ----------
    phases : int64 [tiles, phases]
    actions : int64 [tiles, actions]
    energy : int64 [tiles, 4]
        Cell energy (`twinbar.emulator.contract.activity.CellEnergy`).
    """

    phases: np.ndarray
    actions: np.ndarray
    energy: np.ndarray


@part
def _read_tile(
    tile, first, last, cells, columns, discard, t, states, tick, converters, codes, work, totals, scalars, tables
):
    seed = np.uint64(scalars[0].seed)
    samples = t.samples
    counts = converters.counts
    verify = np.int64(0)
    for i in range(first, last):
        cell = np.int64(cells[i])
        grid = seen_grid(tile, cell, columns, seed, states, tick, scalars, tables)
        deviation = deviation_of(grid, converters.deviations, scalars)
        converter = converter_of(
            tile, cell % columns, converters.errors, converters.offsets, converters.factors, scalars
        )
        channel = converter[0]
        codes[i] = sample(grid, deviation, converter, counts[tile, channel], discard, samples, scalars, tables)
        counts[tile, channel] += samples
        note_reads(tile, cell, samples, states, scalars)
        work[i] = add_read(totals.phases[tile], t)
        verify += grid
    reads = last - first
    totals.actions[tile, SELECT_CELL] += reads
    totals.actions[tile, CONVERT_VERIFY] += reads * samples
    totals.actions[tile, COMMAND_BEAT] += reads
    totals.actions[tile, RESPONSE_BEAT] += reads
    totals.energy[tile, ENERGY_VERIFY] += verify * read_cycles(t)


@kernel
def read_cells(
    first, last, offsets, cells, columns, discard, t, states, tick, converters, codes, work, totals, scalars, tables
):
    """Read single cells, tile by tile in the order of the list (arguments as in `write_cells`)."""
    for tile in range(first, last):
        _read_tile(
            tile,
            offsets[tile],
            offsets[tile + 1],
            cells,
            columns,
            discard,
            t,
            states,
            tick,
            converters,
            codes,
            work,
            totals,
            scalars,
            tables,
        )


@part
def _write_tile(
    tile,
    first,
    last,
    cells,
    levels,
    columns,
    subtract,
    used,
    low,
    high,
    registers,
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
    discard = registers.discard
    limit = registers.limit
    deviations = converters.deviations
    all_reads, all_sets, all_resets, all_updates, all_ok = 0, 0, 0, 0, 0
    heat_set, heat_reset, verify = np.int64(0), np.int64(0), np.int64(0)
    for i in range(first, last):
        cell = np.int64(cells[i])
        row = cell // columns
        column = cell % columns
        distance = row + column
        lowest = np.int64(low[levels[i]])
        highest = np.int64(high[levels[i]])
        key = cell_key(seed, tile, cell)
        g = np.int64(states.g[tile, cell])
        count = np.int64(states.pulses[tile, cell])
        ticks = np.int64(0)
        if states.last_tick.shape[1] > 0:
            ticks = tick - np.int64(states.last_tick[tile, cell])
        grid = to_grid(effective_conductance(g, key, count, ticks, scalars, tables), distance, scalars, tables)
        deviation = deviation_of(grid, deviations, scalars)
        converter = converter_of(tile, column, converters.errors, converters.offsets, converters.factors, scalars)
        channel = converter[0]
        conversions = converters.counts[tile, channel]
        code = sample(grid, deviation, converter, conversions, discard, samples, scalars, tables)
        conversions += samples
        reads = 1
        sets = 0
        resets = 0
        updates = 0
        verify += grid
        if code < lowest or code > highest:
            before = grid
            trait = traits(key, scalars, tables)
            sound = states.fault[tile, cell] == FAULT_NONE
            polarity = -1
            amplitude = np.int64(0)
            gate = np.int64(0)
            while (code < lowest or code > highest) and sets + resets < limit:
                wanted = SET if code < lowest else RESET
                amplitudes, gates = registers.amplitude[wanted], registers.gate[wanted]
                if wanted != polarity:
                    polarity = wanted
                    amplitude = amplitudes.start
                    gate = gates.start
                    if driven[tile] != polarity:
                        driven[tile] = polarity
                        updates += 1
                else:
                    amplitude_before, gate_before = amplitude, gate
                    amplitude = min(amplitude + amplitudes.step, amplitudes.stop)
                    gate = min(gate + gates.step, gates.stop)
                    if amplitude != amplitude_before or gate != gate_before:
                        driven[tile] = NOTHING_DRIVEN
                        updates += 1
                after = g
                if sound:
                    width = t.width_set if polarity == SET else t.width_reset
                    after = apply_pulse(g, key, count, polarity, amplitude, gate, width, trait, scalars, tables)
                heat = nominal_heat(g, after, polarity, amplitude, scalars, tables)
                heat += heat_beside(
                    tile,
                    cell,
                    count,
                    1,
                    polarity,
                    amplitude,
                    gate,
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
                code = sample(grid, deviation, converter, conversions, discard, samples, scalars, tables)
                conversions += samples
                reads += 1
                verify += grid
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
        ok = lowest <= code <= highest
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
    writes = last - first
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
def write_cells(
    first,
    last,
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
    """Write cells to levels by closed-loop write-verify, tile by tile in the order of the list.

    Parameters
    ----------
    first, last : int
        Tiles, from the first to the one before the last.
    offsets : int64 [tiles + 1]
        The list of tile ``k`` is ``cells[offsets[k]:offsets[k + 1]]``.
    cells, levels : int32, uint8 or uint16 [n]
        Cell within the tile (row * columns + column), and the level to reach.
    columns : int
    subtract : bool
        Whether pairs of columns are subtracted.
    mapped_columns : int64 [tiles]
        Columns that hold weights, whose cells a multiplication drives.
    low, high : int32 [levels]
        Windows of codes.
    registers : record `twinbar.emulator.crossbar.write_registers.WRITE_RECORD`
    t : twinbar.hw.timing.Durations
    states : CellStates
    tick : int
    converters : Converters
        Their counts advance.
    driven : int64 [tiles]
        Polarity whose start codes each tile's write drive holds, or `NOTHING_DRIVEN`. What else it holds does not
        matter: the first pulse of a write takes start codes.
    operands : Operands
        Kept up to date.
    answers : Answers
        Filled.
    totals : Totals
        Added to.
    scalars, tables
        `twinbar.emulator.devices.layout`.
    """
    for tile in range(first, last):
        _write_tile(
            tile,
            offsets[tile],
            offsets[tile + 1],
            cells,
            levels,
            columns,
            subtract,
            mapped_columns[tile],
            low,
            high,
            registers,
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
