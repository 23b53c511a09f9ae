"""A convolution on the crossbar is `torch.nn.functional.conv2d` with the weights that the cells hold."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from crossbar_weights import activations, error_bound, held_weights, seen_by
from torch import nn
from torch.nn import functional as F

from twinbar.host.nn.crossbar_network import CrossbarNetwork


@pytest.mark.parametrize(
    "shape",
    [
        {"kernel_size": 3},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 2), "bias": False},
        {"kernel_size": 2, "dilation": (1, 3)},
        {"kernel_size": 1, "stride": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("inputs", ["dac", "planes"])
def test_conv2d_is_a_quantized_convolution(
    on_crossbar: Callable[..., CrossbarNetwork], shape: dict[str, Any], inputs: str
) -> None:
    torch.manual_seed(3)
    module = nn.Conv2d(3, 10, **shape)
    x = activations(2, 3, 7, 6)
    network = on_crossbar(module, x, options={"weight_range": 1.0}, inputs=inputs)
    (layer,) = network.layers
    bias = None if module.bias is None else module.bias.double()
    expected = F.conv2d(seen_by(layer, x), held_weights(layer), bias, module.stride, module.padding, module.dilation)
    with torch.no_grad():
        y = network.module(x)
    assert y.shape == expected.shape
    assert (y.double() - expected).abs().max() <= error_bound(layer.matmul)
    assert error_bound(layer.matmul) < 0.05 * expected.abs().max()


def test_gradients_of_a_convolution_are_those_of_the_twin(on_crossbar: Callable[..., CrossbarNetwork]) -> None:
    torch.manual_seed(3)
    module = nn.Conv2d(2, 5, 3, padding=1, stride=2)
    # Whole input codes, so that the twin sees what the crossbar sees.
    x = torch.randint(0, 16, (2, 2, 6, 6)).float() / 15
    x[0, 0, 0, 0] = 1.0
    network = on_crossbar(module, x)
    (layer,) = network.layers
    upstream = torch.randn(2, 5, 3, 3)
    gradients = []
    for run in (network.module, module):
        own = x.clone().requires_grad_(True)
        run(own).backward(upstream)
        gradients.append(own.grad)
    assert torch.allclose(layer.weight.grad, module.weight.grad, atol=1e-5)
    assert torch.allclose(network.module.bias.grad, module.bias.grad, atol=1e-5)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-5)


def test_an_input_smaller_than_the_kernel_is_refused_as_pytorch_does(
    on_crossbar: Callable[..., CrossbarNetwork],
) -> None:
    network = on_crossbar(nn.Conv2d(2, 3, 3), activations(1, 2, 5, 5))
    with pytest.raises(RuntimeError, match="Kernel size can't be greater than actual input size"):
        network.module(activations(1, 2, 2, 2))


@pytest.mark.parametrize("shape", [{"groups": 2}, {"dilation": 2, "padding": 1}, {"stride": (3, 2)}], ids=str)
def test_gradients_are_those_of_what_the_converters_saw(
    on_crossbar: Callable[..., CrossbarNetwork], shape: dict[str, Any]
) -> None:
    torch.manual_seed(4)
    module = nn.Conv2d(4, 6, 3, bias=False, **shape)
    x = activations(2, 4, 7, 8) - 0.5
    network = on_crossbar(module, x)
    (layer,) = network.layers
    own = x.clone().requires_grad_(True)
    y = network.module(own)
    upstream = torch.randn(y.shape)
    y.backward(upstream)
    seen = seen_by(layer, x).requires_grad_(True)
    weight = module.weight.detach().double().requires_grad_(True)
    F.conv2d(seen, weight, None, module.stride, module.padding, module.dilation, module.groups).backward(
        upstream.double()
    )
    assert torch.allclose(layer.weight.grad.double(), weight.grad, atol=1e-4)
    assert own.grad is not None
    assert torch.allclose(own.grad.double(), seen.grad, atol=1e-4)
