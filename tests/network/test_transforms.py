"""What PyTorch makes of modules beside running them: compiled, replicated, transformed, averaged, checkpointed ones."""

import inspect
from collections.abc import Callable
from operator import methodcaller
from typing import Any

import pytest
import torch
import torch.distributed
from held_network import assert_alike, held_matrix
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim.swa_utils import AveragedModel
from torch.utils.checkpoint import checkpoint

from twinbar.host.network.network import Network
from twinbar.hw.errors import ConfigError, TwinbarError

Convert = Callable[..., Network]


def mlp() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


class Holder(nn.Module):
    """A module that has a network on a crossbar as one of its parts."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.net(x + 1)) * self.scale


@pytest.mark.parametrize(
    "transform",
    [
        lambda net, x: torch.vmap(net)(x[None]),
        lambda net, x: torch.func.jacrev(net)(x),
        lambda net, x: torch.func.grad(lambda z: net(z).sum())(x),
        lambda net, x: torch.vmap(net.module)(x[None]),
    ],
    ids=["vmap", "jacrev", "grad", "vmap-of-module"],
)
def test_function_transforms_are_refused_in_one_sentence(
    transform: Callable[[Network, Tensor], Tensor], to_crossbar: Convert
) -> None:
    net = to_crossbar(mlp())
    x = torch.randn(4, 6)
    with pytest.raises(TwinbarError, match=r"cannot run within torch.func \(vmap, grad, jacrev\)") as error:
        transform(net, x)
    assert "\n" not in str(error.value)
    with net.twin():
        assert torch.isfinite(transform(net, x)).all()


@pytest.mark.parametrize("compiled", ["function", "network", "parent"])
def test_compiled_code_calls_the_crossbar_outside_of_its_graph(compiled: str, to_crossbar: Convert) -> None:
    torch.compiler.reset()
    net = to_crossbar(mlp()).eval()
    x = torch.randn(4, 6)
    plain: Callable[[Tensor], Tensor] = {
        "function": lambda z: torch.relu(net(z + 1)) * 2,
        "network": net,
        "parent": Holder(net).eval(),
    }[compiled]
    wanted = plain(x)
    graphs = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Tensor]:
        graphs.append(graph)
        return graph.forward

    run = torch.compile(plain, backend=backend)
    products = [layer.matmul.products for layer in net.layers]
    assert torch.equal(run(x), wanted)
    assert torch.equal(run(x), wanted)
    assert [layer.matmul.products for layer in net.layers] == [before + 2 for before in products]
    assert len(graphs) == (0 if compiled == "network" else 2)
    run(x).sum().backward()
    assert net.module[0].weight.grad is not None


def test_data_parallel_is_refused(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    for module in (net, Holder(net)):
        with pytest.raises(
            ConfigError, match="DataParallel makes replicas of a network, each of which would own other"
        ):
            # As torch.nn.parallel.replicate does for several devices.
            list(map(methodcaller("_replicate_for_data_parallel"), module.modules()))
    # On a single device it makes none.
    assert DataParallel(net)(torch.randn(2, 6)).shape == (2, 3)


def test_distributed_data_parallel_is_refused(to_crossbar: Convert) -> None:
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        net = to_crossbar(mlp())
        words = "DistributedDataParallel makes replicas of a network, each of which would own other cells"
        with pytest.raises(ConfigError, match=words):
            DistributedDataParallel(net)
        parent = DistributedDataParallel(Holder(net))
        with pytest.raises(ConfigError, match=words):
            parent(torch.randn(2, 6))
        assert not net.programmed
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_trace_is_one_of_the_twin(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp()).eval()
    x, other = torch.rand(4, 6), torch.rand(3, 6)
    net(x)
    with pytest.raises(TwinbarError, match=r"on a crossbar, which torch.jit cannot trace; trace it within net.twin"):
        torch.jit.trace(net, x)
    with net.twin():
        assert torch.equal(torch.jit.trace(net, x)(other), net(other))


def test_attributes_can_be_listed(to_crossbar: Convert) -> None:
    # As notebooks do, which complete names.
    assert {"layers", "cost"} <= {name for name, _ in inspect.getmembers(to_crossbar(mlp()))}


def test_an_averaged_model_owns_its_cells(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    x = torch.randn(4, 6)
    net(x)
    averaged = AveragedModel(net)
    assert isinstance(averaged.module, Network)
    assert averaged.module.layers[0].matmul.session is not net.layers[0].matmul.session
    for _ in range(2):
        optimizer.zero_grad()
        net(x).square().sum().backward()
        optimizer.step()
        averaged.update_parameters(net)
    assert not torch.equal(averaged.module.layers[0].weight, net.layers[0].weight)
    averaged.eval()
    with pytest.warns(UserWarning, match="the weights have moved"):
        averaged(x)
    averaged.module.prepare(x)
    layer = averaged.module.layers[0]
    assert float((held_matrix(layer) - layer.weight.detach()).abs().max()) <= 1.1001 * layer.cells.weight_per_level


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing_charges_what_it_repeats(reentrant: bool, to_crossbar: Convert) -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.body = nn.Linear(6, 6), mlp()

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.body, self.stem(x), use_reentrant=reentrant)

    net = to_crossbar(Checkpointed())
    x = torch.rand(4, 6)
    net(x)
    before = {name: figures["products"] for name, figures in net.cost["layers"].items()}
    loss = net(x).sum()
    once = {name: figures["products"] - before[name] for name, figures in net.cost["layers"].items()}
    loss.backward()
    after = {name: figures["products"] - before[name] for name, figures in net.cost["layers"].items()}
    assert after["stem"] == once["stem"]
    assert after["body.0"] == 2 * once["body.0"]
    assert net.module.body[0].weight.grad is not None
    gradients = torch.autograd.grad(net(x).sum(), [net.module.stem.bias]) if not reentrant else ()
    assert all(bool(gradient.any()) for gradient in gradients)


def test_casting_a_network_keeps_it_on_its_crossbar(to_crossbar: Convert) -> None:
    module = mlp()
    net = to_crossbar(module)
    x = torch.randn(4, 6)
    for dtype in (torch.float64, torch.bfloat16, torch.float16, torch.float32):
        net.to(dtype)
        products = net.layers[0].matmul.products
        y = net(x.to(dtype))
        assert y.dtype == dtype
        assert net.layers[0].matmul.products == products + 1
        assert_alike(y.float(), module(x))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_it_is_the_same(mode: Callable[[], Any], to_crossbar: Convert) -> None:
    net, other = (to_crossbar(mlp()).eval() for _ in range(2))
    x = torch.randn(4, 6)
    with mode():
        y = net(x)
    assert torch.equal(y, other(x))
    # What was programmed without gradients trains like any other.
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    net.train()(x).sum().backward()
    optimizer.step()
    assert net.steps == 1


def test_double_backward_through_the_inputs(to_crossbar: Convert) -> None:
    # As in a physics-informed loss: the derivative with respect to the input is that of the twin.
    module = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    net = to_crossbar(module)
    x = torch.randn(5, 2, requires_grad=True)
    found = []
    for one in (net, module):
        (slope,) = torch.autograd.grad(one(x).sum(), x, create_graph=True)
        slope.square().sum().backward()
        found.append((slope.detach(), one[0].weight.grad if one is module else one.module[0].weight.grad))
    assert_alike(found[0][0], found[1][0])
    assert_alike(found[0][1], found[1][1])
