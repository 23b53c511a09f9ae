"""Convolutions on the crossbar: every patch of the input is one input vector (im2col), and sums are digital."""

import math
from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor
from torch.nn import functional as F

from twinbar.host.nn.mapped_parameter import Multiplied, check_use, on_crossbar
from twinbar.host.nn.patches import Patches

Sizes = int | Sequence[int]

_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_CHANNELS_LAST = {2: torch.channels_last, 3: torch.channels_last_3d}


def convolve(
    dimensions: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve [batch, channels, ...] or [channels, ...] as `torch.nn.functional.conv1d`, `conv2d` or `conv3d` does."""
    layer = on_crossbar(weight)
    if layer is None:
        return _CONVOLUTIONS[dimensions](input, weight, bias, stride, padding, dilation, groups)
    check_use(layer, weight, dimensions + 2, groups)
    kernel = tuple(weight.shape[2:])
    stride, dilation = _each(stride, dimensions), _each(dilation, dimensions)
    x = input if input.dim() == dimensions + 2 else input.unsqueeze(0)
    if isinstance(padding, str):
        x, padding = _pad_by_name(x, padding, kernel, dilation)
    patches = Patches(kernel, stride, _each(padding, dimensions), dilation)
    if min(patches.places(x.shape[2:])) < 1:
        # PyTorch says why there is no such convolution.
        return _CONVOLUTIONS[dimensions](x, torch.zeros_like(weight), None, stride, patches.padding, dilation, groups)
    y = layer.convolve(x, patches)
    if bias is not None:
        y = y + bias.to(y.dtype).view(-1, *[1] * dimensions)
    return _like(y, input, weight)


def convolve_transposed(
    dimensions: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Compute a transposed convolution, as `torch.nn.functional.conv_transpose2d` and its kin do.

    Every place of the input gives the values of one patch of the output; patches are added up digitally.
    """
    layer = on_crossbar(weight)
    if layer is None:
        return _TRANSPOSED[dimensions](input, weight, bias, stride, padding, output_padding, groups, dilation)
    check_use(layer, weight, dimensions + 2, groups, transposed=True)
    x = input if input.dim() == dimensions + 2 else input.unsqueeze(0)
    places = math.prod(x.shape[2:])
    rows = x.flatten(2).transpose(1, 2).reshape(len(x) * places, x.shape[1])
    patches = layer.multiply(rows)
    patches = patches.view(len(x), places, patches.shape[-1]).transpose(1, 2).unflatten(2, x.shape[2:])
    y = _add_up(patches, layer, weight, stride, padding, output_padding, dilation)
    if bias is not None:
        y = y + bias.to(y.dtype).view(-1, *[1] * dimensions)
    return _like(y, input, weight)


def _add_up(
    patches: Tensor,
    layer: Multiplied,
    weight: Tensor,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    dilation: Sizes,
) -> Tensor:
    """Add up patches [batch, channels * kernel, ...], each value in its place: a transposed convolution with ones."""
    kernel = tuple(weight.shape[2:])
    size = weight[0, 0].numel()
    channels = layer.form.outputs // size
    ones = torch.eye(size, dtype=patches.dtype, device=patches.device).view(size, 1, *kernel)
    ones = ones.repeat(channels, *[1] * (len(kernel) + 1))
    add_up = _TRANSPOSED[len(kernel)]
    return add_up(patches, ones, None, stride, padding, output_padding, channels, dilation)


def _like(y: Tensor, input: Tensor, weight: Tensor) -> Tensor:
    """Order an output in memory as PyTorch's convolutions do, and take the batch off where the input had none."""
    last = _CHANNELS_LAST.get(y.dim() - 2)
    if last is not None and any(x.dim() == y.dim() and _is_ordered(x, last) for x in (input, weight)):
        y = y.contiguous(memory_format=last)
    else:
        y = y.contiguous()
    return y if y.dim() == input.dim() else y.squeeze(0)


def _is_ordered(x: Tensor, order: torch.memory_format) -> bool:
    return x.is_contiguous(memory_format=order) and not x.is_contiguous()


def _pad_by_name(
    x: Tensor, name: str, kernel: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, tuple[int, ...]]:
    """Return the input and the padding that "valid" or "same" stands for."""
    if name == "valid":
        return x, (0,) * len(kernel)
    total = [dilation[n] * (kernel[n] - 1) for n in range(len(kernel))]
    # As PyTorch does: where both sides cannot be alike, the later one is padded more.
    if any(size % 2 for size in total):
        x = F.pad(x, list(chain(*((0, size % 2) for size in reversed(total)))))
    return x, tuple(size // 2 for size in total)


def _each(value: Sizes, dimensions: int) -> tuple[int, ...]:
    return (value,) * dimensions if isinstance(value, int) else tuple(value) * (dimensions if len(value) == 1 else 1)
