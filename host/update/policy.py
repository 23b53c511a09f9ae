"""What an update policy is: a small object that decides which cells are written, and to which level."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from twinbar.host.update.programmed import ProgrammedLayer


@dataclass(frozen=True)
class Decision:
    """Cells of one layer to write.

    Parameters
    ----------
    addresses : int64 [n]
        Addresses of cells (see `twinbar.host.nn.mapping.LayerMap`).
    levels : uint8 [n]
        Levels to reach.
    origins : int32 [n]
        ``2 * weight + side``: which cell of which pair each entry is.
    weight_updates : int
        Weights whose level changes.
    """

    addresses: np.ndarray
    levels: np.ndarray
    origins: np.ndarray
    weight_updates: int


class UpdatePolicy(Protocol):
    """Decides, after an optimizer step, what is written."""

    keeps_read_back: bool
    """Whether the layers keep the read-back levels for this policy."""

    def decide(self, weights: np.ndarray, cells: ProgrammedLayer, progress: float) -> Decision:
        """Decide for one layer, and bring ``cells`` to the levels asked for.

        Parameters
        ----------
        weights : float32 [outputs, inputs]
            The twin's weights, which the policy may bound in place.
        cells : ProgrammedLayer
        progress : float
            Part of the training that has passed, 0 to 1.
        """


def room_for(weights: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give addresses, levels and origins for the longest decision of a layer, two cells per weight.

    Pages that a sparse decision does not reach are never touched, so that the room costs nothing.
    """
    n = 2 * weights
    return np.empty(n, np.int64), np.empty(n, np.uint8), np.empty(n, np.int32)
