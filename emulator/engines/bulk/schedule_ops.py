"""The commands of write lists and multiplications, in the order of the stream and in the form that `schedule` takes."""

from typing import Final

import numpy as np

from twinbar.emulator.contract.interleave import interleave
from twinbar.emulator.kernels.compiled import allocating_kernel
from twinbar.hw.timing import DECIDE_CYCLES, REGISTER_WRITE_CYCLES

OP_TILE: Final = 0
OP_WORK: Final = 1
"""Cycles before the first response is offered; without a response, all its cycles."""
OP_OUTPUTS: Final = 2
"""Responses; a LOAD has none."""
OP_GROUP: Final = 3
"""Responses that are offered one after the other (1 or more)."""
OP_GAP: Final = 4
"""Cycles of work between two groups."""
OP_SIZE: Final = 5
"""Columns of an array of commands, in the order of the stream."""


@allocating_kernel
def list_ops(offsets, work):
    """Return the commands of interleaved lists, with one response each.

    Parameters
    ----------
    offsets : int64 [tiles + 1]
    work : int64 [n]
        Cycles of each command before its response, in the order of the lists.
    """
    order, owner = interleave(offsets)
    ops = np.zeros((order.shape[0], OP_SIZE), np.int64)
    for i in range(order.shape[0]):
        ops[i, OP_TILE] = owner[i]
        ops[i, OP_WORK] = work[order[i]]
        ops[i, OP_OUTPUTS] = 1
        ops[i, OP_GROUP] = 1
    return ops


@allocating_kernel
def multiply_ops(first_tile, steps, words, outputs, channels, changed, t):
    """Return the commands of a batch: range registers, then vector by vector and in it tile by tile LOADs and MULTIPLY.

    Parameters
    ----------
    first_tile : int
    steps : int64 [row tiles, batch]
        Input steps that each vector takes.
    words : int64 [row tiles]
        Words of the row registers that a vector fills.
    outputs : int64 [column tiles]
    channels : int
    changed : bool [tiles of the layer]
        Whether the register of the ADC range is written.
    t : twinbar.hw.timing.Durations

    Returns
    -------
    ops : int64 [commands, OP_SIZE]
    multiplications : int64 [batch, tiles of the layer]
        Positions of the MULTIPLY commands.
    """
    row_tiles, batch = steps.shape
    column_tiles = outputs.shape[0]
    tiles = row_tiles * column_tiles
    count = batch * tiles
    for r in range(row_tiles):
        count += batch * column_tiles * words[r]
    for local in range(tiles):
        count += np.int64(changed[local])
    ops = np.zeros((count, OP_SIZE), np.int64)
    positions = np.zeros((batch, tiles), np.int64)
    at = 0
    for local in range(tiles):
        if changed[local]:
            ops[at, OP_TILE] = first_tile + local
            ops[at, OP_WORK] = REGISTER_WRITE_CYCLES
            ops[at, OP_OUTPUTS] = 1
            ops[at, OP_GROUP] = 1
            at += 1
    group = t.convert + DECIDE_CYCLES
    for b in range(batch):
        for local in range(tiles):
            r = local // column_tiles
            used = outputs[local % column_tiles]
            groups = (used + channels - 1) // channels
            step = t.select + t.settle_multiply
            for _ in range(words[r]):
                ops[at, OP_TILE] = first_tile + local
                ops[at, OP_WORK] = 1
                ops[at, OP_GROUP] = 1
                at += 1
            ops[at, OP_TILE] = first_tile + local
            ops[at, OP_OUTPUTS] = used
            ops[at, OP_GROUP] = channels
            if steps[r, b] > 0:
                ops[at, OP_WORK] = (steps[r, b] - 1) * (step + groups * group) + step + group
                ops[at, OP_GAP] = group
            positions[b, local] = at
            at += 1
    return ops, positions
