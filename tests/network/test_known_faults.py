"""Networks on faulty arrays: what a map of known faults saves."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from twinbar.emulator.crossbar.fault_map import draw_faults
from twinbar.host.cells.fault_detection import save_faults
from twinbar.host.network.network import Network
from twinbar.hw.errors import ConfigError


@pytest.fixture
def faulty(tmp_path) -> str:
    path = tmp_path / "faults.npz"
    save_faults(path, draw_faults((1, 32, 32), stuck_low=0.05, stuck_high=0.05))
    return str(path)


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 4))


def error_of(to_crossbar: Callable[..., Network], **keys: object) -> float:
    """Mean square of what the cells hold beside the weights, over both layers, in levels."""
    net = to_crossbar(module(), keys=keys)
    net.eval()(torch.rand(8, 24))
    errors = [
        (layer.matmul.cells.weights - layer.weight.detach().numpy()) / layer.matmul.cells.weight_per_level
        for layer in net.layers
    ]
    return float(np.concatenate([error.ravel() ** 2 for error in errors]).mean())


def test_known_faults_cost_less(to_crossbar: Callable[..., Network], faulty: str) -> None:
    around = error_of(to_crossbar, **{"device.fault_map": faulty, "array.known_faults": faulty})
    blind = error_of(to_crossbar, **{"device.fault_map": faulty})
    sound = error_of(to_crossbar)
    assert sound < around < blind
    # A row of 24 cells has 2.4 faulty ones: two thirds are left.
    assert around - sound < 0.75 * (blind - sound)


def test_products_are_those_of_the_weights(to_crossbar: Callable[..., Network], faulty: str) -> None:
    net = to_crossbar(module(), keys={"array.known_faults": faulty})
    x = torch.rand(64, 24)
    net.eval()(x)
    with torch.no_grad():
        expected, found = module()(x), net(x)
    assert (found - expected).abs().max() < 0.1 * expected.abs().max()


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"array.known_faults": "nothing.npz"}, r"there is no fault map nothing\.npz"),
        ({"array.known_faults": "here.npz", "array.sharing": True}, r"set array\.sharing = false"),
    ],
)
def test_what_cannot_be_is_refused(to_crossbar: Callable[..., Network], keys: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        to_crossbar(module(), keys=keys)
