"""Small networks on crossbars of ideal cells, which reach every level they are asked for."""

from collections.abc import Callable, Iterator
from typing import Any

import numba
import pytest
import torch
from torch import nn

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.network.convert import convert
from twinbar.host.network.network import Network

IDEAL = ExperimentConfig().merge(
    {
        "device.preset": "ideal",
        "device.variation": False,
        "array.rows": 16,
        "array.columns": 16,
        "array.adc_noise_codes": 0.0,
    }
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    numba.set_num_threads(before[1])


@pytest.fixture
def on_crossbar(compiled_kernels: None) -> Callable[..., Network]:
    """Convert a module; keys are those of the configuration, ``twin_bits`` stands for ``twin.bits``."""

    def convert_it(module: nn.Module, **keys: Any) -> Network:
        return convert(module, config=IDEAL.merge({key.replace("_", ".", 1): value for key, value in keys.items()}))

    return convert_it
