"""Beats that cascades, shared inputs and packed outputs spare, and what takes their place."""

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.hw.actions import ACTIONS, Action


def spared_beats(block: TileBlock, words: np.ndarray, outputs: np.ndarray, lanes: int, *, shared: bool) -> np.ndarray:
    """Return what each vector changes in the counts of a layer's multiplications, in which all tiles had own beats.

    Parameters
    ----------
    block : TileBlock
    words : int64 [row tiles]
        Words of the row registers that a vector fills.
    outputs : int64 [column tiles]
    lanes : int
    shared : bool
        Whether the column tiles of a row share their inputs.

    Returns
    -------
    int64 [tiles of the layer, len(ACTIONS)]
        In the order of the tiles' numbers; to be added.
    """
    changes = np.zeros((len(words) * len(outputs), len(ACTIONS)), np.int64)
    place = block.numbers - block.first_tile
    answering = place[0] if block.cascade else place
    kept = outputs - -(-outputs // lanes)
    _move(changes, answering, Action.RESPONSE_BEAT, Action.PACKED_OUTPUT, kept)
    if block.cascade:
        _move(changes, place[1:], Action.RESPONSE_BEAT, Action.PARTIAL_SUM, outputs)
        _move(changes, place[1:], Action.COMMAND_BEAT, Action.SHARED_BEAT, 1)
    if shared:
        _move(changes, place[:, 1:], Action.COMMAND_BEAT, Action.SHARED_BEAT, words[:, None])
    return changes


def _move(actions: np.ndarray, tiles: np.ndarray, one: Action, other: Action, count: np.ndarray | int) -> None:
    """Count something as another action on some of the tiles."""
    actions[tiles, one] -= count
    actions[tiles, other] += count
