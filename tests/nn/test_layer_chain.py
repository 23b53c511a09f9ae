"""Networks whose layers are chained on the chip: numbers, gradients, taps, and what falls back to the host."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.host.nn.chain_search import find_chains
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.hw.errors import ConfigError

BuildNetwork = Callable[..., CrossbarNetwork]
CHAINED = {"cascade": True, "shared_inputs": True, "chain": True, "mapping": "contiguous"}
CONTIGUOUS = {"placement": "contiguous"}


def mlp(*, bias: bool = True) -> nn.Sequential:
    """Make layers of 2 x 3, 2 x 1 and 1 x 1 tiles of 16 x 16 cells."""
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(20, 24, bias=bias),
        nn.ReLU(),
        nn.Linear(24, 8, bias=bias),
        nn.Identity(),
        nn.ReLU(),
        nn.Linear(8, 5, bias=bias),
    )


def images(count: int = 6) -> Tensor:
    return torch.rand(count, 4, 5, generator=torch.Generator().manual_seed(2))


def chained(on_crossbar: BuildNetwork, module: nn.Module, x: Tensor, *, chain: bool = True, **more: Any):  # type: ignore[no-untyped-def]
    return on_crossbar(module, x, options=CONTIGUOUS | more, **CHAINED, chained_layers=chain)


@pytest.mark.parametrize("input_range", ["largest", "least-error"])
def test_numbers_are_those_of_layers_by_themselves(on_crossbar: BuildNetwork, input_range: str) -> None:
    x = images()
    together, alone = (chained(on_crossbar, mlp(), x, chain=chain, input_range=input_range) for chain in (True, False))
    assert [chain.names for chain in together.chains] == [["1", "3", "6"]]
    assert together.unchained == {"6": "it is the last layer"}
    for network in (together, alone):
        network.module.eval()
    with together.forward_pass():
        y = together.module(x)
    with alone.forward_pass():
        expected = alone.module(x)
    # Hidden activations are rounded to input codes on both ways; where a code differs, it does by one.
    lsb = together.layers[2].matmul.input_lsb
    assert (y - expected).abs().max() < 4 * lsb * together.layers[2].weight.detach().abs().max()
    assert together.chains[0].programs == 1
    assert together.chains[0].apart == 0


def test_gradients_are_those_of_layers_by_themselves(on_crossbar: BuildNetwork) -> None:
    x = images()
    together, alone = (chained(on_crossbar, mlp(), x, chain=chain) for chain in (True, False))
    for network in (together, alone):
        network.module.train()
        with network.forward_pass():
            network.module(x).square().sum().backward()
    for one, other in zip(together.layers, alone.layers, strict=True):
        gradient, same = one.weight.grad, other.weight.grad
        assert gradient.abs().max() > 0
        assert F.cosine_similarity(gradient.flatten(), same.flatten(), dim=0) > 0.99
    assert together.chains[0].programs == 1
    assert together.chains[0].apart == 0


def test_hidden_activations_come_to_the_host_where_they_are_needed(on_crossbar: BuildNetwork) -> None:
    x = images()
    network = chained(on_crossbar, mlp(), x)
    answered: list[list[bool]] = []
    made = network.session.engine.multiply_chain

    def noted(chain, inputs):  # type: ignore[no-untyped-def]
        answered.append([layer.answered for layer in chain])
        return made(chain, inputs)

    network.session.engine.multiply_chain = noted  # type: ignore[method-assign]
    network.module.eval()
    with network.forward_pass():
        network.module(x)
    with torch.no_grad(), network.forward_pass():
        y = network.module(x)
    assert y.isfinite().all()
    # Somebody looks at what a hidden layer gives.
    seen: list[Tensor] = []
    handle = network.module[2].register_forward_hook(lambda module, given, result: seen.append(result))
    with torch.no_grad(), network.forward_pass():
        network.module(x)
    handle.remove()
    assert seen[0].isfinite().all()
    assert answered == [[True] * 3, [False, False, True], [True] * 3]


def test_codes_of_the_chip_are_what_gradients_are_made_of(on_crossbar: BuildNetwork) -> None:
    x = images()
    network = chained(on_crossbar, mlp(), x)
    network.module.train()
    with network.forward_pass():
        rectified = network.module[:3](x)
        y = network.module[3](rectified)
    second = network.layers[1].matmul
    (seen,) = torch.autograd.grad(y.sum(), network.layers[1].weight)
    # The gradient of a sum of outputs is the sum of the inputs as the chip saw them.
    codes = seen[0] / second.input_lsb
    assert codes.max() > 15
    assert (codes - codes.round()).abs().max() < 1e-3
    exact = (rectified / second.input_lsb).clamp(0, 15).round().sum(dim=0)
    assert (codes - exact).abs().max() <= 1


def test_activations_below_zero_multiply_layer_by_layer(on_crossbar: BuildNetwork) -> None:
    x = images() - 0.5
    together, alone = (chained(on_crossbar, mlp(), x, chain=chain) for chain in (True, False))
    for network in (together, alone):
        network.module.eval()
    with together.forward_pass():
        y = together.module(x)
    with alone.forward_pass():
        assert torch.equal(y, alone.module(x))
    assert (together.chains[0].programs, together.chains[0].apart) == (0, 1)


def test_a_layer_called_alone_multiplies_what_it_is_given(on_crossbar: BuildNetwork) -> None:
    x = images()
    together, alone = (chained(on_crossbar, mlp(), x, chain=chain) for chain in (True, False))
    other = torch.rand(6, 24)
    for network in (together, alone):
        network.module.eval()
    with torch.no_grad():
        # A chain has begun, and its second layer is given something else.
        with together.forward_pass():
            together.module[:2](x)
            y = together.module[3](other)
        with alone.forward_pass():
            expected = alone.module[3](other)
    assert torch.equal(y, expected)


@pytest.mark.parametrize("input_range", ["largest", "least-error"])
def test_ranges_follow_the_training(on_crossbar: BuildNetwork, input_range: str) -> None:
    x = images()
    network = chained(on_crossbar, mlp(), x, input_range=input_range)
    before = [layer.matmul.range.input_max for layer in network.layers]
    network.module.train()
    for _ in range(3):
        with network.forward_pass():
            network.module(2 * x)
    for layer, held in zip(network.layers, before, strict=True):
        assert layer.matmul.range.input_max > held


def test_an_evaluation_leaves_ranges_and_counts_alone(on_crossbar: BuildNetwork) -> None:
    x = images()
    network = chained(on_crossbar, mlp(), x)
    network.module.train()
    with network.forward_pass():
        network.module(x)
    held = [(layer.matmul.range.full_scale, layer.matmul.conversions) for layer in network.layers]
    # Each layer was counted in the first pass already, though those behind the first were called for the first time.
    assert all(conversions > 0 for _, conversions in held)
    network.module.eval()
    with torch.no_grad(), network.forward_pass():
        network.module(2 * x)
    assert [(layer.matmul.range.full_scale, layer.matmul.conversions) for layer in network.layers] == held


class Branched(nn.Module):
    """Has a layer whose activations go two ways, one before a normalization, and functions in place of modules."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.fourth, self.fifth, self.sixth = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4)
        self.norm = nn.BatchNorm1d(8)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        y = self.second(x).relu()
        z = self.third(y) + y
        z = torch.relu(self.norm(self.fourth(z)))
        return self.sixth(torch.tanh(self.fifth(z)))


