"""With cells that do as they are told, a forward pass differs from a quantized matrix product by rounding alone."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from crossbar_weights import activations, error_bound, held_weights, seen_by
from torch import nn

from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.hw.errors import TwinbarError

WAYS = [
    {"inputs": "dac", "pairs": "subtract", "adc_channels": 1},
    {"inputs": "dac", "pairs": "separate", "adc_channels": 4},
    {"inputs": "planes", "pairs": "subtract", "adc_channels": 2},
    {"inputs": "planes", "pairs": "separate", "adc_channels": 1},
]


def linear(inputs: int, outputs: int, seed: int = 0, bias: bool = False) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(inputs, outputs, bias=bias)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("size", [(9, 5), (16, 8), (50, 21)], ids=["part of a tile", "a tile", "4x3 tiles"])
@pytest.mark.parametrize("placement", ["interleaved", "contiguous"])
def test_linear_is_a_quantized_product(
    on_crossbar: Callable[..., CrossbarNetwork],
    way: dict[str, Any],
    size: tuple[int, int],
    placement: str,
) -> None:
    x = activations(7, size[0])
    network = on_crossbar(linear(*size), x, options={"placement": placement, "weight_range": 1.0}, **way)
    (layer,) = network.layers
    expected = seen_by(layer, x) @ held_weights(layer).T
    with torch.no_grad():
        y = network.module(x)
    error = (y.double() - expected).abs().max()
    assert error <= error_bound(layer.matmul)
    # A bound that anything satisfies would say nothing.
    assert error_bound(layer.matmul) < 0.05 * expected.abs().max()


def test_held_weights_are_the_quantized_twin(
    on_crossbar: Callable[..., CrossbarNetwork], weights_in_levels: Callable[[MappedLayer], np.ndarray]
) -> None:
    network = on_crossbar(linear(50, 21), activations(7, 50), options={"weight_range": 1.0})
    (layer,) = network.layers
    step = layer.matmul.cells.weight_per_level
    held = held_weights(layer).numpy() / step
    # Every cell of a pair may be off by the half width of its window, and by the grid and the code of its read.
    assert np.abs(held - weights_in_levels(layer)).max() < 2 * 0.1 + 0.05
    assert np.abs(layer.matmul.cells.weights / step - weights_in_levels(layer)).max() < 1e-5
    assert len(np.unique(weights_in_levels(layer))) > 10


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_inputs_of_both_signs_take_two_passes(on_crossbar: Callable[..., CrossbarNetwork], way: dict[str, Any]) -> None:
    # Few and small negative activations, as behind a leaky rectifier: their pass must not set the range of the other.
    x = activations(7, 30, lowest=-2)
    network = on_crossbar(linear(30, 8), x, options={"weight_range": 1.0}, **way)
    (layer,) = network.layers
    with torch.no_grad():
        y = network.module(x)
    expected = seen_by(layer, x) @ held_weights(layer).T
    assert (y.double() - expected).abs().max() <= error_bound(layer.matmul, passes=2)
    assert error_bound(layer.matmul, passes=2) < 0.05 * expected.abs().max()


def test_biases_are_added_digitally(on_crossbar: Callable[..., CrossbarNetwork]) -> None:
    x = activations(3, 10)
    module = linear(10, 4, bias=True)
    nn.init.uniform_(module.bias, 5.0, 6.0)
    network = on_crossbar(module, x)
    (layer,) = network.layers
    with torch.no_grad():
        y = network.module(x)
    expected = seen_by(layer, x) @ held_weights(layer).T + module.bias.detach().double()
    assert (y.double() - expected).abs().max() <= error_bound(layer.matmul)
    assert (y > 3).all()


def test_leading_dimensions_are_kept(on_crossbar: Callable[..., CrossbarNetwork]) -> None:
    x = activations(6, 10)
    network = on_crossbar(linear(10, 4), x)
    with torch.no_grad():
        flat = network.module(x)
        assert torch.equal(network.module(x.view(2, 3, 10)), flat.view(2, 3, 4))
        assert torch.equal(network.module(x[0]), flat[0])


def test_the_twin_answers_in_its_context_alone(on_crossbar: Callable[..., CrossbarNetwork]) -> None:
    x = activations(5, 10)
    module = linear(10, 4)
    network = on_crossbar(module, x)
    with torch.no_grad():
        with network.twin():
            assert torch.equal(network.module(x), module(x))
        assert not torch.equal(network.module(x), module(x))


def test_gradients_are_those_of_the_twin_for_the_inputs_that_were_seen(
    on_crossbar: Callable[..., CrossbarNetwork],
) -> None:
    x = activations(5, 10)
    network = on_crossbar(linear(10, 4, bias=True), x)
    (layer,) = network.layers
    x.requires_grad_(True)
    upstream = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    network.module(x).backward(upstream)
    seen = seen_by(layer, x.detach()).float()
    assert torch.allclose(layer.weight.grad, upstream.T @ seen, atol=1e-6)
    assert torch.allclose(network.module.bias.grad, upstream.sum(dim=0), atol=1e-6)
    assert torch.allclose(x.grad, upstream @ layer.weight.detach(), atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 10), (2, 3, 10), (10,)], ids=str)
def test_a_bias_has_the_gradient_of_every_output(
    on_crossbar: Callable[..., CrossbarNetwork], shape: tuple[int, ...]
) -> None:
    network = on_crossbar(linear(10, 4, bias=True), activations(6, 10))
    y = network.module(activations(6, 10).flatten()[: math.prod(shape)].view(shape))
    (y**2).sum().backward()
    assert torch.equal(network.module.bias.grad, (2 * y.detach()).view(-1, 4).sum(dim=0))


@pytest.mark.parametrize("vectors", [2, 300], ids=["few vectors", "many vectors"])
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16], ids=str)
def test_autocast_changes_the_type_of_outputs_alone(
    on_crossbar: Callable[..., CrossbarNetwork], kind: torch.dtype, vectors: int
) -> None:
    x = activations(vectors, 10)
    products = on_crossbar(linear(10, 4), x).module(x)
    network = on_crossbar(linear(10, 4, bias=True), x)
    with torch.autocast("cpu", kind):
        y = network.module(x)
    assert y.dtype == kind
    # Weights and noise are the same: what is left is the rounding of products, and of their sum with the bias.
    assert torch.equal(y, products.to(kind) + network.module.bias.to(kind))
    y.sum().backward()
    assert network.module.bias.grad.dtype == torch.float32
    assert torch.equal(network.module.bias.grad, torch.full((4,), float(vectors)))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_activations_that_are_not_finite_end_with_a_sentence(
    on_crossbar: Callable[..., CrossbarNetwork], bad: float
) -> None:
    x = activations(3, 10)
    network = on_crossbar(linear(10, 4), x)
    x[1, 2] = bad
    with pytest.raises(
        TwinbarError, match="layer linear was given activations that are not finite; lower the learning"
    ):
        network.module(x)
