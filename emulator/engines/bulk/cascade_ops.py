"""The commands of multiplications whose row tiles form cascades, share inputs or pack outputs, in the order of the
stream and in the form that `twinbar.emulator.engines.bulk.cascade_schedule` takes."""

from typing import Final

import numpy as np

from twinbar.emulator.kernels.compiled import allocating_kernel, kernel
from twinbar.hw.timing import DECIDE_CYCLES, REGISTER_WRITE_CYCLES

BEAT: Final = np.dtype(
    [
        # Tiles that it goes to: so many from the first on, so far apart; members of a cascade, or of an input group.
        ("first", np.int64),
        ("count", np.int64),
        ("stride", np.int64),
        # Tile that sends activations to them; -1: it is no TRANSFER.
        ("sender", np.int64),
        # A LOAD has none, a TRANSFER neither.
        ("outputs", np.int64),
        # Outputs that are ready one after the other (1 or more).
        ("group", np.int64),
        # Outputs in a response beat.
        ("lanes", np.int64),
        # Row of its first tile in the table of work; those of a cascade follow, those of a group share it.
        ("work", np.int64),
    ]
)
"""A command beat."""

WORK: Final = np.dtype(
    [
        # Cycles before the first output; of a LOAD or a TRANSFER, all its cycles.
        ("before", np.int64),
        # Cycles between two groups of outputs.
        ("gap", np.int64),
    ]
)
"""What a tile works for a command."""

NO_SENDER: Final = -1

_LOAD: Final = 0
_REGISTER: Final = 1
_FIRST_PRODUCT: Final = 2
"""Rows of the table of work."""


