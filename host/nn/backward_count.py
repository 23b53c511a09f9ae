"""Counts what backward passes do with the weights of a layer."""

from typing import NamedTuple


class Passed(NamedTuple):
    """Backward passes through each block of a layer.

    Parameters
    ----------
    to_inputs : tuple of int
        Those that multiplied by the weights, for the gradient of the inputs.
    to_weights : tuple of int
        Those that added to the gradient of the weights.
    """

    to_inputs: tuple[int, ...]
    to_weights: tuple[int, ...]


class BackwardCount:
    """Counts backward passes between two steps of an optimizer.

    Parameters
    ----------
    blocks : int
        Of the layer.
    """

    def __init__(self, blocks: int) -> None:
        self._to_inputs = [0] * blocks
        self._to_weights = [0] * blocks

    def note(self, block: int, *, to_inputs: bool, to_weights: bool) -> None:
        """Count a pass through one block, by the gradients that were asked for."""
        self._to_inputs[block] += to_inputs
        self._to_weights[block] += to_weights

    def take(self) -> Passed:
        """Return what was counted since this was last asked."""
        passed = Passed(tuple(self._to_inputs), tuple(self._to_weights))
        self._to_inputs = [0] * len(self._to_inputs)
        self._to_weights = [0] * len(self._to_weights)
        return passed
