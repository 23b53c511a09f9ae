"""All that a network is, its cells included, is in its state_dict, its pickle and its copies."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from held_network import same
from torch import Tensor, nn
from torch.optim import SGD

from twinbar.host.network.network import STATE_KEY, Network
from twinbar.host.nn.crossbar_weight import CrossbarWeight
from twinbar.hw.errors import ConfigError

Convert = Callable[..., Network]

NOISY = {"array.adc_noise_codes": 0.5, "device.levels": 16, "policy.weight_range": 3.0}


def mlp(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


class Task(nn.Module):
    """What trainers of other libraries hold: a network among other parts."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.temperature = nn.Parameter(torch.ones(1))
        self.first = net[0] if isinstance(net, nn.Sequential) else net.module[0]

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x) * self.temperature


def train(net: nn.Module, optimizer: torch.optim.Optimizer, steps: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.randn(7, 6, generator=generator)).square().mean().backward()
        optimizer.step()


def through_a_file(state: Any) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=True)


@pytest.mark.parametrize("policy", ["closed-loop", "siamese"])
def test_a_resumed_loop_is_an_uninterrupted_one(policy: str, to_crossbar: Convert) -> None:
    def start(seed: int = 0) -> tuple[Network, SGD]:
        net = to_crossbar(mlp(seed), keys=NOISY, policy=policy)
        return net, SGD(net.parameters(), lr=0.2, momentum=0.9)

    whole, optimizer = start()
    whole.attach(optimizer, steps=6)
    train(whole, optimizer, 3, seed=1)
    saved = through_a_file({"net": whole.state_dict(), "optimizer": optimizer.state_dict()})
    train(whole, optimizer, 3, seed=2)

    second, resumed = start(seed=5)
    second.load_state_dict(saved["net"])
    resumed.load_state_dict(saved["optimizer"])
    second.attach(resumed, steps=6)
    assert second.steps == 3
    train(second, resumed, 3, seed=2)
    equal = same(second.state_dict(), whole.state_dict())
    assert equal
    assert second.cost == whole.cost
    assert second.cost["steps"] == 6
    x = torch.randn(4, 6)
    assert torch.equal(second.eval()(x), whole.eval()(x))


def test_a_parent_saves_and_restores_the_cells(to_crossbar: Convert) -> None:
    task = Task(to_crossbar(mlp(), keys=NOISY))
    optimizer = task.net.attach(SGD(task.parameters(), lr=0.2))
    train(task, optimizer, 2, seed=1)
    assert dict(task.named_parameters()).keys() == dict(Task(mlp()).named_parameters()).keys()
    assert f"net.{STATE_KEY}" in task.state_dict()

    restored = Task(to_crossbar(mlp(seed=3), keys=NOISY))
    restored.load_state_dict(through_a_file(task.state_dict()))
    copied = copy.deepcopy(task)
    unpickled = pickle.loads(pickle.dumps(task))
    x = torch.randn(4, 6)
    task.eval()
    outputs = [other.eval()(x) for other in (task, restored, copied, unpickled)]
    assert all(torch.equal(outputs[0], other) for other in outputs[1:])
    assert copied.first is copied.net.module[0]
    assert copied.net.layers[0].weight is not task.net.layers[0].weight
    assert [other.net.steps for other in (restored, copied, unpickled)] == [2, 2, 2]
    # A parent switches modes, and moves all of its parts.
    assert not restored.net.training
    restored.train()
    assert restored.net.training
    assert restored.net.module.training
    assert restored.double().net.layers[0].weight.dtype == torch.float64


def test_a_plain_checkpoint_of_a_parent_loads(to_crossbar: Convert) -> None:
    task = Task(to_crossbar(mlp()))
    task(torch.randn(4, 6))
    task.load_state_dict(Task(mlp(seed=4)).state_dict())
    x = torch.randn(4, 6)
    with task.net.twin():
        assert torch.equal(task.eval()(x), Task(mlp(seed=4)).eval()(x))
    written = task.net.cost["initialization"]["energy_j"]["write"]
    task(x)
    assert task.net.cost["initialization"]["energy_j"]["write"] > written


