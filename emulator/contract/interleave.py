"""The order in which the lists of several tiles share one stream of commands."""

import numpy as np

from twinbar.emulator.kernels.compiled import allocating_kernel


@allocating_kernel
def interleave(offsets):
    """Return the order in which the lists of several tiles are sent: the first entry of every tile, the second ...

    Parameters
    ----------
    offsets : int64 [tiles + 1]
        The list of tile ``k`` is ``offsets[k]`` to ``offsets[k + 1]``.

    Returns
    -------
    order, tile : int64 [n]
        Position in the lists, and tile, of each command.
    """
    tiles = offsets.shape[0] - 1
    order = np.empty(offsets[tiles], np.int64)
    owner = np.empty(offsets[tiles], np.int64)
    waiting = np.empty(tiles, np.int64)
    for tile in range(tiles):
        waiting[tile] = tile
    count = tiles
    place = np.int64(0)
    at = 0
    while count > 0:
        left = 0
        for k in range(count):
            tile = waiting[k]
            entry = offsets[tile] + place
            if entry < offsets[tile + 1]:
                order[at] = entry
                owner[at] = tile
                at += 1
                waiting[left] = tile
                left += 1
        count = left
        place += 1
    return order, owner
