"""A network whose weights lie on a crossbar: its module, its engine and its layers."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from torch import nn

from twinbar.host.accounted_engine import AccountedEngine
from twinbar.host.nn.current_pass import Pass
from twinbar.host.nn.mappable import Digital
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.nn.mapping import LayerMap, mapped_cells


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

    @property
    def maps(self) -> list[LayerMap]:
        """Places of the layers' weights."""
        return [layer.matmul.map for layer in self.layers]

    @property
    def weights(self) -> int:
        """Weights that lie on the crossbar."""
        return sum(layer.weight.numel() for layer in self.layers)

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
    def calibrating(self) -> Iterator[nn.Module]:
        """Let the forward passes meanwhile set the ranges of the converters."""
        for layer in self.layers:
            layer.matmul.calibrate(True)
        try:
            yield self.module
        finally:
            for layer in self.layers:
                layer.matmul.calibrate(False)
