"""After every step of an attached optimizer, the cells that must change are written; no other step counts."""

import copy
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch
from held_network import same
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from twinbar.host.network.network import Network
from twinbar.hw.errors import ConfigError, TwinbarError

Convert = Callable[..., Network]


def mlp() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def backward(net: nn.Module, scale: Callable[[torch.Tensor], torch.Tensor] = lambda loss: loss) -> None:
    torch.manual_seed(1)
    scale(net(torch.randn(4, 6)).square().sum()).backward()


def writes(net: Network) -> list[int]:
    return [figures["cell_writes"] for figures in net.cost["layers"].values()]


def test_it_is_the_same_optimizer_and_twice_is_once(to_crossbar: Convert) -> None:
    once, twice = (to_crossbar(mlp(), policy="closed-loop") for _ in range(2))
    for net, times in ((once, 1), (twice, 2)):
        optimizer = SGD(net.parameters(), lr=0.1)
        for _ in range(times):
            assert net.attach(optimizer, steps=10) is optimizer
        backward(net)
        optimizer.step()
        assert net.steps == 1
        assert net.cost["steps"] == 1
        # Both cells of 48 and of 24 weights.
        assert writes(net) == [96, 48]
    assert same(once.state_dict(), twice.state_dict())


def test_several_optimizers_decide_for_their_own_layers(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp(), policy="closed-loop")
    first = net.attach(SGD(net.module[0].parameters(), lr=0.1))
    second = net.attach(Adam(net.module[2].parameters(), lr=0.1))
    backward(net)
    first.step()
    assert writes(net) == [96, 0]
    second.step()
    assert writes(net) == [96, 48]
    # A group that is added later is stepped too.
    first.add_param_group({"params": net.module[2].parameters()})
    backward(net)
    first.step()
    assert writes(net) == [192, 96]


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_that_the_scaler_skips_counts_as_none(fused: bool, to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    optimizer = net.attach(Adam(net.parameters(), lr=0.1, fused=fused))
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    backward(net, lambda loss: scaler.scale(loss) * float("inf"))
    scaler.step(optimizer)
    scaler.update()
    assert net.steps == 0
    assert net.cost["steps"] == 0
    assert writes(net) == [0, 0]
    assert all(torch.equal(parameter, old) for parameter, old in zip(net.parameters(), before, strict=True))
    optimizer.zero_grad()
    backward(net, scaler.scale)
    scaler.step(optimizer)
    scaler.update()
    assert net.steps == 1
    assert sum(writes(net)) > 0


def test_closures_and_fused_optimizers_work(to_crossbar: Convert) -> None:
    for make in (lambda p: SGD(p, lr=0.1, fused=True), lambda p: torch.optim.AdamW(p, lr=0.1, foreach=True)):
        net = to_crossbar(mlp())
        optimizer: Optimizer = net.attach(make(net.parameters()))

        def closure(net: Network = net, optimizer: Optimizer = optimizer) -> float:
            optimizer.zero_grad()
            loss = net(torch.ones(4, 6)).square().sum()
            loss.backward()
            return float(loss.detach())

        assert optimizer.step(closure) > 0
        assert net.steps == 1
        assert sum(writes(net)) > 0


@pytest.mark.parametrize(
    ("make", "states"),
    [
        (lambda p: SGD(p, lr=0.1), 0),
        (lambda p: SGD(p, lr=0.1, momentum=0.9), 1),
        (lambda p: Adam(p, lr=0.1), 2),  # Its count of steps is no word of a weight.
    ],
)
def test_a_step_reads_and_writes_the_twin_and_the_state_of_the_optimizer(
    make: Callable[[Iterable[torch.Tensor]], Optimizer], states: int, to_crossbar: Convert
) -> None:
    net = to_crossbar(mlp())
    optimizer = net.attach(make(net.parameters()))
    for steps in (1, 2):
        backward(net)
        optimizer.step()
        bits = net.cost["twin"]["bits"]
        # 6 x 8 + 8 x 3 = 72 weights on the crossbar, 8 + 3 = 11 biases beside it, of 32 bits each.
        word, weights, biases = 32 * steps, 72, 11
        assert bits["weight"] == {"read": weights * word, "written": weights * word}
        assert bits["state"] == {"read": weights * states * word, "written": weights * states * word}
        assert bits["gradient"] == {"read": weights * word, "written": weights * word}
        # Only the second layer passes a gradient on to its inputs, by its 24 weights.
        assert bits["backward"] == {"read": 24 * word, "written": 0}
        # A bias, its states and its gradient.
        assert bits["digital"] == {"read": biases * (2 + states) * word, "written": biases * (2 + states) * word}
        assert net.cost["actions"]["twin_access"] == -(-sum(sum(each.values()) for each in bits.values()) // 32)


def test_the_schedule_runs_over_the_steps(to_crossbar: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    for steps in (4, None):
        net = to_crossbar(mlp(), policy="closed-loop")
        optimizer = net.attach(SGD(net.parameters(), lr=0.1), steps=steps)
        decide = net.policy.decide
        monkeypatch.setattr(
            net.policy,
            "decide",
            lambda weights, cells, progress, decide=decide: (seen.append(progress), decide(weights, cells, progress))[
                1
            ],
        )
        for _ in range(6):
            backward(net)
            optimizer.step()
    # Two layers each; nothing is beyond the end.
    assert seen == [n / 4 for n in (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4)] + [0.0] * 12


@pytest.mark.parametrize("steps", [0, -3, 2.5])
def test_steps_must_be_a_number_of_them(steps: float, to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    with pytest.raises(ConfigError, match="it must be the number of optimizer steps of the training"):
        net.attach(SGD(net.parameters(), lr=0.1), steps=steps)


def test_a_number_of_numpy_counts_steps(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    net.attach(SGD(net.parameters(), lr=0.1), steps=np.int64(3))


@pytest.mark.parametrize("optimizers", [1, 2])
def test_elimination_counts_the_weights_that_steps_train(optimizers: int, to_crossbar: Convert) -> None:
    module = mlp()
    net = to_crossbar(module, policy="closed-loop")
    parts = [net.parameters()] if optimizers == 1 else [net.module[0].parameters(), net.module[2].parameters()]
    attached = [net.attach(SGD(part, lr=0.01)) for part in parts]
    for _ in range(3):
        backward(net)
        for optimizer in attached:
            optimizer.step()
    cost = net.cost
    assert cost["steps"] == 3 * optimizers
    # Each of 72 weights is trained three times, whoever does it; with two optimizers each step leaves the other part.
    assert cost.get("untrained_weight_steps", 0) == (0 if optimizers == 1 else 3 * 72)
    assert cost["update_elimination"] == 1 - cost["weight_updates"] / (3 * 72)
    assert cost["write_elimination"] == 1 - cost["cell_writes"] / (2 * 3 * 72)
    bits = cost["twin"]["bits"]["weight"]
    assert cost["twin"]["bits_per_weight_and_step"]["weight"] == (bits["read"] + bits["written"]) / (3 * 72) == 64


def test_weights_that_are_not_finite_end_the_training(to_crossbar: Convert) -> None:
    net = to_crossbar(nn.Sequential(nn.Linear(6, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False)))
    optimizer = net.attach(SGD(net.parameters(), lr=0.1))
    (net(torch.ones(4, 6)).sum() * float("nan")).backward()
    with pytest.raises(TwinbarError, match="the weights of layer 0 are not finite after step 1, because a gradient"):
        optimizer.step()
    with pytest.raises(TwinbarError, match="the weights of layer 0 are not finite"):
        net.end_epoch()


def test_optimizers_that_cannot_train_a_crossbar_are_refused(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    with pytest.raises(ConfigError, match="LBFGS evaluates the loss several times per step"):
        net.attach(torch.optim.LBFGS(net.parameters()))
    for parameters in (mlp().parameters(), [net.module[0].bias], net.layers[0].weight.detach().clone()[None]):
        with pytest.raises(ConfigError, match=r"has no weight of this network; make it from net.parameters\(\)"):
            net.attach(SGD(list(parameters), lr=0.1))
    with pytest.raises(ConfigError, match=r"object has no register_step_post_hook; call net.step\(\)"):
        net.attach(object())


def test_steps_by_hand(to_crossbar: Convert, recwarn: pytest.WarningsRecorder) -> None:
    by_hand, attached = (to_crossbar(mlp()) for _ in range(2))
    for net in (by_hand, attached):
        optimizer = SGD(net.parameters(), lr=0.3)
        if net is attached:
            net.attach(optimizer)
        for _ in range(3):
            optimizer.zero_grad()
            backward(net)
            optimizer.step()
            if net is by_hand:
                net.step()
    assert by_hand.steps == attached.steps == 3
    assert by_hand.cost["weight_updates"] == attached.cost["weight_updates"] > 0
    assert torch.equal(by_hand.eval()(torch.ones(2, 6)), attached.eval()(torch.ones(2, 6)))
    assert not [warning for warning in recwarn if "moved" in str(warning.message)]


def test_gradients_are_accumulated_over_several_passes(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    optimizer = net.attach(SGD(net.parameters(), lr=0.1))
    for _ in range(2):
        backward(net)
    assert net.steps == 0
    optimizer.step()
    assert net.steps == 1


def test_copies_and_loaded_optimizers_are_attached_again(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    optimizer = net.attach(SGD(net.parameters(), lr=0.1, momentum=0.9))
    backward(net)
    optimizer.step()
    copied, its_optimizer = copy.deepcopy((net, optimizer))
    parameters = {id(parameter) for parameter in copied.parameters()}
    assert {id(parameter) for group in its_optimizer.param_groups for parameter in group["params"]} == parameters
    backward(copied)
    its_optimizer.step()
    assert copied.steps == 1
    copied.attach(its_optimizer)
    its_optimizer.step()
    assert copied.steps == 2
    assert net.steps == 1


def test_the_twin_is_not_written_between_forward_and_backward(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    x = torch.randn(4, 6)
    loss = net(x).sum()
    before = [layer.weight.detach().clone() for layer in net.layers]
    net.eval()(x)
    net.train()(x)
    assert all(torch.equal(layer.weight, old) for layer, old in zip(net.layers, before, strict=True))
    loss.backward()
