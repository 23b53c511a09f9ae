"""A twin of few bits in training: what is stored, what resumes, what is refused."""

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.network.network import Network
from twinbar.host.update.policies.siamese import Siamese, SiameseSettings
from twinbar.host.update.policy import Decision, UpdatePolicy
from twinbar.hw.errors import ConfigError

Convert = Callable[..., Network]
RESIDUAL = {"twin.kind": "residual"}


def mlp() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def backward(net: nn.Module, seed: int = 1) -> None:
    torch.manual_seed(seed)
    net(torch.randn(4, 6)).square().sum().backward()


def train(net: Network, optimizer: Optimizer, steps: int, first: int = 0) -> None:
    for seed in range(first, first + steps):
        optimizer.zero_grad()
        backward(net, seed)
        optimizer.step()


def residuals(net: Network) -> list[np.ndarray]:
    """Distance of each weight from the level of its cells, in 64ths of a level."""
    found = []
    for layer in net.layers:
        held = layer.cells.plus.astype(int) - layer.cells.minus
        found.append(64 * (layer.matrix.astype(np.float64) / layer.cells.weight_per_level - held))
    return found


# --- what is stored -------------------------------------------------------------------------------------------------


def test_weights_and_momentum_are_what_the_bits_can_say(on_crossbar: Convert) -> None:
    net = on_crossbar(mlp(), twin_kind="residual")
    optimizer = net.attach(SGD(net.parameters(), lr=0.02, momentum=0.9), steps=20)
    train(net, optimizer, 5)
    assert net.cost["weight_updates"] > 0
    for layer, steps in zip(net.layers, residuals(net), strict=True):
        assert np.abs(steps - np.round(steps)).max() < 1e-3
        assert steps.min() >= -128.001
        assert steps.max() <= 127.001
        momentum = optimizer.state[layer.weight]["momentum_buffer"].numpy()
        units = momentum / 2.0 ** np.floor(np.log2(np.abs(momentum).max()) - 6)
        assert np.array_equal(units, np.round(units))
    # Biases are on no crossbar.
    bias = net.module[0].bias.detach().numpy() / net.layers[0].cells.weight_per_level * 64
    assert np.abs(bias - np.round(bias)).max() > 1e-2


def test_the_twin_is_settled_when_it_is_programmed_and_when_weights_are_loaded(on_crossbar: Convert) -> None:
    net = on_crossbar(mlp(), twin_kind="residual")
    net.prepare(torch.randn(4, 6))
    assert all(np.abs(steps - np.round(steps)).max() < 1e-3 for steps in residuals(net))
    torch.manual_seed(9)
    net.module.load_state_dict({name: torch.randn_like(value) for name, value in net.module.state_dict().items()})
    net(torch.randn(4, 6))
    assert all(np.abs(steps - np.round(steps)).max() < 1e-3 for steps in residuals(net))
    assert all(np.abs(steps).max() <= 33 for steps in residuals(net))


