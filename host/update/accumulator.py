"""A digital memory with a number for each weight, which takes updates until they are worth a pulse."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from twinbar.host.update.blind_pulses import FLOAT_BITS

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


class Accumulator:
    """Float32 numbers in levels, by layer.

    Parameters
    ----------
    values : dict of str to float32 [outputs, inputs]
    """

    def __init__(self, values: dict[str, np.ndarray]) -> None:
        self._values = values

    @classmethod
    def of(cls, layers: "Sequence[ProgrammedLayer]") -> "Accumulator":
        """Make an empty one."""
        return cls({cells.map.name: np.zeros(cells.plus.shape, np.float32) for cells in layers})

    def __getitem__(self, name: str) -> np.ndarray:
        return self._values[name]

    def add(self, name: str, levels: np.ndarray) -> np.ndarray:
        """Add to a layer's numbers, and return them."""
        self._values[name] += levels
        return self._values[name]

    def take(self, name: str, levels: np.ndarray) -> None:
        """Subtract what was given to the cells."""
        self._values[name] -= levels

    def traffic(self, name: str) -> tuple[int, int]:
        """Bits that are read and written when all numbers of a layer take an update."""
        bits = self._values[name].size * FLOAT_BITS
        return bits, bits

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return all numbers."""
        return {name: values.copy() for name, values in self._values.items()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore what `state_dict` returned."""
        for name, values in self._values.items():
            values[:] = state[name]
