"""Kinds of modules with a twin of few bits: they train, hold what the bits can say, and go on from every copy."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from held_network import same
from kinds import Kind
from test_zoo import COPIES, ZOO, optimizer_of, step

from twinbar.host.network.network import Network

NAMES = (
    "linear",
    "linear-tied",
    "linear-used-twice",
    "float64",
    "conv2d-grouped",
    "conv-transpose2d",
    "channels-last",
    "mlp-batchnorm",
    "checkpoint",
    "mixture-of-experts",
    "lstm",
    "attention",
)
KINDS = [kind for kind in ZOO if kind.name in NAMES]
KEYS = {
    "array.adc_noise_codes": 0.3,
    "device.levels": 16,
    "policy.weight_range": 3.0,
    "twin.kind": "residual",
}


def test_all_kinds_are_there() -> None:
    assert {kind.name for kind in KINDS} == set(NAMES)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_it_trains_and_goes_on_from_every_copy(kind: Kind, to_crossbar: Callable[..., Network]) -> None:
    module, inputs = kind.build()
    net = to_crossbar(module, keys=KEYS)
    optimizer = optimizer_of(net)
    step(kind, net, optimizer, inputs)
    for layer in net.layers:
        held = layer.cells.plus.astype(int) - layer.cells.minus
        residual = 64 * (layer.matrix.astype(np.float64) / layer.cells.weight_per_level - held)
        assert np.abs(residual - np.round(residual)).max() < 1e-3, layer.name
    assert net.cost["twin"]["bits"]["weight"]["written"] > 0

    others = {name: copied(net, lambda: to_crossbar(kind.build()[0], keys=KEYS)) for name, copied in COPIES.items()}
    momentum = copy.deepcopy(optimizer.state_dict())
    out = step(kind, net, optimizer, inputs)
    state = net.state_dict()
    for name, other in others.items():
        resumed = optimizer_of(other)
        resumed.load_state_dict(copy.deepcopy(momentum))
        assert torch.equal(step(kind, other, resumed, inputs), out), name
        equal = same(other.state_dict(), state)
        assert equal, name
