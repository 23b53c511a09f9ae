"""Put a user's network on a crossbar with one call."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from torch import nn

from twinbar.emulator.contract.bulk_operations import Engine
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.host.accounted_engine import Account, AccountedEngine
from twinbar.host.nn.layers import CrossbarConv2d, CrossbarLayer, CrossbarLinear, CrossbarMatmul
from twinbar.host.nn.mapping import LayerMap, Placement, map_layers, mapped_cells, mapped_columns, tile_count
from twinbar.host.nn.networks import he_std
from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.hw.errors import ConfigError

MakeEngine = Callable[[CrossbarConfig, int, np.ndarray], Engine]
"""Makes an engine from a configuration, a number of tiles, and the mapped columns of each tile."""


class CrossbarNetwork:
    """A converted network: its module, its session with the engine, and its layers in order.

    Parameters
    ----------
    module : nn.Module
        The network with its Linear and Conv2d layers replaced; its parameters are the float twin.
    session : AccountedEngine
    layers : list of CrossbarLayer
    """

    def __init__(self, module: nn.Module, session: AccountedEngine, layers: list[CrossbarLayer]) -> None:
        self.module = module
        self.session = session
        self.layers = layers

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
        return mapped_cells(self.maps, self.session.engine.config.geometry)

    @contextmanager
    def twin(self) -> Iterator[nn.Module]:
        """Run the module on the float twin for a while."""
        for layer in self.layers:
            layer.use_twin = True
        try:
            yield self.module
        finally:
            for layer in self.layers:
                layer.use_twin = False

    @contextmanager
    def calibrating(self) -> Iterator[nn.Module]:
        """Let the next forward pass set the ranges of the converters."""
        for layer in self.layers:
            layer.matmul.calibrating = True
        try:
            yield self.module
        finally:
            for layer in self.layers:
                layer.matmul.calibrating = False


def convert(
    module: nn.Module,
    config: CrossbarConfig,
    account: Account,
    *,
    levels: int | None = None,
    weight_range: float = 8.0,
    placement: Placement = "interleaved",
    sharing: bool = False,
    keep_read_back: bool = False,
    range_margin: float = 1.2,
    range_tracking: bool = True,
    make_engine: MakeEngine = FastEngine,
) -> CrossbarNetwork:
    """Put every `nn.Linear` and `nn.Conv2d` of a module on a crossbar (the module itself is left as it was).

    Parameters
    ----------
    module : nn.Module
        Any module; its other parts (activations, pooling, normalization) stay digital.
    config : CrossbarConfig
    account : callable
        Takes what every program did (see `AccountedEngine`).
    levels : int, optional
        Levels per cell; as many as the configuration's table has by default.
    weight_range : float
        Weight of the top level, in standard deviations of a He initialization; larger where weights already exceed it.
    placement, sharing, keep_read_back, range_margin, range_tracking
        See `LayerMap`, `map_layers`, `ProgrammedLayer` and `CrossbarMatmul`.
    make_engine : callable

    Raises
    ------
    ConfigError
        If the module has no layer that could be put on a crossbar.
    """
    module = copy.deepcopy(module)
    found = [(name, part) for name, part in module.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    if not found:
        raise ConfigError("the module has no Linear or Conv2d layer that could be put on a crossbar")
    shapes = [
        (name or type(part).__name__.lower(), part.weight.shape[0], part.weight[0].numel()) for name, part in found
    ]
    maps = map_layers(shapes, config.geometry, placement, sharing=sharing)
    session = AccountedEngine(make_engine(config, tile_count(maps), mapped_columns(maps)), account)
    levels = len(config.levels) if levels is None else levels
    layers: list[CrossbarLayer] = []
    for (_, part), place in zip(found, maps, strict=True):
        top = max(weight_range * he_std(place.inputs), float(part.weight.detach().abs().max()))
        cells = ProgrammedLayer.blank(place, levels, top / (levels - 1), keep_read_back=keep_read_back)
        matmul = CrossbarMatmul(session, cells, range_margin, range_tracking)
        layer: CrossbarLayer
        layer = CrossbarLinear(part, matmul) if isinstance(part, nn.Linear) else CrossbarConv2d(part, matmul)
        layers.append(layer)
        module = _replace(module, part, layer)
    return CrossbarNetwork(module, session, layers)


def _replace(root: nn.Module, part: nn.Module, layer: nn.Module) -> nn.Module:
    """Put ``layer`` in every place of the submodule ``part``, which may be used more than once; gives the root."""
    if root is part:
        return layer
    for name, child in list(root.named_modules(remove_duplicate=False)):
        if child is part:
            parent, _, attribute = name.rpartition(".")
            setattr(root.get_submodule(parent), attribute, layer)
    return root
