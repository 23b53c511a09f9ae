"""Compiled pulse trains on single cells, list by list: pulses without a read."""

import numpy as np

from twinbar.emulator.devices.layout import FAULT_NONE, SET
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    effective_conductance,
    nominal_heat,
    to_grid,
    traits,
)
from twinbar.emulator.engines.bulk.cell_loops import note_pulsed, seen_grid
from twinbar.emulator.engines.bulk.cell_writes import NOTHING_DRIVEN
from twinbar.emulator.engines.bulk.counts import (
    COMMAND_BEAT,
    DRIVE_UPDATE,
    ENERGY_RESET,
    ENERGY_SET,
    PULSE_RESET,
    PULSE_SET,
    RESPONSE_BEAT,
    SELECT_CELL,
    add_write,
)
from twinbar.emulator.engines.bulk.disturbances import heat_beside
from twinbar.emulator.kernels.compiled import kernel, part


@part
def _pulse_tile(
    tile,
    first,
    last,
    cells,
    polarities,
    counts,
    columns,
    subtract,
    used,
    registers,
    t,
    states,
    tick,
    driven,
    operands,
    work,
    totals,
    scalars,
    tables,
):
    seed = np.uint64(scalars[0].seed)
    all_sets, all_resets, all_updates = 0, 0, 0
    heat_set, heat_reset = np.int64(0), np.int64(0)
    for i in range(first, last):
        cell = np.int64(cells[i])
        polarity = np.int64(polarities[i])
        pulses = np.int64(counts[i])
        before = seen_grid(tile, cell, columns, seed, states, tick, scalars, tables)
        key = cell_key(seed, tile, cell)
        trait = traits(key, scalars, tables)
        sound = states.fault[tile, cell] == FAULT_NONE
        width = t.width_set if polarity == SET else t.width_reset
        amplitudes, gates = registers.amplitude[polarity], registers.gate[polarity]
        amplitude, gate = amplitudes.start, gates.start
        g = np.int64(states.g[tile, cell])
        count = np.int64(states.pulses[tile, cell])
        updates = 0
        if driven[tile] != polarity:
            driven[tile] = polarity
            updates = 1
        heat = np.int64(0)
        for pulse in range(pulses):
            if pulse > 0:
                amplitude_before, gate_before = amplitude, gate
                amplitude = min(amplitude + amplitudes.step, amplitudes.stop)
                gate = min(gate + gates.step, gates.stop)
                if amplitude != amplitude_before or gate != gate_before:
                    driven[tile] = NOTHING_DRIVEN
                    updates += 1
            after = g
            if sound:
                after = apply_pulse(g, key, count, polarity, amplitude, gate, width, trait, scalars, tables)
            heat += nominal_heat(g, after, polarity, amplitude, scalars, tables)
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
            g = after
            count += 1
        grid = to_grid(
            effective_conductance(g, key, count, 0, scalars, tables), cell // columns + cell % columns, scalars, tables
        )
        note_pulsed(
            tile, cell, g, count, grid, before, columns, subtract, used, seed, states, tick, operands, scalars, tables
        )
        sets = pulses if polarity == SET else 0
        work[i] = add_write(totals.phases[tile], t, 0, sets, pulses - sets, updates)
        all_sets += sets
        all_resets += pulses - sets
        all_updates += updates
        if polarity == SET:
            heat_set += heat
        else:
            heat_reset += heat
    trains = last - first
    actions = totals.actions
    actions[tile, SELECT_CELL] += trains
    actions[tile, DRIVE_UPDATE] += all_updates
    actions[tile, PULSE_SET] += all_sets
    actions[tile, PULSE_RESET] += all_resets
    actions[tile, COMMAND_BEAT] += trains
    actions[tile, RESPONSE_BEAT] += trains
    totals.energy[tile, ENERGY_SET] += heat_set
    totals.energy[tile, ENERGY_RESET] += heat_reset


@kernel
def pulse_cells(
    first,
    last,
    offsets,
    cells,
    polarities,
    counts,
    columns,
    subtract,
    mapped_columns,
    registers,
    t,
    states,
    tick,
    driven,
    operands,
    work,
    totals,
    scalars,
    tables,
):
    """Give trains of pulses, tile by tile in the order of the list.

    Parameters
    ----------
    cells, polarities, counts
        As in `twinbar.emulator.contract.bulk_operations.PulseList`.
    work : int64 [n]
        Filled: cycles of each train before its response.
    first, last, offsets, columns, subtract, mapped_columns, registers, t, states, tick, driven, operands
        As in `twinbar.emulator.engines.bulk.cell_writes.write_cells`.
    totals, scalars, tables
        As in `twinbar.emulator.engines.bulk.cell_writes.write_cells`.
    """
    for tile in range(first, last):
        _pulse_tile(
            tile,
            offsets[tile],
            offsets[tile + 1],
            cells,
            polarities,
            counts,
            columns,
            subtract,
            mapped_columns[tile],
            registers,
            t,
            states,
            tick,
            driven,
            operands,
            work,
            totals,
            scalars,
            tables,
        )
