"""Counts what backward passes do with the weights of a layer."""


class BackwardCount:
    """Counts backward passes through each block of a layer.

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

    def take_products(self) -> list[int]:
        """Return the passes, by block, that multiplied by the weights since this was last asked."""
        passed, self._to_inputs = self._to_inputs, [0] * len(self._to_inputs)
        return passed

    def take_sums(self) -> list[int]:
        """Return the passes, by block, that added to the gradient of the weights since this was last asked."""
        passed, self._to_weights = self._to_weights, [0] * len(self._to_weights)
        return passed

    def forget(self) -> None:
        """Drop what was counted."""
        self.take_products()
        self.take_sums()
