"""The array and its converters as C functions: the same scalar physics, called by the harness on events only.

The state arrays are those of the fast engine. Beside them lie two caches by cell, the read-grid value and the
read-noise variance, so that a column sum needs no physics of its cells.

Every function takes the addresses of the arrays in the order of `ARRAYS`, then the shape record (``S_*``), then its own
arguments, all int64.
"""

import ctypes
from typing import Final

import numba
import numpy as np
from numba import carray, types

from twinbar.emulator.devices.layout import (
    CODES,
    FAULT_NONE,
    O_ENERGY,
    P_ADC_KA,
    P_ADC_MAX,
    P_READ_GAIN,
    P_READ_KU,
    P_SEED,
    P_WIDTH_SET,
    READ_GAIN_SHIFT,
    READ_KU_SHIFT,
    RESET,
    SET,
    TABLE_SIZE,
)
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    channel_key,
    convert,
    effective_conductance,
    grid_variance,
    to_grid,
    traits,
)

S_TILES: Final = 0
S_ROWS: Final = 1
S_COLUMNS: Final = 2
S_OUTPUTS: Final = 3
S_CHANNELS: Final = 4
S_SUBTRACT: Final = 5
S_DAC: Final = 6
S_INPUT_BITS: Final = 7
S_WORDS: Final = 8
"""Words of a tile's input vector, and one of padding."""
S_AGES: Final = 9
S_TICK: Final = 10
S_GAIN: Final = 11
S_GAIN_SHIFT: Final = 12
S_KU: Final = 13
S_KU_SHIFT: Final = 14
S_LOW: Final = 15
S_HIGH: Final = 16
SHAPE_SIZE: Final = 17

ARRAYS: Final = (
    ("g", np.int32),
    ("pulses", np.uint32),
    ("last_tick", np.uint32),
    ("fault", np.uint8),
    ("conversions", np.int64),
    ("grid", np.int32),
    ("spread", np.int32),
    ("row_sum", np.int64),
    ("inputs", np.uint32),
    ("sums", np.int64),
    ("variances", np.int64),
    ("mapped", np.int64),
    ("scalars", np.int64),
    ("tables", np.int32),
)
"""Arrays by name and type, in the order of the functions' arguments."""

_POINTERS = tuple(types.CPointer(numba.from_dtype(np.dtype(kind))) for _, kind in ARRAYS)
_SHAPE = types.CPointer(types.int64)


def _signature(arguments: int) -> types.Type:
    return types.int64(*_POINTERS, _SHAPE, *(types.int64,) * arguments)


