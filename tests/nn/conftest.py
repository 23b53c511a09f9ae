"""Networks on small crossbars of ideal cells, where all that is lost is what the converters cut off."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.network.programmer import program
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.host.nn.put_on_crossbar import put_on_crossbar
from twinbar.host.update.policies.closed_loop import ClosedLoop


@pytest.fixture
def on_crossbar(make_crossbar: Callable[..., CrossbarConfig]) -> Callable[..., CrossbarNetwork]:
    """Convert a module, write its weights, and calibrate its converters on an input."""

    def build(
        module: nn.Module, x: Tensor, *, options: dict[str, Any] | None = None, **choices: Any
    ) -> CrossbarNetwork:
        config = make_crossbar(
            **{"preset": "ideal", "rows": 16, "columns": 16, "levels": 16, "adc_bits": 12}
            | {"tolerance": 0.1, "adc_noise_codes": 0.0, "variation": False}
            | choices
        )
        network = put_on_crossbar(module, config, lambda kind, activity: None, **(options or {}))
        result = program(network, ClosedLoop(), 0.0).result
        assert result.ok.all()
        with network.calibrating(), torch.no_grad():
            network.module(x)
        return network

    return build


@pytest.fixture
def weights_in_levels() -> Callable[[MappedLayer], np.ndarray]:
    """The twin's weights in level spacings, rounded and clipped as a pair can hold them."""

    def quantize(layer: MappedLayer) -> np.ndarray:
        cells = layer.matmul.cells
        levels = np.floor(layer.matrix / np.float32(cells.weight_per_level) + 0.5)
        return np.clip(levels, 1 - cells.levels, cells.levels - 1)

    return quantize
