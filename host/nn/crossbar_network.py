"""A network whose weights lie on a crossbar: its module, its engine and its layers."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from torch import nn

from twinbar.host.accounted_engine import AccountedEngine
from twinbar.host.nn.current_pass import Pass
from twinbar.host.nn.layer_chain import LayerChain
from twinbar.host.nn.mappable import Digital
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.nn.mapping import LayerMap, mapped_cells
from twinbar.hw.errors import TwinbarError

CHECKED_EVERY: Final = 32
"""Steps after which the twin's weights are looked at: to do so takes as long as a small part of a step."""


class CrossbarNetwork:
    """A network on a crossbar: its module, its session with the engine, and its layers in order.

    Parameters
    ----------
    module : nn.Module
        Its mapped weights are `CrossbarWeight`; its parameters are the float twin.
    session : AccountedEngine
    layers : list of MappedLayer
    digital : list of Digital
        Parts that stay digital.
    current : Pass

    Attributes
    ----------
    not_called : list of str
        Layers that the last forward pass did not multiply by.
    chains : list of LayerChain
        Layers that run as one program (``array.chained_layers``).
    unchained : dict of str
        Why the other layers feed none on the chip.
    """

    def __init__(
        self,
        module: nn.Module,
        session: AccountedEngine,
        layers: list[MappedLayer],
        digital: list[Digital],
        current: Pass,
    ) -> None:
        self.module = module
        self.session = session
        self.layers = layers
        self.digital = digital
        self.current = current
        current.parts = frozenset(map(id, module.modules()))
        self.not_called: list[str] = []
        self.chains: list[LayerChain] = []
        self.unchained: dict[str, str] = {}
        self._products = {layer.name: 0 for layer in layers}

    @property
    def maps(self) -> list[LayerMap]:
        """Places of the layers' weights, and of their auxiliary arrays."""
        auxiliary = [array.map for layer in self.layers for array in layer.auxiliary]
        return [layer.matmul.map for layer in self.layers] + auxiliary

    @property
    def weights(self) -> int:
        """Weights that lie on the crossbar."""
        return weights_of(self.layers)

    def mapped_cells(self) -> np.ndarray:
        """Which cells hold weights (bool [tiles, rows, columns])."""
        return mapped_cells(self.maps, self.session.engine.config.array)

    @contextmanager
    def twin(self) -> Iterator[nn.Module]:
        """Run the module on the float twin for a while."""
        before, self.current.on_twin = self.current.on_twin, True
        try:
            yield self.module
        finally:
            self.current.on_twin = before

    @contextmanager
    def forward_pass(self) -> Iterator[None]:
        """Run a forward pass of the module on the crossbar meanwhile, in which no weight is read but by products.

        Raises
        ------
        TwinbarError
            If a weight of the module is no longer the one on the crossbar.
        """
        for layer in self.layers:
            if any(owner._parameters.get(attribute) is not layer.weight for owner, attribute in layer.owners):
                raise TwinbarError(
                    f"the weight of layer {layer.name} was replaced by another one, which is not on the crossbar; "
                    "change its values in place (weight.copy_), or convert the module again"
                )
        before = {layer.name: layer.matmul.products for layer in self.layers}
        self.current.depth += 1
        try:
            yield
        finally:
            self.current.depth -= 1
        self.not_called = [layer.name for layer in self.layers if layer.matmul.products == before[layer.name]]

    def check_gradients(self, layers: Sequence[MappedLayer]) -> None:
        """See to it that layers which received a gradient since this was last asked were multiplied by, too.

        Raises
        ------
        TwinbarError
            If one was not: its gradient is not that of what the crossbar computed.
        """
        for layer in layers:
            gradient = layer.weight.grad
            idle = layer.matmul.products == self._products[layer.name]
            if idle and gradient is not None and bool((gradient != 0).any()):
                raise TwinbarError(
                    f"layer {layer.name} received a gradient, but its cells were not multiplied by since the last "
                    f"step: its weights were read in another way; leave it digital with exclude=[{layer.name!r}], or "
                    "call it"
                )
            self._products[layer.name] = layer.matmul.products

    def check_weights(self, layers: Iterable[MappedLayer], step: int) -> None:
        """See to it that the twin's weights are finite: no policy would ever write the others, and no loss shows them.

        Raises
        ------
        TwinbarError
            If one is not.
        """
        with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
            for layer in layers:
                # Extremes are NaN where a weight is, and take a tenth of the time of `isfinite`.
                if not all(math.isfinite(extreme) for extreme in layer.weight.aminmax()):
                    raise TwinbarError(
                        f"the weights of layer {layer.name} are not finite after step {step}, because a gradient was "
                        "not; lower the learning rate, or look for a division by zero in the loss, and train again"
                    )

    @contextmanager
    def calibrating(
        self, layers: Sequence[MappedLayer] | None = None, *, provisional: bool = False
    ) -> Iterator[nn.Module]:
        """Let the forward passes meanwhile set the ranges of converters.

        Parameters
        ----------
        layers : sequence of MappedLayer, optional
            Those whose ranges are set; all of them by default.
        provisional : bool
            The first training batch will set them again.
        """
        layers = self.layers if layers is None else layers
        for layer in layers:
            layer.matmul.begin_calibration(provisional=provisional)
        try:
            yield self.module
        finally:
            for layer in layers:
                layer.matmul.calibrating = False


def weights_of(layers: Iterable[MappedLayer]) -> int:
    """Return how many weights layers have."""
    return sum(layer.weight.numel() for layer in layers)
