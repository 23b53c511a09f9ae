"""What an update policy is: a small object that decides which cells are written, and to which level."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.hw.errors import ConfigError


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


@dataclass(frozen=True)
class Targets:
    """How fine the targets of a policy's writes are.

    Parameters
    ----------
    levels : int, optional
        Targets over the range of a cell; None: the levels of the cells (``device.levels``).
    tolerance : float
        Half the width of a target's window, relative to that of a level (``write.tolerance``).
    """

    levels: int | None = None
    tolerance: float = 1.0


class UpdatePolicy(ABC):
    """Decides, after an optimizer step, what is written.

    A policy that remembers anything from one decision to the next overrides `state_dict` and `load_state_dict`, so that
    a resumed run ends as an uninterrupted one.
    """

    on_crossbar: ClassVar[bool] = True
    """Whether the network lies on a crossbar at all."""
    targets: ClassVar[Targets] = Targets()
    keeps_read_back: bool = False
    """Whether the layers keep the read-back levels for this policy."""

    @abstractmethod
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

    def state_dict(self) -> dict[str, Any]:
        """Return what the policy remembers (arrays, numbers, texts, and lists and dicts of them), for a checkpoint."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises
        ------
        ConfigError
            If the state is not one of this policy.
        """
        if state:
            raise ConfigError(
                f"the checkpoint holds a state of its update policy ({', '.join(state)}), but {type(self).__name__} "
                "keeps none; resume with the policy that the run was started with"
            )


def room_for(weights: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give addresses, levels and origins for the longest decision of a layer, two cells per weight.

    Pages that a sparse decision does not reach are never touched, so that the room costs nothing.
    """
    n = 2 * weights
    return np.empty(n, np.int64), np.empty(n, np.uint8), np.empty(n, np.int32)
