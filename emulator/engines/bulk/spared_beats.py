"""Beats that cascades, shared inputs and packed outputs spare, and what takes their place."""

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.hw.actions import Action


def spare_beats(
    actions: np.ndarray,
    block: TileBlock,
    words: np.ndarray,
    outputs: np.ndarray,
    batch: int,
    lanes: int,
    *,
    shared: bool,
) -> None:
    """Correct the counts of a layer's multiplications, in which every tile had beats of its own.

    Parameters
    ----------
    actions : int64 [tiles of the layer, len(ACTIONS)]
        In the order of the tiles' numbers.
    block : TileBlock
    words : int64 [row tiles]
        Words of the row registers that a vector fills.
    outputs : int64 [column tiles]
    batch, lanes : int
    shared : bool
        Whether the column tiles of a row share their inputs.
    """
    place = block.numbers - block.first_tile
    answering = place[0] if block.cascade else place
    kept = batch * (outputs - -(-outputs // lanes))
    _move(actions, answering, Action.RESPONSE_BEAT, Action.PACKED_OUTPUT, kept)
    if block.cascade:
        _move(actions, place[1:], Action.RESPONSE_BEAT, Action.PARTIAL_SUM, batch * outputs)
        _move(actions, place[1:], Action.COMMAND_BEAT, Action.SHARED_BEAT, batch)
    if shared:
        _move(actions, place[:, 1:], Action.COMMAND_BEAT, Action.SHARED_BEAT, batch * words[:, None])


def _move(actions: np.ndarray, tiles: np.ndarray, one: Action, other: Action, count: np.ndarray | int) -> None:
    """Count something as another action on some of the tiles."""
    actions[tiles, one] -= count
    actions[tiles, other] += count
