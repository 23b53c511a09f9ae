"""A weight on the crossbar that is read without a product is an error that names its layer, in either mode."""

from collections.abc import Callable

import pytest
import torch
from held_network import assert_alike
from torch import Tensor, nn
from torch.nn import functional as F

from twinbar.host.network.network import Network
from twinbar.hw.errors import TwinbarError

Convert = Callable[..., Network]


class Parent(nn.Module):
    """A module that uses the weights of its parts in a way of its own."""

    def __init__(self, use: Callable[["Parent", Tensor], Tensor]) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.conv = nn.Conv2d(4, 4, 1)
        self.attention = nn.MultiheadAttention(4, 2)
        self.use = use

    def forward(self, x: Tensor) -> Tensor:
        return self.use(self, x)


READS: dict[str, tuple[str, Callable[[Parent, Tensor], Tensor]]] = {
    "transpose": ("fc", lambda m, x: x @ m.fc.weight.t()),
    "T": ("fc", lambda m, x: x @ m.fc.weight.T),
    "data": ("fc", lambda m, x: F.linear(x, m.fc.weight.data)),
    "detach": ("fc", lambda m, x: F.linear(x, m.fc.weight.detach())),
    "scaled": ("fc", lambda m, x: F.linear(x, m.fc.weight * 0.5)),
    "einsum": ("fc", lambda m, x: torch.einsum("bi,oi->bo", x, m.fc.weight)),
    "embedding": ("fc", lambda m, x: F.embedding(torch.tensor([0, 2]), m.fc.weight)),
    "row": ("fc", lambda m, x: x + m.fc.weight[0]),
    "norm": ("fc", lambda m, x: x / m.fc.weight.norm()),
    "numpy": ("fc", lambda m, x: x + float(m.fc.weight.detach().numpy().sum())),
    "item": ("fc", lambda m, x: x * m.fc.weight.sum().item()),
    "chunk": ("attention.in_proj_weight", lambda m, x: F.linear(x, m.attention.in_proj_weight.chunk(3)[0])),
    "stacked": ("fc", lambda m, x: F.linear(x, torch.cat([m.fc.weight, m.fc.weight]))),
    "converted": ("fc", lambda m, x: F.linear(x, m.fc.weight.to(torch.float32))),
    "vector": ("fc", lambda m, x: x @ nn.utils.parameters_to_vector([m.fc.weight]).view(4, 4)),
}


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("how", READS)
def test_reading_is_refused_by_name(how: str, training: bool, to_crossbar: Convert) -> None:
    layer, use = READS[how]
    net = to_crossbar(Parent(use)).train(training)
    x = torch.randn(3, 4)
    words = rf"the weights of layer {layer} were read \(.*exclude=\['{layer}'\]"
    # Called as a whole, or the module by itself.
    for run in (net, net.module):
        with pytest.raises(TwinbarError, match=words) as error:
            run(x)
        assert "\n" not in str(error.value)
    # The sentence says the way out.
    module = Parent(use)
    assert torch.allclose(to_crossbar(module, exclude=layer)(x), module(x))


@pytest.mark.parametrize("how", READS)
def test_the_float_twin_may_be_read(how: str, to_crossbar: Convert) -> None:
    module = Parent(READS[how][1])
    net = to_crossbar(module)
    x = torch.randn(3, 4)
    with net.twin():
        assert torch.equal(net(x), module(x))


def test_another_kind_of_product_is_refused(to_crossbar: Convert) -> None:
    uses: list[tuple[str, Callable[[Parent, Tensor], Tensor]]] = [
        ("conv", lambda m, x: F.conv_transpose2d(x.view(3, 4, 1, 1), m.conv.weight)),
        ("conv", lambda m, x: F.conv2d(x[:, :1].view(3, 1, 1, 1).expand(3, 16, 1, 1), m.conv.weight, groups=4)),
        ("conv", lambda m, x: F.linear(x, m.conv.weight)),
    ]
    for layer, use in uses:
        with pytest.raises(
            TwinbarError, match=f"the weights of layer {layer} were multiplied by as another kind of layer"
        ):
            to_crossbar(Parent(use))(torch.randn(3, 4))


def test_a_replaced_weight_is_refused(to_crossbar: Convert) -> None:
    net = to_crossbar(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)))
    x = torch.randn(2, 4)
    parameters = {name: value.detach().clone() for name, value in net.named_parameters()}
    with pytest.raises(TwinbarError, match="the weight of layer 0 was replaced by another one"):
        torch.func.functional_call(net, parameters, (x,))
    assert net(x).shape == (2, 2)
    net.module[1].weight = nn.Parameter(torch.ones(2, 3))
    with pytest.raises(TwinbarError, match="the weight of layer 1 was replaced by another one"):
        net(x)


def test_what_does_not_read_a_weight_is_allowed(to_crossbar: Convert) -> None:
    def use(m: Parent, x: Tensor) -> Tensor:
        w = m.fc.weight
        assert w.shape == (4, 4)
        assert w.size(0) == len(w) == w.new_zeros(4).numel()
        assert w.requires_grad
        assert w.is_leaf
        like = torch.zeros_like(w) + w.new_ones(1) + torch.empty(1, dtype=w.dtype, device=w.device).fill_(0)
        return m.fc(x.to(w).type_as(w)) + like[0] - 1

    module = Parent(use)
    net = to_crossbar(module)
    x = torch.randn(3, 4)
    assert_alike(net(x), module(x))


def test_a_loss_may_read_weights(to_crossbar: Convert) -> None:
    class Penalized(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, y: Tensor) -> Tensor:
            return y.square().sum() + self.net.fc.weight.square().sum()

    net = to_crossbar(Parent(lambda m, x: m.fc(x)))
    Penalized(net)(net(torch.randn(3, 4))).backward()
    assert net.fc.weight.grad is not None


def test_weights_may_be_read_outside_of_a_forward_pass(to_crossbar: Convert) -> None:
    net = to_crossbar(nn.Linear(4, 3))
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    loss = net(torch.randn(2, 4)).square().sum() + 0.1 * net.weight.square().sum()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    assert nn.utils.parameters_to_vector(net.parameters()).shape == (15,)
    assert torch.equal(net.weight.detach().t(), net.module.weight.data.T)


def test_a_gradient_without_a_product_is_an_error(to_crossbar: Convert) -> None:
    net = to_crossbar(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)))
    x = torch.randn(2, 4)
    net(x).sum().backward()
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    optimizer.step()
    optimizer.zero_grad()
    with net.twin():
        net(x).sum().backward()
    with pytest.raises(
        TwinbarError, match=r"layer 0 received a gradient, but its cells were not multiplied by .*exclude=\['0'\]"
    ):
        optimizer.step()


def test_a_layer_that_is_not_called_is_listed(to_crossbar: Convert) -> None:
    net = to_crossbar(Parent(lambda m, x: m.fc(x)))
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    net(torch.randn(2, 4)).sum().backward()
    optimizer.step()
    assert net.crossbar.not_called == ["conv", "attention.in_proj_weight", "attention.out_proj"]
    assert net.summary().count("not called in the last forward pass") == 3
    net.conv(torch.randn(1, 4, 2, 2))
    assert net.layers[1].matmul.products > 0
