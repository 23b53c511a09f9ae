"""Products whose forward pass runs on the crossbar and whose backward pass runs on the float twin.

The straight-through estimator of Bengio, Leonard and Courville, arXiv:1308.3432 (2013): gradients are those that the
twin would have with the inputs that the converters saw.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twinbar.host.nn.crossbar_matmul import CrossbarMatmul
from twinbar.host.nn.patches import Patches
from twinbar.host.update.cell_access import OuterProducts


class _Product(torch.autograd.Function):
    """A product on the crossbar."""

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call `forward` as PyTorch does outside of its transforms, which layers refuse (`refuse_transforms`)."""
        return super(torch.autograd.Function, cls).apply(*args)  # type: ignore[misc]


class StraightThrough(_Product):
    """The product of activations and a matrix."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, matmul: CrossbarMatmul, block: int, bias: Tensor | None) -> Tensor:
        """Multiply activations [batch, groups * inputs] by the crossbar's [groups * outputs, inputs].

        A bias [groups * outputs] is added digitally. That it is added here spares a step of the graph.
        """
        y, seen = matmul(_plain(x), block)
        ctx.save_for_backward(_like(seen, matrix), matrix)
        ctx.product = matmul, block, x.device, x.dtype, None if bias is None else bias.dtype
        y = _as_result(y, x, matrix)
        return y if bias is None else y + (bias if bias.dtype == y.dtype else bias.to(y.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, Tensor | None]:
        """Return the gradients of the activations, of the matrix and of the bias."""
        seen, weight = ctx.saved_tensors
        needs_x, needs_matrix, _, _, needs_bias = ctx.needs_input_grad
        matmul, block, device, dtype, bias_type = ctx.product
        to_bias = gradients[0].sum(0).to(bias_type) if needs_bias else None
        gradient = _like(gradients[0], seen)
        matmul.backward.note(block, to_inputs=needs_x, to_weights=needs_matrix)
        if matmul.factors is not None:
            matmul.factors.append(OuterProducts(_array(seen), _array(gradient), len(seen)))
        groups = matmul.map.blocks[block].groups
        if groups == 1:
            to_x = _times(gradient, weight) if needs_x else None
            to_matrix = gradient.t().mm(seen) if needs_matrix else None
        else:
            gradient = gradient.unflatten(1, (groups, -1))
            weights = _ordinary(weight).unflatten(0, (groups, -1))
            to_x = torch.einsum("ngo,goi->ngi", gradient, weights).flatten(1) if needs_x else None
            to_matrix = None
            if needs_matrix:
                to_matrix = torch.einsum("ngo,ngi->goi", gradient, seen.unflatten(1, (groups, -1))).flatten(0, 1)
        return None if to_x is None else to_x.to(device, dtype), to_matrix, None, None, to_bias


class StraightThroughConvolution(_Product):
    """The convolution of activations with a weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, matmul: CrossbarMatmul, block: int, patches: Patches) -> Tensor:
        """Convolve activations [batch, channels, ...] with the crossbar's [outputs, channels of a group, ...]."""
        y, seen = matmul(_plain(x), block, patches)
        ctx.save_for_backward(seen.to(weight.device, weight.dtype), weight)
        ctx.groups = matmul.map.blocks[block].groups
        ctx.passed, ctx.block, ctx.factors = matmul.backward, block, matmul.factors
        ctx.patches = patches
        ctx.like = (x.device, x.dtype)
        places = patches.places(x.shape[2:])
        y = y.view(len(x), math.prod(places), y.shape[1]).transpose(1, 2).unflatten(2, places)
        return _as_result(y, x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        """Return the gradients of the activations and of the weight."""
        seen, weight = ctx.saved_tensors
        weight = _ordinary(weight)
        patches: Patches = ctx.patches
        if ctx.factors is not None:
            errors = gradients[0].flatten(2).transpose(1, 2).flatten(0, 1)
            inputs = patches.of(seen.detach().to("cpu", torch.float32))
            ctx.factors.append(OuterProducts(inputs, _array(errors), len(seen)))
        ctx.passed.note(ctx.block, to_inputs=ctx.needs_input_grad[0], to_weights=ctx.needs_input_grad[1])
        to_x, to_weight, _ = torch.ops.aten.convolution_backward(
            gradients[0].to(weight.device, weight.dtype),
            seen,
            weight,
            None,
            patches.stride,
            patches.padding,
            patches.dilation,
            False,
            [0] * len(patches.kernel),
            ctx.groups,
            [*ctx.needs_input_grad[:2], False],
        )
        return None if to_x is None else to_x.to(*ctx.like), to_weight, None, None, None


def _plain(x: Tensor) -> Tensor:
    """Return activations as the crossbar takes them: float32 in main memory, in no graph."""
    x = x.detach()
    return x if x.dtype == torch.float32 and x.is_cpu else x.to("cpu", torch.float32)


def _like(x: Tensor, other: Tensor) -> Tensor:
    """Bring a tensor to the device and the type of another one."""
    return x if x.dtype == other.dtype and x.device == other.device else x.to(other.device, other.dtype)


def _array(values: Tensor) -> np.ndarray:
    return values.detach().to("cpu", torch.float32).contiguous().numpy()


def _times(gradient: Tensor, weight: Tensor) -> Tensor:
    """Multiply by the twin's weights as by an ordinary tensor, which belongs to the graph still."""
    with torch._C.DisableTorchFunctionSubclass():
        return gradient.mm(weight)


def _ordinary(weight: Tensor) -> Tensor:
    """Return the twin's weights as an ordinary tensor, which belongs to the graph still: for gradients of gradients."""
    with torch._C.DisableTorchFunctionSubclass():
        return weight.view(weight.shape)


def _as_result(y: Tensor, x: Tensor, matrix: Tensor) -> Tensor:
    """Bring outputs to where PyTorch would have them, and to the type that it would give them."""
    if x.is_cpu and x.dtype == matrix.dtype == y.dtype and not torch.is_autocast_enabled("cpu"):
        return y
    return y.to(x.device, _result_type(x, matrix))


def _result_type(x: Tensor, matrix: Tensor) -> torch.dtype:
    if torch.is_autocast_enabled(x.device.type):
        return torch.get_autocast_dtype(x.device.type)
    if x.dtype == matrix.dtype:
        return x.dtype
    return torch.result_type(x, matrix)