def test_the_module_alone_is_saved_as_an_ordinary_one(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    x = torch.randn(4, 6)
    net.eval()(x)
    file = io.BytesIO()
    torch.save(net.module, file)
    for plain in (
        torch.load(io.BytesIO(file.getvalue()), weights_only=False),
        pickle.loads(pickle.dumps(net.module)),
        copy.deepcopy(net.module),
    ):
        with net.twin():
            assert torch.equal(plain(x), net(x))
        products = net.layers[0].matmul.products
        plain(x).sum().backward()
        assert net.layers[0].matmul.products == products
        assert plain[0].weight @ torch.ones(6) is not None
        # It can be put on a crossbar of its own.
        assert to_crossbar(plain).weights == net.weights
    assert type(pickle.loads(pickle.dumps(net.module[0].weight))) is nn.Parameter
    assert isinstance(net.module[0].weight, CrossbarWeight)
    assert net.module.state_dict().keys() == mlp().state_dict().keys()
    mlp().load_state_dict(net.module.state_dict())


def test_a_network_that_was_not_programmed_is_saved_too(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp(), keys=NOISY)
    other = to_crossbar(mlp(seed=2), keys=NOISY)
    other.load_state_dict(through_a_file(net.state_dict()))
    assert not other.programmed
    x = torch.randn(4, 6)
    assert torch.equal(net(x), other(x))
    assert same(net.state_dict(), other.state_dict())


def test_copies_go_their_own_ways(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    train(net, net.attach(SGD(net.parameters(), lr=0.2)), 1, seed=1)
    before = through_a_file(net.state_dict())
    copied = copy.deepcopy(net)
    train(copied, copied.attach(SGD(copied.parameters(), lr=0.2)), 2, seed=2)
    assert copied.steps == 3
    assert same(net.state_dict(), before)


@pytest.mark.parametrize(
    ("module", "choices", "words"),
    [
        (
            lambda: nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)),
            {"levels": 8},
            "levels",
        ),
        (
            mlp,
            {"device": "taox-hfox", "keys": {"device.level_spacing": "noise"}},
            "the levels of the state's layer 0 are spaced otherwise than those of the network; give device.level_",
        ),
        (lambda: mlp()[:1], {}, "the state is of the layers 0, 3, but the network has 0"),
        (mlp, {"policy": "siamese"}, "the update policy ClosedLoop, not by Siamese"),
        (mlp, {"device": "taox-hfox"}, "device.preset = ideal, and this one has taox-hfox; convert with the same"),
        (mlp, {"seed": 7}, "engine.seed = 0, and this one has 7"),
        (mlp, {"keys": {"array.adc_bits": 10}}, "array.adc_bits = 12, and this one has 10"),
        (mlp, {"keys": {"array.read_range": 2.0}}, "array.read_range = 1.15, and this one has 2.0"),
        (mlp, {"keys": {"array.input_bits": 4}}, "array.input_bits = 8, and this one has 4"),
    ],
)
def test_the_state_of_another_network_is_refused(
    module: Callable[[], nn.Module], choices: dict[str, Any], words: str, to_crossbar: Convert
) -> None:
    state = to_crossbar(mlp(), policy="closed-loop").state_dict()
    other = to_crossbar(module(), **({"policy": "closed-loop"} | choices))
    with pytest.raises(ConfigError, match=words):
        other.load_state_dict(state, strict=False)


def test_what_leaves_the_meaning_of_a_state_may_change(to_crossbar: Convert) -> None:
    state = to_crossbar(mlp()).state_dict()
    other = to_crossbar(mlp(), keys={"array.adc_noise_codes": 0.5, "write.tolerance": 0.4, "engine.threads": 1})
    other.load_state_dict(state)


def test_a_damaged_state_is_one_sentence(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    for damaged in ({}, {"version": 99, "tree": {}, "arrays": []}, {"version": 1, "tree": {}, "arrays": [1]}, None, 7):
        state = net.state_dict()
        state[STATE_KEY] = damaged
        if damaged is None:
            # As a plain checkpoint.
            net.load_state_dict(state)
            continue
        with pytest.raises(ConfigError, match=r"the crossbar state (is|lacks)") as error:
            net.load_state_dict(state)
        assert "\n" not in str(error.value)
    net(torch.randn(4, 6))


def test_modes_are_those_of_the_module(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    net.module.eval()
    assert not net.training
    net.training = True
    assert net.module.training
    assert net.eval() is net
    assert not net.module[1].training
    assert net.train().module[1].training


def test_the_float_twin_is_the_module(to_crossbar: Convert) -> None:
    module = mlp()
    net = to_crossbar(module)
    x = torch.randn(4, 6)
    with net.twin() as twin:
        assert torch.equal(net(x), module(x))
        assert twin is net.module
    assert not net.programmed
    with pytest.raises(ZeroDivisionError), net.twin():
        _ = 1 / 0
    net(x)
    assert net.programmed
