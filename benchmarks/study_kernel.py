"""Writes by pulse table, as a kernel of the study `write_algorithms.py`."""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.devices.layout import CODES, FAULT_NONE, O_ENERGY, READ_GAIN_SHIFT, RESET, SET
from twinbar.emulator.devices.physics import (
    apply_pulse,
    cell_key,
    draw_fault,
    effective_conductance,
    initial_conductance,
    quantize,
    to_grid,
    traits,
)
from twinbar.emulator.engines.bulk.converters import converter_of, deviation_of, sample
from twinbar.emulator.kernels.compiled import kernel

TILE = 128 * 128
"""Cells of a tile; a world of several tiles numbers its cells through."""
ENTRIES = 64
"""Entries of a pulse table, per polarity."""
NEVER = 1 << 20
HEAT_DIVISOR = 1 << 13
"""Of conductances, as in `twinbar.emulator.devices.physics.apply_pulse`; they are not negative."""

SETS, RESETS, CONVERSIONS, COMPARISONS, READS, UPDATES, OK = range(7)
SET_HEAT, RESET_HEAT, READ_HEAT, LINES, TRAVEL = range(5)


class StudySettings(NamedTuple):
    """Registers of a write by pulse table.

    Parameters
    ----------
    limit : int
        Pulses of one write.
    compare : int
        1: verify by comparisons with the window's bounds; 0: by conversions.
    shift : int
        The distance of the code from the window, in units of ``2**shift`` codes, is part of the entry's number.
    rise, fall : int
        The entry's number rises by ``rise`` where the polarity stays, and falls by ``fall`` where it turns.
    keep : int
        1: it starts from the command's entry; 0: from 0 (the command's entry is that of the first pulse only).
    patience, slack : int
        After ``patience`` pulses a code up to ``slack`` codes outside the window ends the write too.
    """

    limit: int
    compare: int = 0
    shift: int = 15
    rise: int = 0
    fall: int = ENTRIES
    keep: int = 0
    patience: int = NEVER
    slack: int = 0


class StudyTable(NamedTuple):
    """Entries by polarity and number, int64 [2, entries] each.

    Parameters
    ----------
    amplitude, gate : int64
        Codes.
    count : int64
        Pulses to the next read.
    turns : int64
        1: one pulse group of the other polarity follows, without a read.
    ends : int64
        1: the write ends after them, without a read.
    """

    amplitude: np.ndarray
    gate: np.ndarray
    count: np.ndarray
    turns: np.ndarray
    ends: np.ndarray


