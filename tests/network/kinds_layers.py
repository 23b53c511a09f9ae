"""Kinds of modules: single layers, in all the ways in which they can be made and called."""

from functools import partial

import torch
from kinds import Kind, Wrapped, normal
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


class Shifted(nn.Linear):
    """A Linear with a forward pass of its own."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x - 0.5, self.weight, self.bias).tanh()


class Standardized(nn.Conv2d):
    """A convolution that calls its parent's forward pass."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x - x.mean()) / x.std())


def one_after_the_other(module: Wrapped, x: Tensor) -> Tensor:
    return module.b(torch.relu(module.a(x)))


def twice(module: Wrapped, x: Tensor) -> Tensor:
    return module.a(torch.relu(module.a(x)))


def by_the_parent(module: Wrapped, x: Tensor) -> Tensor:
    return F.linear(x, module.a.weight, module.a.bias).relu()


def viewed(module: Wrapped, x: Tensor) -> Tensor:
    return module.fc(module.conv(x).view(len(x), -1))


def tied() -> nn.Module:
    module = Wrapped(one_after_the_other, a=nn.Linear(9, 9), b=nn.Linear(9, 9))
    module.b.weight = module.a.weight
    return module


def dry(module: nn.Module, x: Tensor) -> nn.Module:
    module(x)
    return module


def under_autocast(module: Wrapped, x: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return one_after_the_other(module, x)


def through_checkpoint(module: Wrapped, x: Tensor, *, reentrant: bool) -> Tensor:
    return module.out(checkpoint(module.body, module.stem(x), use_reentrant=reentrant))


def checkpointed(*, reentrant: bool) -> nn.Module:
    return Wrapped(
        partial(through_checkpoint, reentrant=reentrant),
        stem=nn.Linear(6, 8),
        body=nn.Sequential(nn.Linear(8, 7), nn.Tanh(), nn.Linear(7, 8)),
        out=nn.Linear(8, 3),
    )


def in_channels_last(module: nn.Module) -> nn.Module:
    return module.to(memory_format=torch.channels_last)


CONVOLUTIONS = [
    Kind("conv1d", lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2), normal(2, 4, 15)),
    Kind("conv1d-same", lambda: nn.Conv1d(2, 3, 4, padding="same", padding_mode="circular"), normal(2, 2, 9)),
    Kind("conv2d", lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0)), normal(2, 4, 7, 6)),
    Kind("conv2d-no-bias", lambda: nn.Conv2d(4, 6, 1, bias=False), normal(2, 4, 3, 3)),
    Kind("conv2d-valid", lambda: nn.Conv2d(3, 5, 3, padding="valid"), normal(2, 3, 5, 5)),
    Kind("conv2d-same", lambda: nn.Conv2d(4, 6, (5, 3), padding="same", dilation=(1, 2)), normal(2, 4, 7, 8)),
    Kind("conv2d-even-same", lambda: nn.Conv2d(2, 3, (4, 2), padding="same"), normal(1, 2, 6, 5)),
    Kind("conv2d-reflect", lambda: nn.Conv2d(3, 5, 3, padding=1, padding_mode="reflect"), normal(2, 3, 5, 6)),
    Kind("conv2d-replicate", lambda: nn.Conv2d(3, 5, 3, padding=1, padding_mode="replicate"), normal(1, 3, 4, 6)),
    Kind("conv2d-grouped", lambda: nn.Conv2d(4, 8, 3, groups=2), normal(2, 4, 5, 6)),
    Kind("conv2d-large-groups", lambda: nn.Conv2d(12, 40, 3, groups=2), normal(1, 12, 4, 5)),
    Kind("conv2d-depthwise", lambda: nn.Conv2d(7, 7, 3, groups=7, padding=1), normal(2, 7, 4, 5)),
    Kind("conv2d-depth-multiplier", lambda: nn.Conv2d(3, 6, 3, groups=3, stride=2), normal(2, 3, 7, 7)),
    Kind("conv2d-unbatched", lambda: nn.Conv2d(3, 4, 3), normal(3, 6, 5)),
    Kind("conv3d", lambda: nn.Conv3d(2, 3, (2, 3, 2), stride=(1, 2, 1), padding=1), normal(1, 2, 3, 5, 4)),
    Kind(
        "conv-transpose1d", lambda: nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1), normal(2, 4, 7)
    ),
    Kind("conv-transpose2d", lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, dilation=2), normal(2, 4, 4, 3)),
    Kind(
        "conv-transpose2d-unbatched", lambda: nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=1), normal(3, 4, 3)
    ),
    Kind("conv-transpose3d", lambda: nn.ConvTranspose3d(2, 3, 2, stride=2, bias=False), normal(1, 2, 2, 3, 2)),
    Kind("conv2d-own-forward", lambda: Standardized(3, 4, 3), normal(2, 3, 5, 5)),
    Kind(
        "channels-last",
        lambda: in_channels_last(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3))),
        lambda: (torch.randn(2, 3, 6, 7).to(memory_format=torch.channels_last),),
    ),
    Kind("conv-then-view", lambda: Wrapped(viewed, conv=nn.Conv2d(2, 3, 3), fc=nn.Linear(12, 4)), normal(2, 2, 4, 4)),
]

LINEAR = [
    Kind("linear", lambda: nn.Linear(20, 6), normal(5, 20)),
    Kind("linear-one-vector", lambda: nn.Linear(20, 6), normal(20)),
    Kind("linear-many-axes", lambda: nn.Linear(5, 6), normal(2, 3, 2, 5)),
    Kind("linear-many-tiles", lambda: nn.Linear(75, 40, bias=False), normal(3, 75)),
    Kind("linear-own-forward", lambda: Shifted(8, 5), normal(4, 8)),
    Kind("linear-tied", tied, normal(3, 9)),
    Kind("linear-used-twice", lambda: Wrapped(twice, a=nn.Linear(8, 8)), normal(3, 8)),
    Kind(
        "linear-of-parent",
        lambda: Wrapped(by_the_parent, a=nn.Linear(8, 5)),
        normal(3, 8),
    ),
    Kind(
        "lazy",
        lambda: dry(nn.Sequential(nn.LazyConv1d(3, 2), nn.Flatten(), nn.LazyLinear(4)), torch.randn(2, 3, 6)),
        normal(2, 3, 6),
    ),
    Kind("float64", lambda: nn.Linear(20, 6).double(), lambda: (torch.randn(5, 20).double(),)),
    Kind(
        "bfloat16", lambda: nn.Linear(20, 6).bfloat16(), lambda: (torch.randn(5, 20).bfloat16(),), dtype=torch.bfloat16
    ),
    Kind(
        "autocast",
        lambda: Wrapped(under_autocast, a=nn.Linear(9, 8), b=nn.Linear(8, 3)),
        normal(4, 9),
        dtype=torch.bfloat16,
    ),
    Kind("checkpoint", lambda: checkpointed(reentrant=False), normal(3, 6)),
    Kind("checkpoint-reentrant", lambda: checkpointed(reentrant=True), normal(3, 6)),
]