def test_steps_before_the_first_programming_are_those_of_the_module(on_crossbar: Convert) -> None:
    net, plain = on_crossbar(mlp(), twin_kind="residual"), mlp()
    for module in (net, plain):
        optimizer = SGD(module.parameters(), lr=0.1, weight_decay=0.1)
        if module is net:
            net.attach(optimizer)
        for parameter in module.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
    assert not net.programmed
    for mine, other in zip(net.parameters(), plain.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_with_sixteen_bits_it_goes_where_float32_goes(on_crossbar: Convert) -> None:
    fine, exact = (
        on_crossbar(mlp(), **keys)
        for keys in ({"twin_kind": "residual", "twin_bits": 16, "twin_momentum_bits": 16}, {})
    )
    for net in (fine, exact):
        train(net, net.attach(SGD(net.parameters(), lr=0.02, momentum=0.9), steps=20), 5)
    for mine, other in zip(fine.layers, exact.layers, strict=True):
        level = other.cells.weight_per_level
        assert np.abs(mine.matrix - other.matrix).max() < 0.01 * level


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad"])
def test_every_state_of_a_supported_optimizer_is_stored(on_crossbar: Convert, optimizer: str) -> None:
    options: dict[str, Any] = {
        "SGD": {"momentum": 0.9, "nesterov": True},
        "Adam": {"amsgrad": True},
        "RMSprop": {"momentum": 0.5, "centered": True},
    }.get(optimizer, {})
    net = on_crossbar(mlp(), twin_kind="residual")
    made = net.attach(getattr(torch.optim, optimizer)(net.parameters(), lr=0.01, **options))
    train(net, made, 3)
    for layer in net.layers:
        for name, value in made.state[layer.weight].items():
            if value.shape == layer.weight.shape:
                assert len(np.unique(value.numpy())) <= 256, name
                assert bool(value.isfinite().all())
    like = sum(value.shape == net.layers[0].weight.shape for value in made.state[net.layers[0].weight].values())
    assert net.cost["twin"]["bits"]["state"]["read"] == 3 * like * 72 * 8


# --- training -------------------------------------------------------------------------------------------------------

POLICIES: dict[str, dict[str, Any]] = {
    "siamese": {},
    "siamese, forgets": {"policy.compensation": "none"},
    "siamese, read-back": {"policy.compensation": "read-back"},
    "siamese, every third step": {"policy.write_every": 3},
    "closed-loop": {"policy.name": "closed-loop"},
    "closed-loop-analog": {"policy.name": "closed-loop-analog"},
}
TWINS: dict[str, dict[str, Any]] = {
    "8 bits": {},
    "12 bits over 4 levels": {"twin.bits": 12, "twin.range_levels": 4, "twin.momentum_bits": 12},
    "words of 8 bits, gradients stored": {"twin.word_bits": 8, "twin.gradient": "stored"},
}


@pytest.mark.parametrize(
    ("policy", "twin"),
    list(itertools.product(POLICIES, TWINS)),
    ids=lambda name: name if isinstance(name, str) else None,
)
def test_every_policy_learns_with_every_twin(train_run: Callable[..., Any], policy: str, twin: str) -> None:
    run = train_run(RESIDUAL | POLICIES[policy] | TWINS[twin])
    assert run.report["epochs"][-1]["test_accuracy"] > 0.5
    totals = run.report["totals"]
    # What float32 reads and writes of weight and momentum is 128 bits.
    each = totals["twin"]["bits_per_weight_and_step"]
    assert 8 < each["weight"] + each["state"] < 64
    assert totals["failed_writes"] < totals["cell_writes"]


def test_how_accesses_are_counted_decides_no_result(train_run: Callable[..., Any]) -> None:
    def result(changes: dict[str, Any]) -> Any:
        report = train_run(RESIDUAL | changes).report
        return [
            (epoch["train_loss"], epoch["test_accuracy"], epoch["pulses"], epoch["cycles"])
            for epoch in report["epochs"]
        ]

    others = [{"twin.word_bits": 8}, {"twin.skip_unchanged": False}, {"twin.gradient": "stored"}]
    assert all(result(changes) == result({}) for changes in others)
    assert result({"twin.rounding": "nearest"}) != result({})
    assert result({"twin.bits": 9}) != result({})


def test_it_learns_as_well_as_float32(train_run: Callable[..., Any]) -> None:
    changes = {"data.limit": None, "model.hidden": (64,), "training.epochs": 6}
    few, exact = (train_run(changes | twin).report["epochs"][-1]["test_accuracy"] for twin in (RESIDUAL, {}))
    assert exact > 0.9
    assert few > exact - 0.02


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.01), ("rmsprop", 0.003)])
def test_it_learns_with_second_moments(train_run: Callable[..., Any], optimizer: str, lr: float) -> None:
    run = train_run(RESIDUAL | {"training.optimizer": optimizer, "training.lr": lr})
    assert run.report["epochs"][-1]["test_accuracy"] > 0.5


