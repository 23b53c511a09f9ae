"""Writes every cell to the level that it should be at already: an array that was left alone, or was changed."""

import numpy as np

from twinbar.host.update.policy import Decision, UpdatePolicy
from twinbar.host.update.programmed import ProgrammedLayer


class KeptLevels(UpdatePolicy):
    """Write every cell of every layer to its present level; a cell that holds it costs one read and no pulse."""

    def decide(self, weights: np.ndarray, cells: ProgrammedLayer, progress: float) -> Decision:
        """List all cells in the order of their addresses, which a link packs best (see `UpdatePolicy.decide`)."""
        addresses, levels = cells.targets()
        pair = 2 * np.arange(cells.plus.size, dtype=np.int32)
        origins = np.concatenate([pair, pair + 1])
        order = np.argsort(addresses)
        return Decision(addresses[order], levels[order].astype(np.uint8), origins[order], 0)
