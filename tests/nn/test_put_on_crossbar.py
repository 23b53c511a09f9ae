"""A user's own module goes on a crossbar with one call, and stays as it was."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.crossbar_weight import CrossbarWeight
from twinbar.host.nn.networks import he_std, lenet, mlp
from twinbar.host.nn.put_on_crossbar import put_on_crossbar
from twinbar.hw.errors import ConfigError


class Residual(nn.Module):
    """What users have: a nested module with parts that stay digital, and a forward pass of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.body = nn.ModuleDict({"wide": nn.Linear(64, 20), "back": nn.Linear(20, 64, bias=False)})
        self.head = nn.Linear(64, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(1)
        x = x + self.body["back"](torch.relu(self.body["wide"](x)))
        return self.head(x)


@pytest.fixture
def put(make_crossbar: Callable[..., CrossbarConfig]) -> Callable[..., CrossbarNetwork]:
    config = make_crossbar(levels=16)
    return lambda module, **options: put_on_crossbar(module, config, lambda kind, activity: None, **options)


def test_the_layers_of_a_nested_module_keep_their_classes_and_names(put: Callable[..., CrossbarNetwork]) -> None:
    network = put(Residual())
    assert isinstance(network.module, Residual)
    assert isinstance(network.module.stem[0].weight, CrossbarWeight)
    assert type(network.module.stem[1].weight) is nn.Parameter
    assert isinstance(network.module.body["wide"].weight, CrossbarWeight)
    assert network.module.state_dict().keys() == Residual().state_dict().keys()
    assert [layer.matmul.map.name for layer in network.layers] == ["stem.0", "body.wide", "body.back", "head"]
    assert network.weights == 4 * 9 + 64 * 20 + 20 * 64 + 64 * 3
    assert int(network.mapped_cells().sum()) == 2 * network.weights
    assert network.module(torch.rand(2, 1, 4, 4)).shape == (2, 3)


def test_the_module_of_the_user_is_left_as_it_was(put: Callable[..., CrossbarNetwork]) -> None:
    module = Residual()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    kinds = [type(part) for part in module.modules()]
    network = put(module)
    optimizer = torch.optim.SGD(network.module.parameters(), lr=1.0)
    network.module(torch.rand(2, 1, 4, 4)).sum().backward()
    optimizer.step()
    assert [type(part) for part in module.modules()] == kinds
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not torch.equal(network.layers[0].weight, module.stem[0].weight)


def test_the_twin_starts_as_the_module(put: Callable[..., CrossbarNetwork]) -> None:
    module = Residual().eval()
    network = put(module)
    x = torch.rand(2, 1, 4, 4)
    with network.twin(), torch.no_grad():
        assert torch.allclose(network.module.eval()(x), module(x), atol=1e-6)


def test_a_single_layer_is_a_module_too(put: Callable[..., CrossbarNetwork]) -> None:
    network = put(nn.Linear(5, 3))
    assert isinstance(network.module, nn.Linear)
    assert network.layers[0].weight is network.module.weight


def test_a_layer_that_is_used_twice_lies_on_the_crossbar_once(put: Callable[..., CrossbarNetwork]) -> None:
    shared = nn.Linear(6, 6)
    network = put(nn.Sequential(shared, nn.ReLU(), shared))
    assert len(network.layers) == 1
    assert network.module[0].weight is network.module[2].weight is network.layers[0].weight


@pytest.mark.parametrize("module", [nn.Sequential(nn.ReLU(), nn.Flatten()), nn.BatchNorm1d(4), nn.Embedding(3, 4)])
def test_a_module_without_a_layer_for_the_crossbar_is_refused(
    put: Callable[..., CrossbarNetwork], module: nn.Module
) -> None:
    with pytest.raises(ConfigError, match="the module has no layer that could be put on a crossbar: Linear, "):
        put(module)


def test_the_top_level_is_the_weight_range_or_the_largest_weight(put: Callable[..., CrossbarNetwork]) -> None:
    module = nn.Linear(50, 10)
    nn.init.uniform_(module.weight, -0.1, 0.1)
    cells = put(module, weight_range=4.0).layers[0].matmul.cells
    assert cells.weight_per_level * 15 == pytest.approx(4.0 * he_std(50))
    with torch.no_grad():
        module.weight[3, 4] = -7.0
    cells = put(module, weight_range=4.0).layers[0].matmul.cells
    assert cells.weight_per_level * 15 == pytest.approx(7.0)


def test_what_programs_did_goes_to_the_account(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    entries: list[tuple[str, Activity]] = []
    network = put_on_crossbar(nn.Linear(5, 3), make_crossbar(), lambda kind, activity: entries.append((kind, activity)))
    network.module(torch.rand(4, 5))
    other: list[str] = []
    with network.session.account_to(lambda kind, activity: other.append(kind)):
        network.module(torch.rand(4, 5))
    network.module(torch.rand(4, 5))
    assert [kind for kind, _ in entries] == ["forward", "forward"]
    assert all(activity.cycles > 0 for _, activity in entries)
    assert other == ["forward"]


def test_networks_of_the_commands_follow_from_their_seed() -> None:
    first, same, other = (mlp(64, (20, 10), 10, bias=False, seed=seed) for seed in (1, 1, 2))
    weights = [[p.detach() for p in m.parameters()] for m in (first, same, other)]
    assert [tuple(p.shape) for p in weights[0]] == [(20, 64), (10, 20), (10, 10)]
    assert all(torch.equal(a, b) for a, b in zip(weights[0], weights[1], strict=True))
    assert not torch.equal(weights[0][0], weights[2][0])
    assert float(weights[0][0].std()) == pytest.approx(he_std(64), rel=0.1)


def test_lenet_needs_images_of_12_by_12() -> None:
    assert lenet(12, 12, 4, bias=True, seed=0)(torch.rand(2, 1, 12, 12)).shape == (2, 4)
    assert lenet(28, 28, 10, bias=False, seed=0)(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    with pytest.raises(ConfigError, match="images of 8x8 pixels are too small for lenet; use 12x12 or larger"):
        lenet(8, 8, 10, bias=False, seed=0)
