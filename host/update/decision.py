"""What an update policy asks of the cells of a layer: closed-loop writes, or pulses without a read."""

from dataclasses import dataclass
from typing import Final

import numpy as np


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

    @staticmethod
    def nothing() -> "Decision":
        """Make a decision that writes no cell."""
        return _NOTHING


_NOTHING: Final = Decision(np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0, np.int32), 0)


@dataclass(frozen=True)
class PulseTrains:
    """Pulses for cells of one layer, which are not read.

    Parameters
    ----------
    addresses : int64 [n]
        Addresses of cells; a cell may have several trains, which it gets in their order.
    pulses : int64 [n]
        Pulses of each train: SET where positive, RESET where negative; not 0.
    weight_updates : int
        Weights of which a cell is pulsed.
    """

    addresses: np.ndarray
    pulses: np.ndarray
    weight_updates: int

    def __len__(self) -> int:
        return len(self.addresses)


def room_for(weights: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return addresses, levels and origins for the longest decision of a layer, two cells per weight.

    Pages that a sparse decision does not reach are never touched, so that the room costs nothing.
    """
    n = 2 * weights
    return np.empty(n, np.int64), np.empty(n, np.uint8), np.empty(n, np.int32)
