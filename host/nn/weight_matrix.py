"""How the weights of a module are a matrix, or a matrix for each of its groups."""

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class WeightMatrix:
    """The matrices in a weight tensor.

    Parameters
    ----------
    outputs : int
        Of all groups together.
    inputs : int
        Of each group.
    groups : int
    packed : bool
        See `twinbar.host.nn.mapping.LayerShape`.
    transposed : bool
        The weight is that of a transposed convolution, [inputs of all groups, outputs of a group, kernel...]; else it
        is [outputs of all groups, inputs of a group, kernel...].
    """

    outputs: int
    inputs: int
    groups: int = 1
    packed: bool = True
    transposed: bool = False

    @classmethod
    def of(cls, weight: Tensor, groups: int = 1, *, packed: bool = True, transposed: bool = False) -> "WeightMatrix":
        """Describe a weight tensor."""
        if transposed:
            return cls(math.prod(weight.shape[1:]) * groups, weight.shape[0] // groups, groups, packed, True)
        return cls(weight.shape[0], math.prod(weight.shape[1:]), groups, packed)

    def of_weight(self, weight: Tensor) -> Tensor:
        """Return the matrices [outputs, inputs] of a weight; a view of it where its memory allows."""
        if not self.transposed:
            return weight if weight.dim() == 2 else weight.reshape(self.outputs, self.inputs)
        grouped = weight.reshape(self.groups, self.inputs, self.outputs // self.groups)
        return grouped.transpose(1, 2).reshape(self.outputs, self.inputs)

    def to_weight(self, matrix: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the weight, of a shape, that the matrices come from."""
        if self.transposed:
            matrix = matrix.reshape(self.groups, self.outputs // self.groups, self.inputs).transpose(1, 2)
        return matrix.reshape(shape)
