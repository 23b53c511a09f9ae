"""Beats that cascades, shared inputs and packed outputs spare, and what takes their place."""

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.hw.actions import ACTIONS, Action


def spared_beats(
    block: TileBlock, loads: np.ndarray, takes_part: np.ndarray, outputs: np.ndarray, lanes: int, *, shared: bool
) -> np.ndarray:
    """Return what a batch changes in the counts of a layer's multiplications, in which all tiles had own beats.

    Parameters
    ----------
    block : TileBlock
    loads : int64 [row tiles]
        Words that went to the row registers of each row tile.
    takes_part : bool [row tiles, batch]
        Which row tiles multiplied.
    outputs : int64 [column tiles]
    lanes : int
    shared : bool
        Whether the column tiles of a row share their inputs.

    Returns
    -------
    int64 [tiles of the layer, len(ACTIONS)]
        In the order of the tiles' numbers; to be added.
    """
    changes = np.zeros((len(loads) * len(outputs), len(ACTIONS)), np.int64)
    place = block.numbers - block.first_tile
    products = takes_part.sum(axis=1)
    answered = products
    if block.cascade:
        # The first row tile that takes part answers.
        answered = (takes_part & (takes_part.cumsum(axis=0) == 1)).sum(axis=1)
        joined = (products - answered)[:, None]
        _move(changes, place, Action.RESPONSE_BEAT, Action.PARTIAL_SUM, joined * outputs)
        _move(changes, place, Action.COMMAND_BEAT, Action.SHARED_BEAT, joined)
    kept = outputs - -(-outputs // lanes)
    _move(changes, place, Action.RESPONSE_BEAT, Action.PACKED_OUTPUT, answered[:, None] * kept)
    if shared:
        _move(changes, place[:, 1:], Action.COMMAND_BEAT, Action.SHARED_BEAT, loads[:, None])
    return changes


def _move(actions: np.ndarray, tiles: np.ndarray, one: Action, other: Action, count: np.ndarray | int) -> None:
    """Count something as another action on some of the tiles."""
    actions[tiles, one] -= count
    actions[tiles, other] += count