@numba.njit(inline="always")
def _seen(g, pulses, last_tick, shape, tile, cell, scalars, tables):
    """Give the read-grid value of a cell as it is seen now."""
    cells = shape[S_ROWS] * shape[S_COLUMNS]
    at = tile * cells + cell
    ticks = np.int64(0)
    if shape[S_AGES]:
        ticks = shape[S_TICK] - np.int64(last_tick[at])
    key = cell_key(np.uint64(scalars[P_SEED]), tile, cell)
    seen = effective_conductance(np.int64(g[at]), key, np.int64(pulses[at]), ticks, scalars, tables)
    columns = shape[S_COLUMNS]
    return to_grid(seen, cell // columns + cell % columns, scalars, tables)


@numba.njit(inline="always")
def _input(inputs, shape, tile, row, plane):
    """Give what drives a row: its code, or the bit of it that the plane applies."""
    first = row * shape[S_INPUT_BITS]
    word = tile * shape[S_WORDS] + (first >> 5)
    bits = np.int64(inputs[word]) | (np.int64(inputs[word + 1]) << 32)
    code = (bits >> (first & 31)) & ((np.int64(1) << shape[S_INPUT_BITS]) - 1)
    if not shape[S_DAC]:
        code = (code >> plane) & 1
    return code


@numba.cfunc(_signature(0), cache=True)
def refresh(
    g, pulses, last, fault, conversions, grid, spread, row_sum, inputs, sums, variances, mapped, scalars, tables, shape
):
    """Bring the caches of all cells up to date, after a change of tick or of the state arrays."""
    sizes = carray(shape, SHAPE_SIZE)
    table, scalar = carray(tables, TABLE_SIZE), carray(scalars, 32)
    rows, columns = sizes[S_ROWS], sizes[S_COLUMNS]
    for tile in range(sizes[S_TILES]):
        for row in range(rows):
            total = np.int64(0)
            for column in range(columns):
                cell = row * columns + column
                seen = _seen(g, pulses, last, sizes, tile, cell, scalar, table)
                grid[tile * rows * columns + cell] = seen
                spread[tile * rows * columns + cell] = grid_variance(seen, scalar, table)
                if column < mapped[tile]:
                    total += seen
            row_sum[tile * rows + row] = total
    return 0


@numba.cfunc(_signature(6), cache=True)
def pulse(
    g, pulses, last, fault, conversions, grid, spread, row_sum, inputs, sums, variances, mapped, scalars, tables, shape,
    tile, cell, polarity, amplitude, gate, width,
):  # fmt: skip
    """Apply one pulse of ``width`` cycles; gives the heat in the cell, in the units of the configuration.

    A forming pulse moves a cell like a SET pulse.
    """
    sizes = carray(shape, SHAPE_SIZE)
    table, scalar = carray(tables, TABLE_SIZE), carray(scalars, 32)
    columns = sizes[S_COLUMNS]
    at = tile * sizes[S_ROWS] * columns + cell
    kind = np.int64(RESET) if polarity == RESET else np.int64(SET)
    before = np.int64(g[at])
    after = before
    if fault[at] == FAULT_NONE:
        key = cell_key(np.uint64(scalar[P_SEED]), tile, cell)
        trait = traits(key, scalar, table)
        after = apply_pulse(before, key, np.int64(pulses[at]), kind, amplitude, gate, width, trait, scalar, table)
    heat = ((before + after) >> 13) * np.int64(table[O_ENERGY + kind * CODES + amplitude])
    nominal = scalar[P_WIDTH_SET + kind]
    if width != nominal:
        heat = heat * width // nominal
    g[at] = after
    pulses[at] += 1
    if sizes[S_AGES]:
        last[at] = sizes[S_TICK]
    seen = _seen(g, pulses, last, sizes, tile, cell, scalar, table)
    if cell % columns < mapped[tile]:
        row_sum[tile * sizes[S_ROWS] + cell // columns] += seen - np.int64(grid[at])
    grid[at] = seen
    spread[at] = grid_variance(seen, scalar, table)
    return heat


@numba.cfunc(_signature(3), cache=True)
def convert_cell(
    g, pulses, last, fault, conversions, grid, spread, row_sum, inputs, sums, variances, mapped, scalars, tables, shape,
    tile, cell, channel,
):  # fmt: skip
    """Convert the current of one cell; gives the code."""
    sizes = carray(shape, SHAPE_SIZE)
    table, scalar = carray(tables, TABLE_SIZE), carray(scalars, 32)
    at = tile * sizes[S_ROWS] * sizes[S_COLUMNS] + cell
    count = tile * sizes[S_CHANNELS] + channel
    code = convert(
        np.int64(grid[at]),
        np.int64(spread[at]),
        channel_key(np.uint64(scalar[P_SEED]), tile, channel),
        conversions[count],
        scalar[P_READ_GAIN],
        READ_GAIN_SHIFT,
        scalar[P_READ_KU],
        READ_KU_SHIFT,
        scalar[P_ADC_KA],
        0,
        scalar[P_ADC_MAX],
        table,
    )
    conversions[count] += 1
    return code


@numba.cfunc(_signature(2), cache=True)
def sum_columns(
    g, pulses, last, fault, conversions, grid, spread, row_sum, inputs, sums, variances, mapped, scalars, tables, shape,
    tile, plane,
):  # fmt: skip
    """Sum the currents of all outputs of a tile for one input step; gives the rows' heat per cycle."""
    sizes = carray(shape, SHAPE_SIZE)
    rows, columns, outputs = sizes[S_ROWS], sizes[S_COLUMNS], sizes[S_OUTPUTS]
    base = tile * outputs
    for k in range(outputs):
        sums[base + k] = 0
        variances[base + k] = 0
    heat = np.int64(0)
    for row in range(rows):
        x = _input(inputs, sizes, tile, row, plane)
        if x == 0:
            continue
        heat += row_sum[tile * rows + row] * x * x
        at = (tile * rows + row) * columns
        if sizes[S_SUBTRACT]:
            for k in range(outputs):
                sums[base + k] += x * (np.int64(grid[at + 2 * k]) - np.int64(grid[at + 2 * k + 1]))
                variances[base + k] += x * x * (np.int64(spread[at + 2 * k]) + np.int64(spread[at + 2 * k + 1]))
        else:
            for k in range(outputs):
                sums[base + k] += x * np.int64(grid[at + k])
                variances[base + k] += x * x * np.int64(spread[at + k])
    return heat


@numba.cfunc(_signature(3), cache=True)
def convert_column(
    g, pulses, last, fault, conversions, grid, spread, row_sum, inputs, sums, variances, mapped, scalars, tables, shape,
    tile, output, channel,
):  # fmt: skip
    """Convert a sum that `sum_columns` has left; gives the code."""
    sizes = carray(shape, SHAPE_SIZE)
    table, scalar = carray(tables, TABLE_SIZE), carray(scalars, 32)
    count = tile * sizes[S_CHANNELS] + channel
    code = convert(
        sums[tile * sizes[S_OUTPUTS] + output],
        variances[tile * sizes[S_OUTPUTS] + output],
        channel_key(np.uint64(scalar[P_SEED]), tile, channel),
        conversions[count],
        sizes[S_GAIN],
        sizes[S_GAIN_SHIFT],
        sizes[S_KU],
        sizes[S_KU_SHIFT],
        scalar[P_ADC_KA],
        sizes[S_LOW],
        sizes[S_HIGH],
        table,
    )
    conversions[count] += 1
    return code


class Physics(ctypes.Structure):
    """What the harness gets: the arrays' addresses, the shape record and the functions."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name, _ in ARRAYS),
        ("shape", ctypes.c_void_p),
        *((name, ctypes.c_void_p) for name in ("pulse", "convert_cell", "sum_columns", "convert_column")),
    ]


def physics_of(arrays: dict[str, np.ndarray], shape: np.ndarray) -> Physics:
    """Make the record for the harness; the caller keeps the arrays alive."""
    functions = {
        "pulse": pulse,
        "convert_cell": convert_cell,
        "sum_columns": sum_columns,
        "convert_column": convert_column,
    }
    for name, kind in ARRAYS:
        assert arrays[name].dtype == kind, name
        assert arrays[name].flags.c_contiguous, name
    return Physics(
        **{name: arrays[name].ctypes.data for name, _ in ARRAYS},
        shape=shape.ctypes.data,
        **{name: function.address for name, function in functions.items()},
    )


def refresh_caches(physics: Physics) -> None:
    """Recompute the caches of all cells."""
    call = ctypes.CFUNCTYPE(ctypes.c_int64, *(ctypes.c_void_p,) * (len(ARRAYS) + 1))(refresh.address)
    call(*(getattr(physics, name) for name, _ in ARRAYS), physics.shape)
