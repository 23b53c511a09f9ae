"""A forward pass whose images go through the layers side by side: numbers, gradients, and what it refuses."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from twinbar.host.network.pipelined_pass import part_sizes, pipelined
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.hw.errors import TwinbarError

BuildNetwork = Callable[..., CrossbarNetwork]
NOISE = {"adc_noise_codes": 0.7, "adc_bits": 8}


def convolutional() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 6), nn.Tanh(), nn.Linear(6, 4)
    )


def images(count: int = 7) -> Tensor:
    return torch.rand(count, 1, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("parts", "ratio"), [(2, 1.0), (3, 1.0), (7, 1.0), (50, 1.0), (3, 3.0)])
def test_numbers_are_those_of_the_parts_one_after_the_other(
    on_crossbar: BuildNetwork, parts: int, ratio: float
) -> None:
    x = images()
    together, alone = (on_crossbar(convolutional(), x, **NOISE) for _ in range(2))
    for network in (together, alone):
        network.module.train()
    with together.forward_pass():
        y = pipelined(together, x, parts, ratio)
    # One image each; the other four by 1, 1/3 and 1/9 of 13/9: 2.8, 0.9 and 0.3.
    sizes = [4, 2, 1] if ratio > 1 else [len(part) for part in torch.tensor_split(x, min(parts, 7))]
    with alone.forward_pass(), torch.no_grad():
        expected = torch.cat([alone.module(part) for part in torch.split(x, sizes)])
    assert torch.equal(y, expected)
    for one, other in zip(together.layers, alone.layers, strict=True):
        # Ranges have followed the parts, and each product was counted once.
        assert one.matmul.range == other.matmul.range
        assert one.matmul.conversions == other.matmul.conversions
    assert not together.not_called


def test_parts_get_smaller_by_a_ratio() -> None:
    # One image each; the other 59 by 1, 1/3, 1/9 ... of 1.4938: 39.5, 13.2, 4.4, 1.5, 0.5. Two are left of 62.
    assert part_sizes(64, 5, 3.0) == [41, 14, 5, 2, 2]
    # By 1, 1/3.3 ... of 1.4311: 41.2, 12.5, 3.8, 1.1, 0.3.
    assert part_sizes(64, 5, 3.3) == [42, 14, 5, 2, 1]
    assert part_sizes(10, 4, 1.0) == [3, 3, 2, 2]
    assert part_sizes(3, 5, 2.0) == [1, 1, 1]
    assert part_sizes(6, 3, 100.0) == [4, 1, 1]
    for images, parts, ratio in ((64, 7, 1.7), (1000, 999, 1.01), (97, 12, 2.0)):
        sizes = part_sizes(images, parts, ratio)
        assert (sum(sizes), len(sizes)) == (images, parts)
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] >= 1


def test_gradients_are_those_of_the_whole_batch(on_crossbar: BuildNetwork) -> None:
    x = images()
    together, alone = (on_crossbar(convolutional(), x, **NOISE) for _ in range(2))
    with together.forward_pass():
        pipelined(together, x, 3).square().sum().backward()
    with alone.forward_pass():
        for part in torch.tensor_split(x, 3):
            alone.module(part).square().sum().backward()
    for one, other in zip(together.layers, alone.layers, strict=True):
        assert torch.allclose(one.weight.grad, other.weight.grad, rtol=1e-4, atol=1e-5)
        assert one.weight.grad.abs().max() > 0


def test_layers_are_side_by_side(on_crossbar: BuildNetwork) -> None:
    x = images(8)
    network = on_crossbar(convolutional(), x)
    programs: list[int] = []
    made = network.session.engine.multiply_together

    def noted(products):  # type: ignore[no-untyped-def]
        programs.append(len(products))
        return made(products)

    network.session.engine.multiply_together = noted  # type: ignore[method-assign]
    with network.forward_pass():
        pipelined(network, x, 4)
    # Three layers; tanh gives activations of both signs, so that the last one multiplies twice, in programs of its own
    # where two parts are in it at once.
    assert sum(programs) == 4 * 4
    assert max(programs) == 3


@pytest.mark.parametrize("part", [nn.BatchNorm1d(6), nn.Dropout(0.5)], ids=["batch normalization", "dropout"])
def test_images_that_depend_on_each_other_are_refused(on_crossbar: BuildNetwork, part: nn.Module) -> None:
    x = torch.rand(8, 5, generator=torch.Generator().manual_seed(2))
    torch.manual_seed(4)
    network = on_crossbar(nn.Sequential(nn.Linear(5, 6), part, nn.Linear(6, 3)), x)
    network.module.train()
    with network.forward_pass(), pytest.raises(TwinbarError, match=r"layer 2 is given other activations .* = 1$"):
        pipelined(network, x, 2)


@pytest.mark.parametrize("place", [0, 2], ids=["before the layers", "behind the layers"])
def test_running_means_that_would_follow_every_part_are_refused(on_crossbar: BuildNetwork, place: int) -> None:
    """Behind the last layer, activations of parts and whole batch are the same; the running means are not."""
    x = torch.rand(8, 5, generator=torch.Generator().manual_seed(2))
    torch.manual_seed(4)
    layers = [nn.Linear(5, 6), nn.Linear(6, 5)]
    layers.insert(place, nn.BatchNorm1d(5))
    network = on_crossbar(nn.Sequential(*layers), x)
    network.module.train()
    sentence = r"the buffer 2\.running_mean changes" if place else r"layer 1 is given other activations"
    with network.forward_pass(), pytest.raises(TwinbarError, match=rf"{sentence} .* = 1$"):
        pipelined(network, x, 2)
    # Evaluation changes no buffer: every image is for itself.
    network.module.eval()
    with network.forward_pass():
        assert pipelined(network, x, 2).shape == (8, 5)


def test_what_a_module_raises_is_raised_and_no_part_goes_on(on_crossbar: BuildNetwork) -> None:
    class Fails(nn.Module):
        fails = False

        def forward(self, x: Tensor) -> Tensor:
            if self.fails:
                raise KeyError("no such thing")
            return x

    x, middle = torch.rand(4, 5), Fails()
    network = on_crossbar(nn.Sequential(nn.Linear(5, 6), nn.ReLU(), middle, nn.Linear(6, 3)), x)
    middle = network.module[2]
    middle.fails = True
    before = threading.active_count()
    with network.forward_pass(), pytest.raises(KeyError, match="no such thing"):
        pipelined(network, x, 4)
    assert threading.active_count() == before
    middle.fails = False
    with network.forward_pass():
        assert pipelined(network, x, 4).shape == (4, 3)
