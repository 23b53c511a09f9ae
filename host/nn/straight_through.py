"""A product whose forward pass runs on the crossbar and whose backward pass runs on the float twin."""

from typing import Any

import torch
from torch import Tensor

from twinbar.host.nn.crossbar_matmul import CrossbarMatmul


class StraightThrough(torch.autograd.Function):
    """Forward on the crossbar; backward as if the twin had computed it, with the inputs that the converters saw.

    The straight-through estimator of Bengio, Leonard and Courville, arXiv:1308.3432 (2013).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, matmul: CrossbarMatmul, block: int) -> Tensor:
        """Multiply activations [batch, groups * inputs] by the crossbar's [groups * outputs, inputs]."""
        y, seen = matmul(x.detach().to("cpu", torch.float32), block)
        ctx.save_for_backward(seen.to(matrix.device, matrix.dtype), matrix)
        ctx.groups = matmul.map.blocks[block].groups
        ctx.passed, ctx.block = matmul.backward, block
        ctx.like = (x.device, x.dtype)
        return y.to(x.device, _result_type(x, matrix))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Return the gradients of the activations and of the matrix."""
        seen, matrix = ctx.saved_tensors
        needs_x, needs_matrix = ctx.needs_input_grad[:2]
        gradient = gradients[0].to(matrix.device, matrix.dtype)
        ctx.passed.note(ctx.block, to_inputs=needs_x, to_weights=needs_matrix)
        if ctx.groups == 1:
            to_x = gradient @ matrix if needs_x else None
            to_matrix = gradient.t() @ seen if needs_matrix else None
        else:
            gradient = gradient.unflatten(1, (ctx.groups, -1))
            groups = matrix.unflatten(0, (ctx.groups, -1))
            to_x = torch.einsum("ngo,goi->ngi", gradient, groups).flatten(1) if needs_x else None
            to_matrix = None
            if needs_matrix:
                to_matrix = torch.einsum("ngo,ngi->goi", gradient, seen.unflatten(1, (ctx.groups, -1))).flatten(0, 1)
        return None if to_x is None else to_x.to(*ctx.like), to_matrix, None, None


def _result_type(x: Tensor, matrix: Tensor) -> torch.dtype:
    if torch.is_autocast_enabled(x.device.type):
        return torch.get_autocast_dtype(x.device.type)
    return torch.result_type(x, matrix)
