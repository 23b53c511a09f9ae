"""Networks of users on crossbars of ideal cells, with converters so fine that little is lost."""

from collections.abc import Callable, Iterator
from typing import Any

import numba
import pytest
import torch
from torch import nn

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.network.convert import convert
from twinbar.host.network.network import Network

FINE = ExperimentConfig().merge(
    {
        "device.preset": "ideal",
        "device.levels": 128,
        "device.variation": False,
        "array.rows": 32,
        "array.columns": 32,
        "array.adc_bits": 12,
        "array.input_bits": 8,
        "array.adc_noise_codes": 0.0,
        "write.tolerance": 0.3,
    }
)
"""Cells of 128 levels without noise, inputs of 8 bits and conversions of 12."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    # Networks of this size only wait for a second thread.
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    numba.set_num_threads(before[1])


@pytest.fixture
def to_crossbar(compiled_kernels: None) -> Callable[..., Network]:
    """Convert a module; choices are those of `convert`, and keys of the configuration."""

    def convert_it(module: nn.Module, *, keys: dict[str, Any] | None = None, **choices: Any) -> Network:
        return convert(module, config=FINE.merge(keys or {}), **choices)

    return convert_it
