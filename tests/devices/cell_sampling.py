"""Kernels that run the physics many times: what the statistical tests look at."""

import numpy as np

from twinbar.emulator.devices import physics
from twinbar.emulator.kernels.compiled import allocating_kernel


@allocating_kernel
def train(pulses, polarity, start, amplitude, gate, width, scalars, tables):
    """Drive cell 0 from ``start`` with identical pulses; give the conductance before each and after the last."""
    key = physics.cell_key(np.uint64(scalars[0].seed), 0, 0)
    cell = physics.traits(key, scalars, tables)
    g = np.int64(start)
    out = np.empty(pulses + 1, np.int64)
    out[0] = g
    for count in range(pulses):
        g = physics.apply_pulse(g, key, count, polarity, amplitude, gate, width, cell, scalars, tables)
        out[count + 1] = g
    return out


@allocating_kernel
def single_pulses(draws, polarity, start, amplitude, gate, width, scalars, tables):
    """Apply one pulse to a cell at ``start``, again and again with new draws; give the changes."""
    key = physics.cell_key(np.uint64(scalars[0].seed), 0, 0)
    cell = physics.traits(key, scalars, tables)
    out = np.empty(draws, np.int64)
    for count in range(draws):
        after = physics.apply_pulse(start, key, count, polarity, amplitude, gate, width, cell, scalars, tables)
        out[count] = after - start
    return out


@allocating_kernel
def cells(number, scalars, tables):
    """Return traits (7 columns), fault and conductance after forming of ``number`` cells."""
    out = np.empty((number, 9), np.int64)
    for index in range(number):
        key = physics.cell_key(np.uint64(scalars[0].seed), index % 3, index)
        cell = physics.traits(key, scalars, tables)
        fault = physics.draw_fault(key, scalars)
        for column in range(7):
            out[index, column] = cell[column]
        out[index, 7] = fault
        out[index, 8] = physics.initial_conductance(key, fault, cell[2], cell[3], tables)
    return out


@allocating_kernel
def seen(draws, g, ticks, scalars, tables):
    """Return the effective conductance of a cell at ``g``, ``ticks`` after each of ``draws`` pulses."""
    key = physics.cell_key(np.uint64(scalars[0].seed), 0, 0)
    out = np.empty(draws, np.int64)
    for count in range(draws):
        out[count] = physics.effective_conductance(g, key, count + 1, ticks, scalars, tables)
    return out


@allocating_kernel
def reads(draws, g, scalars, tables):
    """Return the codes of ``draws`` readings of a cell at ``g``."""
    key = physics.cell_key(np.uint64(scalars[0].seed), 0, 0)
    grid = physics.to_grid(physics.effective_conductance(g, key, 1, 0, scalars, tables), 0, scalars, tables)
    spread = physics.grid_variance(grid, scalars, tables)
    seed = np.uint64(scalars[0].seed)
    out = np.empty(draws, np.int64)
    for conversion in range(draws):
        out[conversion] = physics.convert_cell(grid, spread, seed, 0, 0, 0, conversion, 128, 0, scalars, tables)
    return out