@kernel
def write_list(
    cells,
    levels,
    first,
    entries,
    low,
    high,
    table,
    s,
    state,
    driven,
    converters,
    counts,
    totals,
    errors,
    scalars,
    tables,
):
    """Write a list of cells, one after the other.

    Parameters
    ----------
    cells, levels : int64 [n]
    first, entries : int64 [n]
        Polarity of the pulse before the first read, -1 for none, and the command's entry.
    low, high : int64 [levels]
    table : StudyTable
    s : StudySettings
    state : tuple of int64 [cells]
        Conductance, pulses so far, fault, and whether the level that the host holds is known.
    driven : int64 [tiles]
        Polarity and entry that each write drive holds.
    converters : Converters
    counts : int64 [n, 7]
        Filled: what each write took.
    totals : float64 [5]
        Added to: heat in table units, sum of V^2 in table units, distance travelled in Q24.
    errors : float64 [n]
        Filled: true conductance at the end, in levels from Gmin.
    """
    seed = np.uint64(scalars[0].seed)
    g_of, pulses_of, fault_of, known_of = state
    last = table.amplitude.shape[1] - 1
    bottom, top = scalars[0].adc_min, scalars[0].adc_max
    for i in range(cells.shape[0]):
        cell = np.int64(cells[i])
        tile = cell // TILE
        key = cell_key(seed, tile, cell % TILE)
        trait = traits(key, scalars, tables)
        sound = fault_of[cell] == FAULT_NONE
        g, count = np.int64(g_of[cell]), np.int64(pulses_of[cell])
        lowest, highest = np.int64(low[levels[i]]), np.int64(high[levels[i]])
        converter = converter_of(tile, 0, converters.errors, converters.offsets, converters.factors, scalars)
        made = converters.counts[tile, 0]
        entry = min(np.int64(entries[i]), last)
        offset = entry if s.keep else np.int64(0)
        given = np.int64(0)
        polarity = np.int64(-1)
        pending = np.int64(-1)
        index = entry
        if first[i] >= 0 and known_of[cell]:
            pending = np.int64(first[i])
        ok = np.int64(-1)
        while ok < 0:
            if pending < 0:
                grid = to_grid(effective_conductance(g, key, count, 0, scalars, tables), 0, scalars, tables)
                deviation = deviation_of(grid, converters.deviations, scalars)
                totals[READ_HEAT] += grid
                counts[i, READS] += 1
                wanted = np.int64(-1)
                distance = np.int64(0)
                if s.compare:
                    # The side that the cell comes from first: most answers come from the first comparison.
                    side = polarity if polarity >= 0 else np.int64(max(first[i], 0))
                    for _ in range(2):
                        code = quantize(
                            grid, deviation, converter[1], made, converter[3], converter[2], READ_GAIN_SHIFT,
                            bottom, top, tables,
                        )  # fmt: skip
                        made += 1
                        counts[i, COMPARISONS] += 1
                        if (side == SET and code < lowest) or (side == RESET and code > highest):
                            wanted = side
                            break
                        side = 1 - side
                else:
                    code = sample(grid, deviation, converter, made, 0, 1, scalars, tables)
                    made += 1
                    counts[i, CONVERSIONS] += 1
                    if code < lowest:
                        wanted, distance = np.int64(SET), lowest - code
                    elif code > highest:
                        wanted, distance = np.int64(RESET), code - highest
                if wanted < 0 or (not s.compare and given >= s.patience and distance <= s.slack):
                    ok = 1
                    break
                if given >= s.limit:
                    ok = 0
                    if s.compare:  # the level of a cell that failed is read
                        made += 1
                        counts[i, CONVERSIONS] += 1
                    break
                if polarity >= 0:
                    offset = min(offset + s.rise, last) if wanted == polarity else max(offset - s.fall, 0)
                index = offset
                if distance > 0:
                    index = min(index + ((distance - 1) >> s.shift), last)
            else:
                wanted = pending
                if polarity >= 0:
                    offset = max(offset - s.fall, 0)
                    index = offset
                pending = np.int64(-1)
            polarity = wanted
            if driven[tile] != 2 * index + polarity:
                driven[tile] = 2 * index + polarity
                counts[i, UPDATES] += 1
            amplitude = table.amplitude[polarity, index]
            weight = np.int64(tables[O_ENERGY + polarity * CODES + amplitude])
            for _ in range(min(table.count[polarity, index], s.limit - given)):
                after = g
                if sound:
                    width = scalars[0].width[polarity]
                    gate = table.gate[polarity, index]
                    after = apply_pulse(g, key, count, polarity, amplitude, gate, width, trait, scalars, tables)
                totals[polarity] += ((g + after) // HEAT_DIVISOR) * weight
                totals[LINES] += weight
                totals[TRAVEL] += abs(after - g)
                g = after
                count += 1
                given += 1
                counts[i, polarity] += 1
            if table.turns[polarity, index] and given < s.limit:
                pending = 1 - polarity
            elif table.ends[polarity, index]:
                ok = 1
        g_of[cell], pulses_of[cell], known_of[cell] = g, count, ok
        converters.counts[tile, 0] = made
        counts[i, OK] = ok
        span = scalars[0].g_max - scalars[0].g_min
        seen = effective_conductance(g, key, count, 0, scalars, tables) - scalars[0].g_min
        errors[i] = seen / span * (low.shape[0] - 1) - levels[i]


@kernel
def form(g_of, fault_of, scalars, tables):
    """Give all cells their fault and their conductance after forming."""
    seed = np.uint64(scalars[0].seed)
    for cell in range(g_of.shape[0]):
        key = cell_key(seed, cell // TILE, cell % TILE)
        fault_of[cell] = draw_fault(key, scalars)
        trait = traits(key, scalars, tables)
        g_of[cell] = initial_conductance(key, fault_of[cell], trait[2], trait[3], tables)
