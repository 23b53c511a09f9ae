"""What a network on a crossbar is compared with: exact products, and the bounds of those on the crossbar."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from crossbar_weights import error_bound
from torch import Tensor, nn
from torch.nn import functional as F

from twinbar.host.network.network import STATE_KEY, Network
from twinbar.host.nn.crossbar_matmul import CrossbarMatmul
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.nn.patches import Patches


def assert_alike(one: Tensor, other: Tensor) -> None:
    """That one output is the other one, but for rounded weights.

    PyTorch draws weights of 0.41 standard deviations of a He initialization; one of 127 levels is 8/127 of these, and a
    pair may be off by half a level and twice a window of 0.3: a sixth of a weight at most, and 4 % on the average.
    """
    assert float((one - other).detach().abs().max()) <= 0.2 * float(other.detach().abs().max())


def multiply_groups(x: Tensor, weights: Tensor, groups: int) -> Tensor:
    """Multiply [batch, groups * inputs] by the matrices [groups * outputs, inputs] of all groups, exactly."""
    parts = zip(x.double().chunk(groups, 1), weights.double().chunk(groups), strict=True)
    return torch.cat([own @ matrix.t() for own, matrix in parts], dim=1)


def vectors_of(x: Tensor, patches: Patches | None) -> Tensor:
    """The input vectors of a product: the patches of a convolution's input, channel by channel, cut by PyTorch."""
    if patches is None:
        return x
    dimensions = len(patches.kernel)
    windows = F.pad(x, [size for size in reversed(patches.padding) for _ in range(2)])
    for n, (kernel, stride, dilation) in enumerate(zip(patches.kernel, patches.stride, patches.dilation, strict=True)):
        windows = windows.unfold(2 + n, dilation * (kernel - 1) + 1, stride)[..., ::dilation]
    places, within = range(2, 2 + dimensions), range(2 + dimensions, 2 + 2 * dimensions)
    return windows.permute(0, *places, 1, *within).flatten(1 + dimensions).flatten(0, dimensions)


def multiply_exactly(net: Network) -> None:
    """Let the layers of a network multiply by the twin's weights, without a crossbar."""
    for layer in net.layers:

        class Exact(CrossbarMatmul):
            matrix = torch.from_numpy(layer.matrix.copy())

            def __call__(self, x: Tensor, block: int = 0, patches: Patches | None = None) -> tuple[Tensor, Tensor]:
                self.products += 1
                part = self.map.blocks[block]
                rows = vectors_of(x, patches)
                return multiply_groups(rows, self.matrix[part.outputs], part.groups).to(torch.float32), x

        layer.matmul.__class__ = Exact


def held_matrix(layer: MappedLayer) -> Tensor:
    """The matrices that the cells of a layer hold now, from their conductances (float64 [outputs, inputs])."""
    matmul = layer.matmul
    cells = matmul.session.engine.config.cells
    conductance = matmul.session.engine.conductances_s().ravel()
    plus = matmul.map.output_address[:, None] + matmul.map.input_address[None, :]
    top = matmul.cells.weight_per_level * (matmul.cells.levels - 1)
    return torch.from_numpy((conductance[plus] - conductance[plus + 1]) / (cells.g_max_s - cells.g_min_s) * top)


def float_module(kind_module: nn.Module, net: Network, *, held: bool) -> nn.Module:
    """A copy of the user's module with the numbers of a network, or with the weights that its cells hold."""
    module = copy.deepcopy(kind_module)
    state = {name: value.clone() for name, value in net.state_dict().items() if name != STATE_KEY}
    module.load_state_dict(state)
    module.train(net.training)
    if held:
        parameters = dict(module.named_parameters(remove_duplicate=False))
        names = {id(value): name for name, value in net.named_parameters()}
        for layer in net.layers:
            target = parameters[names[id(layer.weight)]]
            with torch.no_grad():
                target.copy_(layer.form.to_weight(held_matrix(layer), tuple(target.shape)))
    return module


class Watched:
    """Checks every product of a network against what its cells hold, and adds up how far rounding may go.

    Attributes
    ----------
    bounds : list of (Tensor, Tensor)
        For every product, zeros that were added to its result, and the largest error of each output: half a code of
        every conversion in it, and half a code of every input.
    parts : list of Tensor
        The errors of the blocks of the layer that is multiplied by.
    """

    def __init__(self, net: Network) -> None:
        self.bounds: list[tuple[Tensor, Tensor]] = []
        self.parts: list[Tensor] = []
        for layer in net.layers:
            self._watch(layer)

    def _watch(self, layer: MappedLayer) -> None:
        watched = self
        inner: Callable[..., Tensor] = layer.multiply
        inner_convolve: Callable[..., Tensor] = layer.convolve

        class Checked(CrossbarMatmul):
            def __call__(self, x: Tensor, block: int = 0, patches: Patches | None = None) -> tuple[Tensor, Tensor]:
                ranges = copy.copy(self.range)
                y, whole = super().__call__(x, block, patches)
                x, seen = vectors_of(x, patches), vectors_of(whole, patches)
                part = self.map.blocks[block]
                held = held_matrix(layer)[part.outputs]
                # A range may have been set or moved by this product.
                now, self.range = self.range, max(ranges, self.range, key=lambda r: r.input_max * r.full_scale)
                bound = error_bound(self, passes=2)
                lsb = self.range.input_max / self.session.engine.config.array.input_max
                self.range = now
                error = (y.double() - multiply_groups(seen, held, part.groups)).abs().max()
                assert error <= bound, f"{layer.name}: {error} is more than {bound}"
                # While a recurrent layer is calibrated, its states are not yet quite those of later runs.
                beyond = float((x.abs().max() - self.range.input_max).clamp(min=0))
                assert beyond <= 0.05 * self.range.input_max
                assert (seen - x).abs().max() <= 0.5001 * lsb + beyond
                watched.parts.append(bound + (0.5 * lsb + beyond) * held.abs().sum(1))
                return y, whole

        def multiply(x: Tensor, block: int | None = None, bias: Tensor | None = None) -> Tensor:
            self.parts = []
            y = inner(x, block, bias)
            nothing = torch.zeros_like(y, requires_grad=True)
            self.bounds.append((nothing, torch.cat(self.parts)))
            return y + nothing

        def convolve(x: Tensor, patches: Patches) -> Tensor:
            self.parts = []
            y = inner_convolve(x, patches)
            nothing = torch.zeros_like(y.movedim(1, -1), requires_grad=True)
            self.bounds.append((nothing, torch.cat(self.parts)))
            return y + nothing.movedim(-1, 1)

        layer.matmul.__class__ = Checked
        layer.multiply = multiply  # type: ignore[method-assign]
        layer.convolve = convolve  # type: ignore[method-assign]

    def largest_change(self) -> float:
        """How far all errors together may move what was differentiated, to first order."""
        return sum(
            float((nothing.grad.double().abs().reshape(-1, len(bound)) @ bound).sum())
            for nothing, bound in self.bounds
            if nothing.grad is not None
        )


def same(one: Any, other: Any) -> bool:
    """Whether two nested states are equal to the bit."""
    if isinstance(one, Tensor):
        return bool(torch.equal(one, other))
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other or (one != one and other != other))
