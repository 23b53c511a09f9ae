"""The crossbar behind a controller's pins: what every simulated controller asks its cells and converters.

State lies in flat arrays of all tiles (`ArrayState`), and the functions here are compiled and work on those, so that
the compiled engine inlines them, the netlist's harness calls them through C pointers, and Python engines call them one
by one. Nothing here knows of cycles but for how long a gate was open.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices.layout import (
    FAULT_NON_RESPONDING,
    FAULT_NONE,
    O_STRESS,
)
from twinbar.emulator.devices.physics import (
    adc_offset,
    apply_pulse,
    cell_key,
    cell_range,
    channel_gain,
    channel_key,
    convert,
    disturbed,
    draw_fault,
    driven_current,
    driven_power,
    effective_conductance,
    grid_variance,
    half_selected,
    half_selected_number,
    initial_conductance,
    neighbour_polarity,
    product_grid,
    pulse_heat,
    share_of_amplitude,
    sum_range,
    to_grid,
    traits,
    trip_cycle,
)
from twinbar.emulator.kernels.compiled import allocating_kernel, inline, kernel
from twinbar.hw.errors import ConfigError

NO_CELL: Final = -1
"""Instead of a cell: a column with all rows open."""
REFERENCE: Final = -2
"""Instead of a cell: the reference source, with all rows open."""

SHAPE: Final = np.dtype((np.record, [("rows", "<i8"), ("columns", "<i8"), ("adc_bits", "<i8"), ("tick", "<i8")]))
"""Size of a tile, and the present tick."""


class ArrayState(NamedTuple):
    """Arrays of all tiles of a controller.

    Parameters
    ----------
    g : int32 [tiles, cells]
        Conductance, Q24 of Gmax.
    pulses : uint32 [tiles, cells]
    last_tick : uint32 [tiles, cells]
        Tick of the last pulse; no columns where nothing ages.
    fault : uint8 [tiles, cells]
    conversions : int64 [tiles, channels]
    grid, spread : int32 [tiles, cells]
        What a read sees of each cell now, in read-grid units, and its variance.
    product, product_spread : int32 [tiles, cells]
        What a multiplication sees of it: the same arrays, unless wires attenuate.
    row_sum : int64 [tiles, rows]
        Sum of ``product`` over the mapped columns of each row.
    inputs : uint8 [tiles, rows]
        Row registers.
    sums, variances : int64 [tiles, columns]
        Of the input step that is driven.
    mapped : int64 [tiles]
        Columns whose cells a multiplication heats, from the first.
    stress, row_stress : int64 [tiles, cells] and [tiles, rows]
        What reads and input steps have done to cells that does not show yet (`disturb_tiles`), in units of
        `twinbar.emulator.devices.layout.READ_STRESS`; no columns where reads do not disturb.
    shape : `SHAPE` [1]
    scalars : `SCALARS` [1]
    tables : int32, as of `twinbar.emulator.devices.layout`
    """

    g: np.ndarray
    pulses: np.ndarray
    last_tick: np.ndarray
    fault: np.ndarray
    conversions: np.ndarray
    grid: np.ndarray
    spread: np.ndarray
    product: np.ndarray
    product_spread: np.ndarray
    row_sum: np.ndarray
    inputs: np.ndarray
    sums: np.ndarray
    variances: np.ndarray
    mapped: np.ndarray
    stress: np.ndarray
    row_stress: np.ndarray
    shape: np.ndarray
    scalars: np.ndarray
    tables: np.ndarray


def make_state(
    config: CrossbarConfig,
    tiles: int,
    channels: int,
    mapped: np.ndarray | None = None,
    faults: np.ndarray | None = None,
) -> ArrayState:
    """Form the cells of a crossbar.

    Parameters
    ----------
    config : CrossbarConfig
    tiles, channels : int
        Tiles, and ADC channels of each.
    mapped : int64 [tiles], optional
        Columns whose cells a multiplication heats; all by default.
    faults : uint8 [tiles, cells], optional
        Faults of the cells (``FAULT_*``); those of the configuration's map otherwise, or else drawn from the preset.

    Raises
    ------
    ConfigError
        If the fault map has another shape, or holds something else.
    """
    array = config.array
    rows, columns, cells = array.rows, array.columns, array.cells
    scalars = np.ascontiguousarray(config.cells.scalars)
    fault = np.zeros((tiles, cells), np.uint8)
    if faults is None and config.faults is not None:
        faults = config.faults.of(tiles)
    if faults is not None:
        if faults.shape != fault.shape or faults.max(initial=0) > FAULT_NON_RESPONDING:
            raise ConfigError(
                f"a fault map of shape {faults.shape} was given; it must be {fault.shape} with values "
                f"{FAULT_NONE} to {FAULT_NON_RESPONDING}"
            )
        fault[:] = faults
    grid, spread = np.zeros((tiles, cells), np.int32), np.zeros((tiles, cells), np.int32)
    wires = bool(scalars[0].wires)
    state = ArrayState(
        g=np.zeros((tiles, cells), np.int32),
        pulses=np.zeros((tiles, cells), np.uint32),
        last_tick=np.zeros((tiles, cells if scalars[0].ages else 0), np.uint32),
        fault=fault,
        conversions=np.zeros((tiles, channels), np.int64),
        grid=grid,
        spread=spread,
        product=np.zeros_like(grid) if wires else grid,
        product_spread=np.zeros_like(spread) if wires else spread,
        row_sum=np.zeros((tiles, rows), np.int64),
        inputs=np.zeros((tiles, rows), np.uint8),
        sums=np.zeros((tiles, columns), np.int64),
        variances=np.zeros((tiles, columns), np.int64),
        mapped=np.full(tiles, columns, np.int64) if mapped is None else np.ascontiguousarray(mapped, np.int64),
        stress=np.zeros((tiles, cells if scalars[0].reads_disturb else 0), np.int64),
        row_stress=np.zeros((tiles, rows if scalars[0].reads_disturb else 0), np.int64),
        shape=np.array([(rows, columns, array.adc_bits, 0)], SHAPE),
        scalars=scalars,
        tables=np.ascontiguousarray(config.cells.tables, np.int32),
    )
    _form(state, faults is None)
    refresh(state)
    return state


@kernel
def _form(s: Any, draw_faults: bool) -> None:
    seed = np.uint64(s.scalars[0].seed)
    for tile in range(s.g.shape[0]):
        for cell in range(s.g.shape[1]):
            key = cell_key(seed, tile, cell)
            if draw_faults:
                s.fault[tile, cell] = draw_fault(key, s.scalars)
            trait = traits(key, s.scalars, s.tables)
            s.g[tile, cell] = initial_conductance(key, s.fault[tile, cell], trait[2], trait[3], s.tables)


@inline
def see_cell(s, tile, cell):
    """Bring what reads and multiplications see of a cell up to date."""
    columns = s.shape[0].columns
    row = cell // columns
    column = cell % columns
    ticks = np.int64(0)
    if s.last_tick.shape[1] > 0:
        ticks = s.shape[0].tick - np.int64(s.last_tick[tile, cell])
    key = cell_key(np.uint64(s.scalars[0].seed), tile, cell)
    count = np.int64(s.pulses[tile, cell])
    seen = effective_conductance(np.int64(s.g[tile, cell]), key, count, ticks, s.scalars, s.tables)
    grid = to_grid(seen, row + column, s.scalars, s.tables)
    product = product_grid(grid, cell, s.scalars, s.tables)
    if column < s.mapped[tile]:
        s.row_sum[tile, row] += product - np.int64(s.product[tile, cell])
    s.grid[tile, cell] = grid
    s.spread[tile, cell] = grid_variance(grid, s.scalars, s.tables)
    if s.scalars[0].wires:
        s.product[tile, cell] = product
        s.product_spread[tile, cell] = grid_variance(product, s.scalars, s.tables)


@kernel
def refresh(s: Any) -> None:
    """Bring what reads see of all cells up to date: the tick or the cells have changed."""
    for tile in range(s.g.shape[0]):
        for cell in range(s.g.shape[1]):
            see_cell(s, tile, cell)


@kernel
def disturb_tiles(first: int, last: int, columns: int, cells: Any, scalars: Any, tables: Any) -> None:
    """Let the reads since the last time move the cells of the tiles ``first`` to ``last - 1``.

    ``cells`` are an `ArrayState`, or any other tuple with the arrays ``g``, ``fault``, ``stress`` and ``row_stress``.
    """
    seed = np.uint64(scalars[0].seed)
    for tile in range(first, last):
        for cell in range(cells.stress.shape[1]):
            cells.stress[tile, cell] += cells.row_stress[tile, cell // columns]
            if cells.stress[tile, cell] > 0 and cells.fault[tile, cell] == FAULT_NONE:
                key = cell_key(seed, tile, cell)
                after, left = disturbed(np.int64(cells.g[tile, cell]), key, cells.stress[tile, cell], scalars, tables)
                cells.g[tile, cell] = after
                cells.stress[tile, cell] = left
        cells.row_stress[tile, :] = 0


def take_tick(s: ArrayState, tick: int) -> None:
    """Set the tick; cells have aged, and reads of the ticks before have moved them."""
    if s.scalars[0].reads_disturb and tick != s.shape[0].tick:
        disturb_tiles(0, s.stress.shape[0], s.shape[0].columns, s, s.scalars, s.tables)
    s.shape[0].tick = tick
    refresh(s)


@kernel
def disturb_neighbours(s: Any, tile: int, cell: int, polarity: int, amplitude: int, gate: int, width: int) -> int:
    """Let a pulse move the other cells of a passive array, before it moves its own; gives their heat."""
    rows, columns, parts = s.shape[0].rows, s.shape[0].columns, s.scalars[0].half_select
    seed = np.uint64(s.scalars[0].seed)
    number = half_selected_number(cell_key(seed, tile, cell), np.int64(s.pulses[tile, cell]))
    code = share_of_amplitude(amplitude, parts)
    heat = np.int64(0)
    for other in range(rows * columns):
        beside = other // columns == cell // columns or other % columns == cell % columns
        if other == cell or not (beside or parts == 3):
            continue
        own = neighbour_polarity(cell, other, columns, polarity)
        g, count = np.int64(s.g[tile, other]), np.int64(s.pulses[tile, other])
        sound = s.fault[tile, other] == FAULT_NONE
        key = cell_key(seed, tile, other)
        after = half_selected(g, key, count, number, own, code, gate, width, sound, s.scalars, s.tables)
        heat += pulse_heat(g, after, polarity, code, width, s.scalars, s.tables)
        if after != g:
            s.g[tile, other] = after
            see_cell(s, tile, other)
    return heat


@inline
def gate_opens(s, tile, cell, polarity, amplitude, gate, compliance):
    """Return the cycle of the pulse in which its current passes the limit (`trip_cycle`); -1: never.

    Parameters
    ----------
    tile, cell : int
    polarity : int
        ``SET`` or ``RESET``; forming pulses are SET pulses.
    amplitude, gate, compliance : int
        Codes: voltage across the cell (not below 0), word line, current limit.
    """
    key = cell_key(np.uint64(s.scalars[0].seed), tile, cell)
    trait = traits(key, s.scalars, s.tables)
    g = np.int64(s.g[tile, cell])
    count = np.int64(s.pulses[tile, cell])
    sound = s.fault[tile, cell] == FAULT_NONE
    return trip_cycle(g, key, count, polarity, amplitude, gate, compliance, trait, sound, s.scalars, s.tables)


@inline
def gate_closes(s, tile, cell, polarity, amplitude, gate, width):
    """Apply a pulse of ``width`` cycles, now that it is over (arguments as in `gate_opens`); gives its heat.

    In a passive array it also moves and heats cells that are selected in part.
    """
    heat = np.int64(0)
    if s.scalars[0].half_select:
        heat = disturb_neighbours(s, tile, cell, polarity, amplitude, gate, width)
    key = cell_key(np.uint64(s.scalars[0].seed), tile, cell)
    g = np.int64(s.g[tile, cell])
    after = g
    if s.fault[tile, cell] == FAULT_NONE:
        trait = traits(key, s.scalars, s.tables)
        count = np.int64(s.pulses[tile, cell])
        after = apply_pulse(g, key, count, polarity, amplitude, gate, width, trait, s.scalars, s.tables)
    s.g[tile, cell] = after
    s.pulses[tile, cell] += np.uint32(1)
    if s.last_tick.shape[1] > 0:
        s.last_tick[tile, cell] = np.uint32(s.shape[0].tick)
    see_cell(s, tile, cell)
    return heat + pulse_heat(g, after, polarity, amplitude, width, s.scalars, s.tables)


@inline
def convert_single(s, tile, cell, column, pair, channel, trim, code_range):
    """Convert the current of a cell, of a column with all rows open (`NO_CELL`), or of the `REFERENCE`; gives the code.

    Parameters
    ----------
    tile, cell : int
    column : int
        The cell's column, or with ``pair`` a subtracted pair, whose code is signed.
    channel, trim, code_range : int
        Converter, its trim code, and the range code of single-cell reads.
    """
    current = np.int64(0)
    spread = np.int64(0)
    if cell >= 0:
        current = np.int64(s.grid[tile, cell])
        spread = np.int64(s.spread[tile, cell])
        if s.stress.shape[1] > 0:
            s.stress[tile, cell] += s.scalars[0].read_stress
    elif cell == REFERENCE:
        current = s.scalars[0].reference
    low = s.scalars[0].adc_min
    high = s.scalars[0].adc_max
    if pair:
        high = (np.int64(1) << (s.shape[0].adc_bits - 1)) - 1
        low = -high - 1
    gain, gain_shift, ku, ku_shift = cell_range(code_range, s.scalars)
    return _convert(s, current, spread, tile, column, pair, channel, trim, gain, gain_shift, ku, ku_shift, low, high)


@inline
def sum_step(s, tile, plane, subtract, codes):
    """Sum the currents of all outputs for one input step, to be converted by `convert_sum`.

    Parameters
    ----------
    tile : int
    plane : int
        Bit plane of the row registers that drives the rows.
    subtract : bool
        Outputs are subtracted pairs of columns.
    codes : bool
        Rows are driven by their whole codes.

    Returns
    -------
    tuple of int
        Heat of the driven rows per cycle, and how many they are.
    """
    rows = s.shape[0].rows
    columns = s.shape[0].columns
    outputs = columns // 2 if subtract else columns
    for k in range(outputs):
        s.sums[tile, k] = 0
        s.variances[tile, k] = 0
    heat = np.int64(0)
    driven = np.int64(0)
    for row in range(rows):
        x = np.int64(s.inputs[tile, row])
        if not codes:
            x = (x >> plane) & 1
        if x == 0:
            continue
        driven += 1
        code = x
        if s.row_stress.shape[1] > 0:
            s.row_stress[tile, row] += np.int64(s.tables[O_STRESS + code])
        if codes:
            x = driven_current(code, s.scalars, s.tables)
            heat += s.row_sum[tile, row] * driven_power(code, x, s.scalars)
        else:
            heat += s.row_sum[tile, row]
        at = row * columns
        for k in range(outputs):
            if subtract:
                plus, minus = at + 2 * k, at + 2 * k + 1
                s.sums[tile, k] += x * (np.int64(s.product[tile, plus]) - np.int64(s.product[tile, minus]))
                spread = np.int64(s.product_spread[tile, plus]) + np.int64(s.product_spread[tile, minus])
                s.variances[tile, k] += x * x * spread
            else:
                s.sums[tile, k] += x * np.int64(s.product[tile, at + k])
                s.variances[tile, k] += x * x * np.int64(s.product_spread[tile, at + k])
    return heat, driven


@inline
def convert_sum(s, tile, output, subtract, channel, trim, code_range):
    """Convert a sum that `sum_step` has left; gives the code."""
    high = s.scalars[0].adc_max
    low = s.scalars[0].adc_min
    if subtract:
        high = (np.int64(1) << (s.shape[0].adc_bits - 1)) - 1
        low = -high - 1
    gain, gain_shift, ku, ku_shift = sum_range(code_range, high, s.scalars)
    current = s.sums[tile, output]
    spread = s.variances[tile, output]
    pair = np.int64(1) if subtract else np.int64(0)
    return _convert(s, current, spread, tile, output, pair, channel, trim, gain, gain_shift, ku, ku_shift, low, high)


@inline
def is_clipped(code, low, high):
    """Say whether a code of ``low`` to ``high`` is one that larger currents may have been cut off to.

    Where no code is below zero, the least one is that of no current as well.
    """
    return code == high or (code == low and low < 0)


@allocating_kernel
def convert_group(s: Any, tile: int, first: int, subtract: bool, trims: np.ndarray, code_range: int) -> np.ndarray:
    """Convert the sums of neighbouring outputs, the first one in channel 0, in one call (`convert_sum`).

    Parameters
    ----------
    first : int
        Output of channel 0.
    trims : int64 [outputs]
        Trims of the channels that take part.

    Returns
    -------
    int64 [outputs]
    """
    codes = np.empty(len(trims), np.int64)
    for channel in range(len(trims)):
        codes[channel] = convert_sum(s, tile, first + channel, subtract, channel, trims[channel], code_range)
    return codes


@inline
def _convert(s, current, spread, tile, column, pair, channel, trim, gain, gain_shift, ku, ku_shift, low, high):
    seed = np.uint64(s.scalars[0].seed)
    code = convert(
        current,
        spread,
        channel_key(seed, tile, channel),
        s.conversions[tile, channel],
        adc_offset(seed, tile, column, pair, s.scalars, s.tables),
        channel_gain(gain, seed, tile, channel, trim, s.scalars, s.tables),
        gain_shift,
        ku,
        ku_shift,
        s.scalars[0].adc_ka,
        low,
        high,
        s.tables,
    )
    s.conversions[tile, channel] += 1
    return code


def load_word(
    s: ArrayState, tile: int, word: int, bits: int, *, clear: bool, field_bits: int, rows_per_word: int
) -> None:
    """Write a word of a tile's row registers, as the pins ``row_*`` do."""
    if clear:
        s.inputs[tile] = 0
    first = word * rows_per_word
    for place in range(min(rows_per_word, int(s.shape[0].rows) - first)):
        s.inputs[tile, first + place] = bits >> (place * field_bits) & ((1 << field_bits) - 1)
