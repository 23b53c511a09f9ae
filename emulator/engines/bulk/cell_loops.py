"""Compiled loops over the cells of all tiles: forming them, and keeping the operands of the column sums up to date.

Everything works on flat state arrays and calls the scalar physics, for a range of tiles (`for_tiles` gives each thread
one).
"""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.devices.physics import (
    cell_key,
    draw_fault,
    effective_conductance,
    grid_variance,
    initial_conductance,
    product_grid,
    to_grid,
    traits,
)
from twinbar.emulator.kernels.compiled import inline, kernel, part


class CellStates(NamedTuple):
    """The state of the cells of all tiles.

    Parameters
    ----------
    g : int32 [tiles, cells]
        Conductance, Q24.
    pulses : uint32 [tiles, cells]
        Pulses that the cell has had.
    last_tick : uint32 [tiles, cells], or [tiles, 0] where nothing ages
        Tick of its last pulse.
    fault : uint8 [tiles, cells]
    stress, row_stress : int64 [tiles, cells] and [tiles, rows], or [tiles, 0] where reads do not disturb
        What reads and input steps have done that does not show yet.
    """

    g: np.ndarray
    pulses: np.ndarray
    last_tick: np.ndarray
    fault: np.ndarray
    stress: np.ndarray
    row_stress: np.ndarray


class Operands(NamedTuple):
    """The operands of the column sums of all tiles: what the cells are seen as.

    Parameters
    ----------
    current, variance : int16 (or the type of the sums) [tiles, rows, outputs]
        Read-grid values in a multiplication and their variances (of subtracted pairs: difference and sum).
    row_sum : int64 [tiles, rows]
        Read-grid values of a row in a multiplication, summed over the columns that hold weights.
    """

    current: np.ndarray
    variance: np.ndarray
    row_sum: np.ndarray


@kernel
def initialize(first, last, state_g, fault, draw_faults, scalars, tables):
    """Form the cells of the tiles ``first`` to ``last - 1``: their faults (unless given) and conductances."""
    seed = np.uint64(scalars[0].seed)
    for tile in range(first, last):
        for cell in range(state_g.shape[1]):
            key = cell_key(seed, tile, cell)
            if draw_faults:
                fault[tile, cell] = draw_fault(key, scalars)
            trait = traits(key, scalars, tables)
            state_g[tile, cell] = initial_conductance(key, fault[tile, cell], trait[2], trait[3], tables)


@inline
def seen_grid(tile, cell, columns, seed, states, tick, scalars, tables):
    """Return the read-grid value of a cell as it is seen now."""
    ticks = np.int64(0)
    if states.last_tick.shape[1] > 0:
        ticks = tick - np.int64(states.last_tick[tile, cell])
    seen = effective_conductance(
        np.int64(states.g[tile, cell]),
        cell_key(seed, tile, cell),
        np.int64(states.pulses[tile, cell]),
        ticks,
        scalars,
        tables,
    )
    return to_grid(seen, cell // columns + cell % columns, scalars, tables)


@inline
def refresh_cell(tile, cell, grid, columns, subtract, seed, states, tick, operands, scalars, tables):
    """Bring the operands up to date with a cell that a read sees as ``grid`` now (and, of pairs, with its partner)."""
    row = cell // columns
    column = cell % columns
    grid = product_grid(grid, cell, scalars, tables)
    spread = grid_variance(grid, scalars, tables)
    if subtract:
        partner = seen_grid(tile, cell ^ 1, columns, seed, states, tick, scalars, tables)
        partner = product_grid(partner, cell ^ 1, scalars, tables)
        sign = 1 - 2 * (column & 1)
        operands.current[tile, row, column >> 1] = sign * (grid - partner)
        operands.variance[tile, row, column >> 1] = spread + grid_variance(partner, scalars, tables)
    else:
        operands.current[tile, row, column] = grid
        operands.variance[tile, row, column] = spread


@inline
def note_pulsed(
    tile, cell, g, count, grid, before, columns, subtract, used, seed, states, tick, operands, scalars, tables
):
    """Note what pulses have left of a cell: its conductance, its pulses, and that it is seen as ``grid`` now.

    ``before`` is what it was seen as before them, and ``used`` the columns that hold weights.
    """
    states.g[tile, cell] = g
    states.pulses[tile, cell] = count
    if states.last_tick.shape[1] > 0:
        states.last_tick[tile, cell] = tick
    refresh_cell(tile, cell, grid, columns, subtract, seed, states, tick, operands, scalars, tables)
    if cell % columns < used:
        change = product_grid(grid, cell, scalars, tables) - product_grid(before, cell, scalars, tables)
        operands.row_sum[tile, cell // columns] += change


@part
def _refresh_tile(tile, columns, subtract, used, states, tick, operands, scalars, tables):
    seed = np.uint64(scalars[0].seed)
    for row in range(operands.row_sum.shape[1]):
        total = np.int64(0)
        for column in range(columns):
            cell = row * columns + column
            grid = seen_grid(tile, cell, columns, seed, states, tick, scalars, tables)
            refresh_cell(tile, cell, grid, columns, subtract, seed, states, tick, operands, scalars, tables)
            if column < used:
                total += product_grid(grid, cell, scalars, tables)
        operands.row_sum[tile, row] = total


@kernel
def refresh_tiles(first, last, columns, subtract, mapped_columns, states, tick, operands, scalars, tables):
    """Recompute the operands of the column sums of the tiles ``first`` to ``last - 1``."""
    for tile in range(first, last):
        _refresh_tile(tile, columns, subtract, mapped_columns[tile], states, tick, operands, scalars, tables)


@kernel
def grid_values(first, last, columns, states, tick, out, scalars, tables):
    """Return the read-grid value of every cell of the tiles ``first`` to ``last - 1``."""
    seed = np.uint64(scalars[0].seed)
    for tile in range(first, last):
        for cell in range(out.shape[1]):
            out[tile, cell] = seen_grid(tile, cell, columns, seed, states, tick, scalars, tables)