# --- the state ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.02, 0.9), lambda p: Adam(p, 0.01)], ids=["sgd", "adam"])
def test_a_state_that_is_loaded_goes_on_as_if_nothing_had_happened(
    on_crossbar: Convert, make: Callable[..., Optimizer], tmp_path: Path
) -> None:
    net = on_crossbar(mlp(), twin_kind="residual")
    optimizer = net.attach(make(net.parameters()), steps=8)
    train(net, optimizer, 3)
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state.pt")
    train(net, optimizer, 3, first=3)

    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    other = on_crossbar(mlp(), twin_kind="residual")
    other.load_state_dict(saved["net"])
    resumed = other.attach(make(other.parameters()), steps=8)
    resumed.load_state_dict(saved["optimizer"])
    train(other, resumed, 3, first=3)
    for mine, theirs in zip(other.parameters(), net.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert other.cost == net.cost


def test_a_step_that_was_given_up_is_not_counted(on_crossbar: Convert) -> None:
    net, other = on_crossbar(mlp(), twin_kind="residual"), on_crossbar(mlp(), twin_kind="residual")
    for each in (net, other):
        each.prepare(torch.ones(1, 6))
    state = copy.deepcopy(net.state_dict())
    backward(net)
    net.load_state_dict(state)
    for each in (net, other):
        train(each, each.attach(SGD(each.parameters(), lr=0.02)), 1)
    assert net.cost["twin"]["bits"]["backward"] == other.cost["twin"]["bits"]["backward"]
    assert net.cost["twin"]["bits"]["gradient"] == other.cost["twin"]["bits"]["gradient"]


def test_the_state_of_another_twin_is_refused(on_crossbar: Convert) -> None:
    state = on_crossbar(mlp()).state_dict()
    net = on_crossbar(mlp(), twin_kind="residual")
    with pytest.raises(ConfigError, match="holds no residuals of these layers"):
        net.load_state_dict(copy.deepcopy(state))


# --- what is refused ------------------------------------------------------------------------------------------------


class Undecided(UpdatePolicy[Any]):
    """A policy that does not say how far the twin may be from the cells."""

    def decide(self, weights: np.ndarray, cells: Any, progress: float) -> Decision:
        return Decision.nothing()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"twin.bits": 3}, "twin.bits is 3; it must be a whole number from 4 to 16"),
        ({"twin.bits": 17}, "twin.bits is 17; it must be a whole number from 4 to 16"),
        ({"twin.momentum_bits": 4}, "twin.momentum_bits is 4; it must be a whole number from 8 to 16"),
        ({"twin.range_levels": 3}, "twin.range_levels is 3; it must be 1, 2, 4 or 8"),
        ({"twin.word_bits": 24}, "twin.word_bits is 24; it must be 8, 16, 32 or 64"),
        ({"twin.kind": "int8"}, 'twin.kind is "int8"; it must be one of float32, residual'),
        ({"twin.bits": 4, "twin.range_levels": 8}, "a residual would have steps of 1 levels"),
        (RESIDUAL | {"twin.range_levels": 1}, r"policy siamese lets the twin be 1\.75 levels away"),
        (
            RESIDUAL | {"policy.threshold": 2.0},
            r"twin\.range_levels is 2, but policy siamese lets the twin be 2 levels",
        ),
        (
            RESIDUAL | {"device.level_spacing": "noise"},
            "steps are parts of an even level spacing, and device.level_spacing is not uniform; leave it out, or use",
        ),
        (RESIDUAL | {"policy.twin_bound": None}, "lets the twin be any distance away"),
        (RESIDUAL | {"policy.name": "float"}, "the policy float has no crossbar"),
        (RESIDUAL | {"policy.name": f"{__name__}:Undecided"}, r"needs the float weight.*\(twin_distance\)"),
        (RESIDUAL | {"training.optimizer": "rprop"}, "no format of few bits for the state of rprop; use SGD, Adam, "),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_when_the_configuration_is_made(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ExperimentConfig().merge(changes)


def test_a_wider_range_serves_a_wider_bound() -> None:
    wide = RESIDUAL | {"twin.range_levels": 4, "policy.twin_bound": 3.0}
    assert ExperimentConfig().merge(wide).twin.steps_per_level == 32


def test_a_comparison_is_refused_for_any_of_its_policies() -> None:
    CompareConfig().merge(RESIDUAL)
    with pytest.raises(ConfigError, match="the policy float has no crossbar"):
        CompareConfig().merge(RESIDUAL | {"policies": ("siamese", "float")})


def test_what_only_a_network_of_ones_own_can_ask_for_is_refused_too(on_crossbar: Convert) -> None:
    from twinbar.host.network.convert import convert

    config = ExperimentConfig().merge(RESIDUAL)
    with pytest.raises(ConfigError, match=r"policy Siamese lets the twin be 3 levels away"):
        convert(mlp(), config=config, policy=Siamese(SiameseSettings(twin_bound=3.0)))
    with pytest.raises(ConfigError, match="layer 0 has weights of bfloat16; use float32"):
        on_crossbar(mlp().bfloat16(), twin_kind="residual")
    net = on_crossbar(mlp(), twin_kind="residual")
    with pytest.raises(ConfigError, match="no format of few bits for the state of Rprop"):
        net.attach(torch.optim.Rprop(net.parameters()))

    class Own(Optimizer):
        pass

    with pytest.raises(ConfigError, match="no format of few bits for the state of Own"):
        net.attach(Own(net.parameters(), {}))
    with pytest.raises(ConfigError, match=r"net\.step\(\) knows no optimizer"):
        net.step()
