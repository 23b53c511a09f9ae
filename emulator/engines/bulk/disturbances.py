"""Compiled loops over cells beside a pulsed one, which move without a pulse of their own, and stress by reads."""

from typing import Any, Final

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.devices.layout import FAULT_NONE, O_STRESS, SET
from twinbar.emulator.devices.physics import (
    cell_key,
    half_selected,
    half_selected_number,
    neighbour_polarity,
    nominal_heat,
    product_grid,
    share_of_amplitude,
)
from twinbar.emulator.engines.bulk.cell_loops import refresh_cell, seen_grid
from twinbar.emulator.kernels.compiled import inline, kernel

BIT_WEIGHTS: Final = np.array([code.bit_count() for code in range(256)], np.int64)
"""Input steps in which a code drives its row, bit by bit."""


@kernel
def disturb_neighbours(
    tile,
    cell,
    count,
    polarity,
    amplitude,
    gate,
    width,
    columns,
    subtract,
    used,
    states,
    tick,
    operands,
    scalars,
    tables,
):
    """Let a pulse of nominal width move the other cells of a passive array, before it moves its own; gives their heat.

    ``count`` are the pulses that its own cell has had, and ``used`` the columns that hold weights.
    """
    seed = np.uint64(scalars[0].seed)
    parts = scalars[0].half_select
    number = half_selected_number(cell_key(seed, tile, cell), count)
    code = share_of_amplitude(amplitude, parts)
    heat = np.int64(0)
    for other in range(states.g.shape[1]):
        beside = other // columns == cell // columns or other % columns == cell % columns
        if other == cell or not (beside or parts == 3):
            continue
        own = neighbour_polarity(cell, other, columns, polarity)
        g, pulses = np.int64(states.g[tile, other]), np.int64(states.pulses[tile, other])
        sound = states.fault[tile, other] == FAULT_NONE
        key = cell_key(seed, tile, other)
        after = half_selected(g, key, pulses, number, own, code, gate, width, sound, scalars, tables)
        heat += nominal_heat(g, after, polarity, code, scalars, tables)
        if after != g:
            before = seen_grid(tile, other, columns, seed, states, tick, scalars, tables)
            states.g[tile, other] = after
            grid = seen_grid(tile, other, columns, seed, states, tick, scalars, tables)
            refresh_cell(tile, other, grid, columns, subtract, seed, states, tick, operands, scalars, tables)
            if other % columns < used:
                change = product_grid(grid, other, scalars, tables) - product_grid(before, other, scalars, tables)
                operands.row_sum[tile, other // columns] += change
    return heat


@inline
def heat_beside(
    tile,
    cell,
    count,
    pulses,
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
):
    """Let equal pulses move the other cells, where the array is passive (`disturb_neighbours`); gives their heat."""
    heat = np.int64(0)
    if scalars[0].half_select:
        width = t.width_set if polarity == SET else t.width_reset
        for n in range(pulses):
            heat += disturb_neighbours(
                tile,
                cell,
                count + n,
                polarity,
                amplitude,
                gate,
                width,
                columns,
                subtract,
                used,
                states,
                tick,
                operands,
                scalars,
                tables,
            )
    return heat


@inline
def note_reads(tile, cell, conversions, states, scalars):
    """Note that a cell was converted so often, where reads disturb."""
    if states.stress.shape[1] > 0:
        states.stress[tile, cell] += conversions * scalars[0].read_stress


def stress_rows(row_stress: Any, block: TileBlock, inputs: Any, planes: int, tables: Any) -> None:
    """Add what a batch of input codes does to the rows of a layer's tiles.

    Parameters
    ----------
    row_stress : int64 [tiles, rows]
        Added to.
    block : TileBlock
    inputs : uint8 [batch, inputs]
    planes : int
        Input steps of a vector.
    tables : int32
        `twinbar.emulator.devices.layout`.
    """
    step = tables[O_STRESS : O_STRESS + len(BIT_WEIGHTS)].astype(np.int64)
    weights = step if planes == 1 else BIT_WEIGHTS * step[1]
    # Rows without an input are not driven.
    of_input = np.append(weights[inputs].sum(axis=0), 0)
    of_rows = of_input[np.minimum(block.row_input, inputs.shape[1])]
    row_stress[block.numbers] += of_rows[:, None, :]
