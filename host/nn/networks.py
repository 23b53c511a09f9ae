"""The networks that the commands train."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from twinbar.hw.errors import ConfigError


def he_std(inputs: int) -> float:
    """Return the standard deviation of the He initialization (He et al., ICCV 2015): sqrt(2 / inputs)."""
    return math.sqrt(2.0 / inputs)


def _initialize(model: nn.Module, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            inputs = module.weight[0].numel()
            with torch.no_grad():
                module.weight.normal_(0.0, he_std(inputs), generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
    return model


def mlp(inputs: int, hidden: Sequence[int], classes: int, *, bias: bool, seed: int) -> nn.Module:
    """Build a multilayer perceptron with ReLU between its layers, He-initialized.

    Parameters
    ----------
    inputs : int
        Pixels of an image.
    hidden : sequence of int
        Width of each hidden layer.
    classes : int
    bias : bool
        Whether layers have (digital) biases.
    seed : int
    """
    widths = [inputs, *hidden, classes]
    layers: list[nn.Module] = [nn.Flatten()]
    for n, (width, following) in enumerate(pairwise(widths)):
        layers.append(nn.Linear(width, following, bias=bias))
        if n < len(widths) - 2:
            layers.append(nn.ReLU())
    return _initialize(nn.Sequential(*layers), seed)


def lenet(height: int, width: int, classes: int, *, channels: int = 1, bias: bool, seed: int) -> nn.Module:
    """Build a LeNet-5 (LeCun et al., Proc. IEEE 1998) with ReLU and max pooling, He-initialized.

    Raises
    ------
    ConfigError
        If the images are too small for two 5x5 convolutions with pooling.
    """
    after = [((side - 4 + 4) // 2 - 4) // 2 for side in (height, width)]
    if min(after) < 1:
        raise ConfigError(f"images of {height}x{width} pixels are too small for lenet; use 12x12 or larger, or the mlp")
    model = nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2, bias=bias),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, bias=bias),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * after[0] * after[1], 120, bias=bias),
        nn.ReLU(),
        nn.Linear(120, 84, bias=bias),
        nn.ReLU(),
        nn.Linear(84, classes, bias=bias),
    )
    return _initialize(model, seed)
