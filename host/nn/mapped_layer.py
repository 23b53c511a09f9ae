"""A weight that lies on the crossbar: its float twin, its cells, and the products with them."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from twinbar.host.nn.crossbar_matmul import CrossbarMatmul
from twinbar.host.nn.crossbar_weight import CrossbarWeight
from twinbar.host.nn.current_pass import Pass
from twinbar.host.nn.patches import Patches
from twinbar.host.nn.straight_through import StraightThrough, StraightThroughConvolution
from twinbar.host.nn.transforms import refuse_transforms
from twinbar.host.nn.weight_matrix import WeightMatrix
from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.hw.errors import TwinbarError


@dataclass(eq=False)
class MappedLayer:
    """A weight of a module that lies on the crossbar.

    Parameters
    ----------
    name : str
        Of the module, and of the weight in it where the module has several.
    weight : CrossbarWeight
        The float twin.
    form : WeightMatrix
    matmul : CrossbarMatmul
    current : Pass
        Shared by all layers of a network.
    owners : list of (nn.Module, str)
        Modules that have the weight, and its name in each: several where it is shared. The mode of the first says
        whether a product is one of training.
    names : list of str
        All names that the weight has in the module; several where it is shared.
    auxiliary : list of CrossbarMatmul
        Further arrays of the layer's shape that the update policy works with.
    """

    name: str
    weight: CrossbarWeight
    form: WeightMatrix
    matmul: CrossbarMatmul
    current: Pass
    owners: list[tuple[nn.Module, str]]
    names: list[str]
    auxiliary: list[CrossbarMatmul] = field(default_factory=list)
    _own_memory: tuple[int, np.ndarray] | None = field(default=None, init=False, repr=False)
    """Address and matrix of the weight's own memory, which nobody else can have while the array refers to it."""

    @property
    def cells(self) -> ProgrammedLayer:
        """What the host knows of the layer's cells."""
        return self.matmul.cells

    @property
    def matrix(self) -> np.ndarray:
        """The twin's weights as the policies see them (float32 [outputs, inputs]).

        It is the weight's own memory if that is float32 in main memory and in the same order, else a copy, which `keep`
        brings back.
        """
        with torch._C.DisableTorchFunctionSubclass():
            address = self.weight.data_ptr()
            if self._own_memory is not None and self._own_memory[0] == address:
                return self._own_memory[1]
            matrix = self.form.of_weight(self.weight.detach())
            if not (matrix.is_cpu and matrix.dtype == torch.float32 and matrix.is_contiguous()):
                matrix = matrix.to("cpu", torch.float32).contiguous()
            found = matrix.numpy()
            self._own_memory = (address, found) if found.__array_interface__["data"][0] == address else None
            return found

    def keep(self, matrix: np.ndarray) -> None:
        """Bring a matrix that a policy has bounded back into the twin."""
        with torch._C.DisableTorchFunctionSubclass():
            address = self.weight.data_ptr()
            if self._own_memory is not None and (self._own_memory[1] is matrix and self._own_memory[0] == address):
                return
            if matrix.__array_interface__["data"][0] == address:
                return
        with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
            # Only what was bounded is brought back: other weights keep bits that float32 does not have.
            before = self.form.of_weight(self.weight.detach()).to("cpu", torch.float32)
            after = torch.from_numpy(matrix)
            changed = self.form.to_weight(after != before, self.weight.shape)
            bounded = self.form.to_weight(after, self.weight.shape).to(self.weight.device, self.weight.dtype)
            self.weight.copy_(torch.where(changed.to(self.weight.device), bounded, self.weight))

    def multiply(self, x: Tensor, block: int | None = None, bias: Tensor | None = None) -> Tensor:
        """Multiply activations by the layer's conductances.

        Parameters
        ----------
        x : Tensor [..., inputs]
            Of all groups, one after the other; of one group where ``block`` chooses it.
        block : int, optional
            A block of the layer; all of them by default.
        bias : Tensor [outputs], optional
            Added digitally; without ``block`` only.

        Returns
        -------
        Tensor [..., outputs]

        Raises
        ------
        TwinbarError
            If there are more or fewer activations than inputs.
        """
        blocks = self.matmul.map.blocks
        inputs = self.form.inputs * (self.form.groups if block is None else blocks[block].groups)
        rows = x if x.dim() == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        self._begin(rows, x.shape[-1], inputs)
        matrix = self.form.of_weight(self.weight)
        if x is rows and len(blocks) == 1 and (bias is None or bias.shape == (matrix.shape[0],)):
            return StraightThrough.apply(rows, matrix, self.matmul, block or 0, bias)
        parts = []
        start = 0
        for number in range(len(blocks)) if block is None else [block]:
            stop = start + blocks[number].groups * self.form.inputs
            own = rows if len(blocks) == 1 or block is not None else rows[:, start:stop]
            weights = matrix if len(blocks) == 1 else matrix[blocks[number].outputs]
            parts.append(StraightThrough.apply(own, weights, self.matmul, number, None))
            start = stop
        y = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        y = y if x.dim() == 2 else y.view(*x.shape[:-1], y.shape[-1])
        return y if bias is None else y + (bias if bias.dtype == y.dtype else bias.to(y.dtype))

    def convolve(self, x: Tensor, patches: Patches) -> Tensor:
        """Convolve activations with the layer's conductances, without a bias.

        Parameters
        ----------
        x : Tensor [batch, channels, ...]
            Channels of all groups, one after the other.
        patches : Patches

        Returns
        -------
        Tensor [batch, outputs, ...]

        Raises
        ------
        TwinbarError
            If there are more or fewer channels than inputs of the layer.
        """
        self._begin(x, x.shape[1] * math.prod(patches.kernel), self.form.inputs * self.form.groups)
        blocks = self.matmul.map.blocks
        channels = self.form.inputs // math.prod(patches.kernel)
        parts = []
        start = 0
        for number, block in enumerate(blocks):
            stop = start + block.groups * channels
            own = x if len(blocks) == 1 else x[:, start:stop]
            weight = self.weight if len(blocks) == 1 else self.weight[block.outputs]
            parts.append(StraightThroughConvolution.apply(own, weight, self.matmul, number, patches))
            start = stop
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _begin(self, x: Tensor, given: int, inputs: int) -> None:
        """See to it that activations can be multiplied by the conductances."""
        refuse_transforms(self.name)
        if given != inputs:
            raise TwinbarError(f"layer {self.name} takes {inputs} activations, but was given {given}")
        if x.shape[0]:
            self.current.bring_up(x)
        self.matmul.training = self.owners[0][0].training
        self.matmul.wanted = torch.is_grad_enabled()
