"""The option `array.chained_layers`: what it needs, what a report says of it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import twinbar as tb
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train
from twinbar.hw.errors import ConfigError

CHAINED: dict[str, Any] = {
    "array.cascade": True,
    "array.shared_inputs": True,
    "array.chain": True,
    "array.mapping": "contiguous",
    "array.chained_layers": True,
}
SMALL: dict[str, Any] = {
    "data.limit": 128,
    "model.hidden": (32, 16),
    "model.bias": True,
    "array.rows": 32,
    "array.columns": 32,
    "training.batch_size": 32,
    "training.epochs": 2,
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"array.chain": False}, "array.chained_layers is true, which needs array.chain = true"),
        (
            {"array.chain": False, "array.shared_inputs": False, "array.mapping": "interleaved"},
            "needs array.chain = true, array.shared_inputs = true, array.mapping = 'contiguous'",
        ),
        ({"array.mapping": "interleaved"}, "array.chained_layers is true, which needs array.mapping = 'contiguous'"),
        ({"array.pairs": "separate"}, "array.chained_layers is true, which needs array.pairs = 'subtract'"),
        ({"array.sharing": True}, "array.chained_layers is true, which needs array.sharing = false"),
        ({"array.copies": (2,)}, "array.chained_layers is true, which needs array.copies = []"),
        ({"training.pipeline": 4}, "training.pipeline is 4, but array.chained_layers lets images follow one another"),
    ],
)
def test_what_chains_need(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ExperimentConfig().merge(CHAINED | changes)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        # 12 bits of an ADC and 8 of the inputs, bit by bit, are 2048 * 255 for a tile.
        ({"array.adc_bits": 12, "array.input_bits": 8, "array.inputs": "planes"}, "which hold 131071"),
        ({"array.cascade": False}, "row tiles is chained, whose sums are added by the host"),
        # 14 pairs are no whole words of eight inputs.
        ({"array.columns": 28}, "layers 1, 3, 5 cannot be chained: a word of inputs has 8 of them"),
    ],
)
def test_layers_that_do_not_fit(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    config = ExperimentConfig().merge(SMALL | CHAINED | changes)
    with RunFolder.create(tmp_path / "run", config) as folder, pytest.raises(ConfigError) as caught:
        train(config, folder, SilentProgress(), resume=False)
    assert sentence in str(caught.value)


def test_a_module_of_ones_own(compiled_kernels: None) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 4))
    config = ExperimentConfig().merge({"array.rows": 32, "array.columns": 32} | CHAINED)
    net = tb.convert(module, config=config)
    x = torch.rand(6, 24)
    net.eval()
    with torch.no_grad():
        assert net(x).isfinite().all()
    net.train()
    net(x).square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    text = net.summary()
    assert "0, 2                as one program" in text
    assert "Tanh follows it, which the chip does not compute" in text