@allocating_kernel
def cascade_ops(
    first_tile,
    row_stride,
    column_stride,
    cascade,
    shared,
    steps,
    loads,
    takes_part,
    outputs,
    channels,
    lanes,
    changed,
    t,
):
    """Return the commands of a batch: range registers, then vector by vector LOADs and MULTIPLYs.

    The order is that of `twinbar.emulator.contract.beats.multiply`.

    Parameters
    ----------
    first_tile : int
    row_stride, column_stride : int
        From one row tile to the next, and from one column tile to the next, in numbers of tiles.
    cascade : bool
        The row tiles of a column are a cascade.
    shared : bool
        The column tiles of a row share their inputs.
    steps : int64 [row tiles, batch]
        Input steps that each vector takes.
    loads : int64 [row tiles, batch]
        Words that go to the row registers.
    takes_part : bool [row tiles, batch]
        Which row tiles multiply (`twinbar.emulator.contract.sent_inputs.SentInputs`).
    outputs : int64 [column tiles]
    channels, lanes : int
    changed : bool [tiles of the layer]
        Whether the register of the ADC range is written.
    t : twinbar.hw.timing.Durations

    Returns
    -------
    beats : `BEAT` [commands]
    work : `WORK` [n]
    counts : int64 [batch]
        Commands of each vector, behind those of the registers.
    places : int64 [batch, tiles of the layer]
        Row of each tile's product in ``work``.
    """
    row_tiles, batch = steps.shape
    column_tiles = outputs.shape[0]
    tiles = row_tiles * column_tiles
    counts = np.zeros(batch, np.int64)
    registers = _count(cascade, shared, column_tiles, loads, takes_part, changed, counts)
    beats = np.zeros(registers + counts.sum(), BEAT)
    work = np.zeros(_FIRST_PRODUCT + batch * tiles, WORK)
    places = np.zeros((batch, tiles), np.int64)
    work[_LOAD].before = 1
    work[_REGISTER].before = REGISTER_WRITE_CYCLES
    at = 0
    for local in range(tiles):
        if changed[local]:
            _enter(beats[at], first_tile + local, 1, 1, _REGISTER)
            beats[at].outputs = 1
            at += 1
    place = _FIRST_PRODUCT
    for b in range(batch):
        for r in range(row_tiles):
            for c in range(column_tiles):
                # Members of a cascade are neighbours in the table, too.
                own = place + r + c * row_tiles
                places[b, r * row_stride + c * column_stride] = own
                _describe(work[own], steps[r, b], (outputs[c] + channels - 1) // channels, t)
        vector = beats, at, first_tile, row_stride, column_stride, shared, loads[:, b], takes_part[:, b]
        if cascade:
            at = _enter_cascades(vector, outputs, channels, lanes, place)
        else:
            at = _enter_products(vector, outputs, channels, lanes, place)
        place += tiles
    return beats, work, counts, places


@kernel
def _count(cascade, shared, column_tiles, loads, takes_part, changed, counts):
    """Count the beats of each vector; gives those of registers."""
    row_tiles, batch = loads.shape
    for b in range(batch):
        products = 0
        for r in range(row_tiles):
            counts[b] += loads[r, b] * (1 if shared else column_tiles)
            products += np.int64(takes_part[r, b])
        counts[b] += column_tiles * (min(products, 1) if cascade else products)
    registers = 0
    for local in range(changed.shape[0]):
        registers += np.int64(changed[local])
    return registers


@kernel
def _enter_cascades(vector, outputs, channels, lanes, place):
    """Enter the beats of a vector, column by column: a cascade each; gives the place behind them."""
    beats, at, first_tile, row_stride, column_stride, shared, loads, takes_part = vector
    row_tiles, column_tiles = loads.shape[0], outputs.shape[0]
    if shared:
        for r in range(row_tiles):
            at = _load(beats, at, first_tile + r * row_stride, column_tiles, column_stride, loads[r])
    lowest, members = 0, 0
    for r in range(row_tiles):
        if takes_part[r]:
            lowest = r if members == 0 else lowest
            members += 1
    for c in range(column_tiles):
        first = first_tile + c * column_stride
        if not shared:
            for r in range(row_tiles):
                at = _load(beats, at, first + r * row_stride, 1, 1, loads[r])
        if members > 0:
            work = place + lowest + c * row_tiles
            at = _multiply(beats, at, first + lowest * row_stride, members, work, outputs[c], channels, lanes)
    return at


@kernel
def _enter_products(vector, outputs, channels, lanes, place):
    """Enter the beats of a vector, row by row: a product of each tile; gives the place behind them."""
    beats, at, first_tile, row_stride, column_stride, shared, loads, takes_part = vector
    row_tiles, column_tiles = loads.shape[0], outputs.shape[0]
    for r in range(row_tiles):
        first = first_tile + r * row_stride
        if shared:
            at = _load(beats, at, first, column_tiles, column_stride, loads[r])
        for c in range(column_tiles):
            tile = first + c * column_stride
            if not shared:
                at = _load(beats, at, tile, 1, 1, loads[r])
            if takes_part[r]:
                at = _multiply(beats, at, tile, 1, place + r + c * row_tiles, outputs[c], channels, lanes)
    return at


@kernel
def _multiply(beats, at, tile, members, work, outputs, channels, lanes):
    """Enter a MULTIPLY of one tile or of a cascade; gives the place behind it."""
    _enter(beats[at], tile, members, 1, work)
    beats[at].outputs = outputs
    beats[at].group = channels
    beats[at].lanes = lanes
    return at + 1


@kernel
def _enter(beat, first, count, stride, work):
    """Describe a beat that gives one output, or none."""
    beat.first = first
    beat.count = count
    beat.stride = stride
    beat.sender = NO_SENDER
    beat.group = 1
    beat.lanes = 1
    beat.work = work


@kernel
def _load(beats, at, tile, count, stride, words):
    """Enter the LOADs of a vector to one tile, or to all of a group; gives the place behind them."""
    for word in range(words):
        _enter(beats[at + word], tile, count, stride, _LOAD)
    return at + words


@kernel
def _describe(row, steps, groups, t):
    """Enter what a tile works for a product: nothing, if it takes no input step."""
    if steps > 0:
        group = t.convert + DECIDE_CYCLES
        step = t.select + t.settle_multiply
        row.before = (steps - 1) * (step + groups * group) + step + group
        row.gap = group
