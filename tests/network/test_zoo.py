"""Every kind of module computes on the crossbar what it computes in software, trains there, and is saved whole."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from held_network import Watched, float_module, multiply_exactly, same
from kinds import Kind, floats
from kinds_layers import CONVOLUTIONS, LINEAR
from kinds_networks import NETWORKS
from kinds_sequences import ATTENTION, RECURRENT
from torch import Tensor

from twinbar.host.network.network import Network

ZOO = [*CONVOLUTIONS, *LINEAR, *RECURRENT, *ATTENTION, *NETWORKS]

every_kind = pytest.mark.parametrize("kind", ZOO, ids=[kind.name for kind in ZOO])
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])

pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True"),
    pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad=True"),
]


def leaves(inputs: tuple[Any, ...]) -> list[Tensor]:
    return [x.requires_grad_() for x in floats(inputs)]


def assert_close(one: Tensor, other: Tensor, dtype: torch.dtype) -> None:
    """Equal but for the rounding of a type, which sums of some dozen terms and a few layers multiply."""
    scale = max(float(other.detach().abs().max()), 1e-3)
    assert float((one - other).detach().abs().max()) <= 200 * torch.finfo(dtype).eps * scale


def gradients_of(loss: Tensor, parameters: list[Tensor]) -> list[Tensor | None]:
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    return [parameter.grad for parameter in parameters]


@both_modes
@every_kind
def test_with_exact_products_it_is_the_module_itself(
    kind: Kind, training: bool, to_crossbar: Callable[..., Network]
) -> None:
    module, inputs = kind.build()
    module.train(training)
    net = to_crossbar(module)
    multiply_exactly(net)
    reference = float_module(module, net, held=False)
    given = leaves(inputs)
    out = kind.call(net, inputs)
    weighting = torch.randn(len(out), dtype=torch.float64)
    gradients = gradients_of(out @ weighting, [*given, *net.parameters()])
    wanted = kind.call(reference, inputs)
    expected = gradients_of(wanted @ weighting, [*given, *reference.parameters()])
    assert_close(out, wanted, kind.dtype)
    largest = max(float(g.abs().max()) for g in expected if g is not None)
    for gradient, other in zip(gradients, expected, strict=True):
        assert (gradient is None) == (other is None)
        if gradient is not None:
            assert float((gradient - other).abs().max()) <= 500 * torch.finfo(kind.dtype).eps * largest


@both_modes
@every_kind
def test_its_products_are_those_of_the_cells(kind: Kind, training: bool, to_crossbar: Callable[..., Network]) -> None:
    module, inputs = kind.build()
    module.train(training)
    net = to_crossbar(module)
    torch.manual_seed(1)
    net.prepare(*inputs, **(kind.keywords or {}))
    reference = float_module(module, net, held=True)
    watched = Watched(net)
    out = kind.call(net, inputs)
    weighting = torch.randn(len(out), dtype=torch.float64)
    found = out @ weighting
    found.backward()
    wanted = kind.call(reference, inputs).detach() @ weighting
    rounding = torch.finfo(kind.dtype).eps * float(out.detach().abs() @ weighting.abs())
    # The bound is of first order.
    assert abs(float(found.detach() - wanted)) <= 2 * watched.largest_change() + 10 * rounding
    assert net.crossbar.not_called == list(kind.uncalled)
    for layer in net.layers:
        assert (layer.matmul.products > 0) == (layer.name not in kind.uncalled)


def step(kind: Kind, net: Network, optimizer: torch.optim.Optimizer, inputs: tuple[Any, ...]) -> Tensor:
    optimizer.zero_grad()
    out = kind.call(net, inputs)
    (out**2).mean().backward()
    optimizer.step()
    return out


def optimizer_of(net: Network) -> torch.optim.Optimizer:
    return net.attach(torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9), steps=10)


def saved(net: Network, make: Callable[[], Network]) -> Network:
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    other = make()
    other.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    return other


COPIES: dict[str, Callable[[Network, Callable[[], Network]], Network]] = {
    "state-dict": saved,
    "deepcopy": lambda net, make: copy.deepcopy(net),
    "pickle": lambda net, make: pickle.loads(pickle.dumps(net)),
}


@every_kind
def test_it_trains_and_goes_on_from_every_copy(kind: Kind, to_crossbar: Callable[..., Network]) -> None:
    module, inputs = kind.build()
    # Noise of the converters: copies must go on with the same random numbers.
    keys = {"array.adc_noise_codes": 0.3, "device.levels": 16, "policy.weight_range": 3.0}
    net = to_crossbar(module, keys=keys)
    optimizer = optimizer_of(net)
    before = [layer.cells.plus.copy() for layer in net.layers]
    step(kind, net, optimizer, inputs)
    assert net.steps == 1
    assert net.cost["initialization"]["weight_updates"] > 0
    layers = net.cost["layers"]
    assert {name for name, figures in layers.items() if not figures["products"]} == set(kind.uncalled)
    assert any((layer.cells.plus != old).any() for layer, old in zip(net.layers, before, strict=True))

    others = {name: copied(net, lambda: to_crossbar(kind.build()[0], keys=keys)) for name, copied in COPIES.items()}
    momentum = copy.deepcopy(optimizer.state_dict())
    out = step(kind, net, optimizer, inputs)
    state = net.state_dict()
    for name, other in others.items():
        resumed = optimizer_of(other)
        resumed.load_state_dict(copy.deepcopy(momentum))
        assert torch.equal(step(kind, other, resumed, inputs), out), name
        equal = same(other.state_dict(), state)
        assert equal, name