def test_what_the_chip_does_not_compute_is_listed(on_crossbar: BuildNetwork) -> None:
    torch.manual_seed(1)
    x = torch.rand(5, 8)
    network = chained(on_crossbar, Branched().eval(), x)
    assert [chain.names for chain in network.chains] == [["first", "second"]]
    assert network.unchained == {
        "second": "what it gives is used 2 times",
        "third": "add follows it, which the chip does not compute",
        "fourth": "BatchNorm1d follows it, which the chip does not compute",
        "fifth": "tanh follows it, which the chip does not compute",
        "sixth": "it is the last layer",
    }
    with torch.no_grad(), network.forward_pass():
        assert network.module(x).isfinite().all()
    assert network.chains[0].programs == 1


class Unsteady(nn.Module):
    """Has a forward pass that depends on its values."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.one(x))
        return self.other(x) if x.sum() > 0 else x


def test_a_forward_pass_that_cannot_be_traced_is_not_chained(on_crossbar: BuildNetwork) -> None:
    network = chained(on_crossbar, Unsteady(), torch.rand(3, 4))
    assert not network.chains
    assert network.unchained["one"].startswith("the forward pass cannot be traced (TraceError: ")


def test_layers_without_relu_or_called_twice_are_not_chained(on_crossbar: BuildNetwork) -> None:
    torch.manual_seed(1)
    shared = nn.Linear(6, 6)
    module = nn.Sequential(nn.Linear(6, 6), shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(6, 2))
    found = find_chains(module, on_crossbar(module, torch.rand(3, 6)).layers)
    assert not found.chains


def test_runs_that_are_no_words_are_refused(on_crossbar: BuildNetwork) -> None:
    module = nn.Sequential(nn.Linear(8, 9), nn.ReLU(), nn.Linear(9, 2))
    choices = CHAINED | {"columns": 12}
    with pytest.raises(ConfigError, match="layers 0, 2 cannot be chained: a word of inputs has 8 of them"):
        on_crossbar(module, torch.rand(3, 8), options=CONTIGUOUS, **choices, chained_layers=True)


def test_row_tiles_without_cascade_are_refused(on_crossbar: BuildNetwork) -> None:
    choices = CHAINED | {"cascade": False}
    with pytest.raises(ConfigError, match=r"2 row tiles is chained.*array.cascade = true"):
        on_crossbar(mlp(), images(), options=CONTIGUOUS, **choices, chained_layers=True)


def test_biases_beyond_the_chip_are_limited_and_counted(on_crossbar: BuildNetwork) -> None:
    x = images()
    network = chained(on_crossbar, mlp(), x)
    network.module.eval()
    with torch.no_grad():
        network.module[1].bias[3] = 1e9
        with network.forward_pass():
            network.module(x)
    assert network.chains[0].limited == 1


@pytest.mark.parametrize("bias", [False, True])
def test_bulk_and_programs_give_the_same_network(on_crossbar: BuildNetwork, bias: bool) -> None:
    x = images(3)

    def program_engine(*given, **more):  # type: ignore[no-untyped-def]
        return ControllerEngine(*given, make=controller_maker("fast"), **more)

    networks = [
        chained(on_crossbar, mlp(bias=bias), x),
        chained(on_crossbar, mlp(bias=bias), x, make_engine=program_engine),
    ]
    results = []
    for network in networks:
        network.module.train()
        with network.forward_pass():
            y = network.module(x)
        y.square().sum().backward()
        results.append([y.detach().numpy(), *(layer.weight.grad.numpy() for layer in network.layers)])
    for one, other in zip(*results, strict=True):
        assert np.array_equal(one, other)
