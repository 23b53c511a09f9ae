"""Compiled loops over the cells of all tiles: forming them, and keeping the operands of the column sums up to date.

Everything works on flat state arrays and calls the scalar physics; tiles run in parallel because they share nothing,
and no result depends on how many threads there are.
"""

import numba
import numpy as np

from twinbar.emulator.devices.layout import P_SEED
from twinbar.emulator.devices.physics import (
    cell_key,
    draw_fault,
    effective_conductance,
    grid_variance,
    initial_conductance,
    to_grid,
    traits,
)


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
