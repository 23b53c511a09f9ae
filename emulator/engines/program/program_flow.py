"""Outputs of a cascade, that share a beat, or that are kept: each goes to a link or to a lane as soon as it can."""

from typing import Final

import numpy as np

from twinbar.emulator.engines.program import program_layout as at
from twinbar.emulator.engines.program.program_multiply import begin_group, read_on
from twinbar.emulator.engines.program.program_transfer import ANSWERED, KEPT, keep_sum
from twinbar.emulator.kernels.compiled import inline, kernel
from twinbar.hw.actions import Action
from twinbar.hw.timing import LINK_DEPTH, LINK_LATENCY, Phase

_PLACES: Final = LINK_DEPTH - 1
"""Bits of the place in a link, whose depth is a power of two."""


@inline
def _saturate(value, chip):
    """Bound a sum by the least and greatest value of a lane."""
    top = (np.int64(1) << (chip.lane_bits - 1)) - 1
    return min(max(value, -top - 1), top)


@kernel
def flow_due(tiles, tile):
    """Return the cycle in which a tile can hand over its next output, or complete its beat; NEVER: not known yet."""
    row = tiles[tile]
    due = row.begin
    if tile < row.last_member:
        above = tiles[tile + 1]
        if above.link_in == above.link_out:
            return at.NEVER
        due = max(due, above.link_at[above.link_out & _PLACES] + LINK_LATENCY)
    if tile > row.first_member:
        held = row.link_in - row.link_out
        if held == LINK_DEPTH:
            return at.NEVER
        if held == LINK_DEPTH - 1 and row.link_out:
            due = max(due, row.link_freed + 1)
    return due


@kernel
def _sum_of(tiles, tile, chip):
    """Return the sum of a tile's next output, with those of the tiles above."""
    row = tiles[tile]
    total = np.int64(0)
    if not row.empty:
        total = _saturate(row.sums[row.column], chip)
    if tile < row.last_member:
        above = tiles[tile + 1]
        total = _saturate(total + above.link_sums[above.link_out & _PLACES], chip)
    return total


@inline
def _put_in_lane(row, total, chip):
    """Put a sum into the next lane of the beat."""
    row.result |= (total & ((np.int64(1) << chip.lane_bits) - 1)) << (row.packed * chip.lane_bits)


@kernel
def completes_beat(row, tile, chip):
    """Whether a tile's next output completes a response beat."""
    fills = row.packed + 1 == chip.lanes and row.keeps != KEPT
    return tile == row.first_member and (fills or row.outputs == 1)


@kernel
def offer_beat(tiles, tile, chip, due):
    """Let a tile offer a beat from the cycle on in which its last output is there."""
    row = tiles[tile]
    if row.keeps != KEPT:
        _put_in_lane(row, _sum_of(tiles, tile, chip), chip)
    row.offered = due
    row.state = at.RESPOND


@kernel
def keep_answered(tiles, tile, chip):
    """Make an activation of the output that completes a beat which is handed over, if the product keeps its sums."""
    row = tiles[tile]
    if row.keeps != ANSWERED and tile == row.first_member:
        keep_sum(row, chip, _sum_of(tiles, tile, chip))


@kernel
def take_sum(tiles, tile, cycle):
    """Take the partial sum of an output that is handed over out of the link above."""
    if tile < tiles[tile].last_member:
        above = tiles[tile + 1]
        above.link_out += 1
        above.link_freed = cycle


@kernel
def flow_on(tiles, tile, chip, cycle, goes_on):
    """Hand an output to the link below, or to its lane; gives whether it was the command's last one.

    Without ``goes_on``, a halt keeps the tile from beginning with the next group.
    """
    row = tiles[tile]
    total = _sum_of(tiles, tile, chip)
    take_sum(tiles, tile, cycle)
    row.phases[Phase.STALL] += cycle - row.begin
    row.phases[Phase.RESPOND] += 1
    if tile > row.first_member:
        row.actions[Action.PARTIAL_SUM] += 1
        row.link_sums[row.link_in & _PLACES] = total
        row.link_at[row.link_in & _PLACES] = cycle
        row.link_in += 1
    else:
        row.actions[Action.PACKED_OUTPUT] += 1
        if row.keeps != KEPT:
            _put_in_lane(row, total, chip)
            row.packed += 1
        if row.keeps != ANSWERED:
            keep_sum(row, chip, total)
    read_on(row, chip, cycle)
    row.column += 1
    row.outputs -= 1
    row.begin = cycle + 1
    if row.outputs == 0:
        row.runs = 0
        return True
    if goes_on:
        begin_group(row, chip)
    return False


@kernel
def stop_flow(tiles, tile, chip, cycle, reason):
    """Halt a tile that hands over outputs, in ``cycle``; gives whether it has handed over its last one there."""
    row = tiles[tile]
    if row.state == at.HAND_OVER and not completes_beat(row, tile, chip) and flow_due(tiles, tile) <= cycle:
        if flow_on(tiles, tile, chip, cycle, False):
            return True
    else:
        row.phases[Phase.STALL] += cycle - row.begin + 1
        read_on(row, chip, cycle)
    row.state = at.RESPOND
    row.begin = cycle + 1
    drop_beat(row, reason)
    return False


@kernel
def drop_beat(row, reason):
    """Let a tile answer that a halt has ended its command: an incomplete beat is lost."""
    row.column -= row.packed
    row.packed = 0
    row.result = 0
    row.rows_on = 0
    row.status = reason
