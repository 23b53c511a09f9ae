"""Which tiles take the same inputs: the column tiles of a layer's row tile, where a controller shares inputs."""

from collections.abc import Sequence

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.sizes import MAX_TILES

NO_GROUP = 0
"""Group of tiles that share no inputs: that of every tile after power-up."""


class InputGroups:
    """The input groups of a controller's tiles.

    Parameters
    ----------
    tiles : int
    layers : sequence of TileBlock
        Layers whose column tiles share their inputs. A tile that several of them have takes no shared inputs.
    alone : bool
        Whether a row tile with a single column tile is a group too, which a transfer needs.

    Attributes
    ----------
    of_tile : int64 [tiles]
        What the register `INPUT_GROUP` of each tile holds.
    """

    def __init__(self, tiles: int, layers: Sequence[TileBlock] = (), *, alone: bool = False) -> None:
        self.of_tile = np.full(tiles, NO_GROUP, np.int64)
        self._size = np.zeros(tiles + 1, np.int64)
        owners = np.zeros(tiles, np.int64)
        for block in layers:
            owners[block.tiles] += 1
        least = 1 if alone else 2
        rows = [row for block in layers for row in block.numbers if len(row) >= least and owners[row].max() == 1]
        if len(rows) > MAX_TILES - 1:
            raise ConfigError(
                f"a controller with chains has {len(rows)} row tiles, and {MAX_TILES - 1} input groups; take fewer "
                "tiles, or array.chain = false"
            )
        # Elsewhere a group has two tiles at least, so that there are enough numbers.
        for group, row in enumerate(rows, NO_GROUP + 1):
            self.of_tile[row] = group
            self._size[group] = len(row)

    def of(self, block: TileBlock) -> np.ndarray | None:
        """Return the group of each row tile (int64 [row tiles]) if the column tiles of a layer share their inputs."""
        groups = self.of_tile[block.numbers]
        first = groups[:, 0]
        shares = (groups == first[:, None]).all() and (self._size[first] == groups.shape[1]).all()
        return first if shares and (first != NO_GROUP).all() else None
