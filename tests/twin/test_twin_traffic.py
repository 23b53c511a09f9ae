"""What a step reads and writes, in bits of whole words, counted by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from twinbar.host.network.network import Network

Convert = Callable[..., Network]
READ_WRITTEN = ("read", "written")


def two_layers() -> nn.Module:
    """8 and 6 weights on the crossbar, and 3 biases that are not."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 2, bias=False), nn.ReLU(), nn.Linear(2, 3))


def one_layer() -> nn.Module:
    # None lies halfway between two levels.
    module = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[0.45, -0.25, 0.25, 1.0], [0.125, -0.45, 0.75, -1.0]]))
    return module


def step(net: Network, lr: float = 1e-4, batches: int = 1, momentum: float = 0.9, **settings: Any) -> dict[str, Any]:
    """Make one step that moves the weights of input 0 to output 0 alone; gives the entry ``twin`` of the cost."""
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum, **settings))
    for _ in range(batches):
        net(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))[:, 0].sum().backward()
    optimizer.step()
    return net.cost["twin"]


def bits(twin: dict[str, Any], term: str) -> tuple[int, int]:
    return tuple(twin["bits"][term][way] for way in READ_WRITTEN)  # type: ignore[return-value]


def test_a_twin_of_float32(on_crossbar: Convert) -> None:
    net = on_crossbar(two_layers())
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=1e-6, momentum=0.9))
    net(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    twin = net.cost["twin"]
    assert twin["kind"] == "float32"
    # 14 weights of 32 bits: each read and written, and so are momentum and gradient.
    for term in ("weight", "state", "gradient"):
        assert bits(twin, term) == (448, 448), term
    # The gradient of the inputs is asked for in the second layer alone: its 6 weights are read.
    assert bits(twin, "backward") == (192, 0)
    # 16 levels are 4 bits a cell, 8 a weight: 8 and 6 weights are 2 words each. The step was too small for a write.
    assert bits(twin, "level") == (128, 0)
    # 3 biases with momentum and gradient.
    assert bits(twin, "digital") == (288, 288)
    assert twin["random_bits"] == 0
    # 6 x 448 + 192 + 128 + 2 x 288 are 3,584 bits.
    assert net.cost["actions"]["twin_access"] == 112
    assert net.cost["actions"]["twin_random"] == 0
    assert net.cost["energy_j"]["host"] == pytest.approx(112 * 128e-12, rel=1e-12, abs=0)
    each = twin["bits_per_weight_and_step"]
    assert each == pytest.approx(
        {
            "weight": 64,
            "state": 64,
            "gradient": 64,
            "backward": 192 / 14,
            "level": 128 / 14,
            "policy": 0,
            "total": 3008 / 14,
        }
    )


def test_gradients_that_the_step_uses_at_once_are_not_stored(on_crossbar: Convert) -> None:
    assert bits(step(on_crossbar(one_layer(), twin_gradient="fused")), "gradient") == (0, 0)


@pytest.mark.parametrize(
    ("kind", "gradient", "read_and_written"),
    [
        # 8 weights of 32 bits: three batches write once, read and write twice, and the step reads once.
        ("float32", "stored", (768, 768)),
        ("residual", "stored", (768, 768)),
        # The step takes the third sum as it is computed: write, read and write, read.
        ("float32", "fused", (512, 512)),
        ("residual", "fused", (512, 512)),
    ],
)
def test_three_batches_are_accumulated(
    on_crossbar: Convert, kind: str, gradient: str, read_and_written: tuple[int, int]
) -> None:
    net = on_crossbar(one_layer(), twin_kind=kind, twin_gradient=gradient)
    assert bits(step(net, batches=3), "gradient") == read_and_written


def test_by_default_gradients_of_float32_are_stored_and_those_of_residuals_are_not(on_crossbar: Convert) -> None:
    assert bits(step(on_crossbar(one_layer())), "gradient") == (256, 256)
    assert bits(step(on_crossbar(one_layer(), twin_kind="residual")), "gradient") == (0, 0)


@pytest.mark.parametrize(
    ("keys", "weight", "state"),
    [
        # One residual of 8 moves by some steps: of the 2 words its own; momentum is read whole, and one word changes.
        ({}, (32, 32), (64, 32)),
        ({"twin_word_bits": 8}, (8, 8), (64, 8)),
        ({"twin_word_bits": 64}, (64, 64), (64, 64)),
        ({"twin_skip_unchanged": False}, (64, 64), (64, 64)),
        # Residuals of 12 bits lie in pairs in words of 32: 4 words. A byte holds none: two bytes each.
        ({"twin_bits": 12}, (32, 32), (64, 32)),
        ({"twin_bits": 12, "twin_skip_unchanged": False}, (128, 128), (64, 64)),
        ({"twin_bits": 12, "twin_word_bits": 8}, (16, 16), (64, 8)),
        ({"twin_momentum_bits": 16}, (32, 32), (128, 32)),
    ],
    ids=str,
)
def test_a_twin_of_residuals(
    on_crossbar: Convert, keys: dict[str, Any], weight: tuple[int, int], state: tuple[int, int]
) -> None:
    net = on_crossbar(one_layer(), twin_kind="residual", twin_rounding="nearest", **keys)
    # A quarter of a level: many steps of the residual, and no write.
    net.prepare(torch.ones(1, 4))
    twin = step(net, lr=0.25 * net.layers[0].cells.weight_per_level)
    assert bits(twin, "weight") == weight
    assert bits(twin, "state") == state
    assert bits(twin, "level") == bits(twin, "backward") == (0, 0)
    assert twin["random_bits"] == 0


def test_random_numbers_are_drawn_where_a_fraction_is_rounded(on_crossbar: Convert) -> None:
    net = on_crossbar(one_layer(), twin_kind="residual")
    net.prepare(torch.ones(1, 4))
    # A residual that moves by a hundredth of a step; the momentum is 1, which the format holds as it is.
    twin = step(net, lr=net.layers[0].cells.weight_per_level / 6400)
    assert twin["random_bits"] == 16
    assert net.cost["actions"]["twin_random"] == 1
    assert net.cost["energy_breakdown_j"]["twin_random"] == pytest.approx(0.75e-12, rel=1e-9, abs=0)


def test_a_level_that_changes_is_replaced_in_the_table(on_crossbar: Convert) -> None:
    for kind, whole in (("float32", 64), ("residual", 32)):
        net = on_crossbar(one_layer(), twin_kind=kind)
        net.prepare(torch.ones(1, 4))
        twin = step(net, lr=3 * net.layers[0].cells.weight_per_level)
        assert net.cost["weight_updates"] == 1
        # A word of levels and one of failures; with float32 all 8 levels, 2 words, were read to decide.
        assert bits(twin, "level") == (whole + 32, 64), kind


def test_levels_are_read_where_they_are_needed(on_crossbar: Convert) -> None:
    def level_reads(lr: float = 1e-6, decay: float = 0.0, **keys: Any) -> int:
        return bits(step(on_crossbar(one_layer(), **keys), lr, weight_decay=decay), "level")[0]

    assert level_reads() == 64
    # All cells are written to what the float weight says; what they hold does not matter.
    assert level_reads(policy_name="closed-loop") == 0
    assert level_reads(twin_kind="residual") == 0
    # Here the level to write is that of the table and the residual.
    assert level_reads(twin_kind="residual", policy_name="closed-loop") == 64
    # Decay needs the weight.
    assert level_reads(twin_kind="residual", decay=1e-9) == 64
    # 16 codes of 8 bits are 4 words. The float weight is compared with these; a residual refers to the level.
    assert level_reads(policy_compensation="read-back") == 128
    assert level_reads(twin_kind="residual", policy_compensation="read-back") == 128 + 64


def test_the_backward_pass_reads_level_and_residual(on_crossbar: Convert) -> None:
    net = on_crossbar(two_layers(), twin_kind="residual")
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=1e-6))
    net(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    # 6 weights: 2 words of residuals, and 2 of levels.
    assert bits(net.cost["twin"], "backward") == (128, 0)


def test_a_weight_that_is_used_twice_is_read_and_added_to_twice(on_crossbar: Convert) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.square = nn.Linear(4, 4, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.square(self.square(x))

    net = on_crossbar(Twice())
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=1e-6))
    net(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    twin = net.cost["twin"]
    # 16 weights: the second product passes a gradient on, the first one has inputs without one.
    assert bits(twin, "backward") == (512, 0)
    assert bits(twin, "gradient") == (1024, 1024)
    assert bits(twin, "weight") == (512, 512)


def test_each_optimizer_counts_the_gradients_of_its_own_layers(on_crossbar: Convert) -> None:
    net = on_crossbar(two_layers())
    optimizers = [net.attach(torch.optim.SGD(part.parameters(), lr=1e-6)) for part in (net.module[2], net.module[0])]
    net(torch.ones(1, 4)).sum().backward()
    for optimizer, gradients, backward in zip(optimizers, (192, 448), (192, 192), strict=True):
        optimizer.step()
        # 6 weights, then 8 more; the products of both layers are counted with the first step.
        assert bits(net.cost["twin"], "gradient") == (gradients, gradients)
        assert bits(net.cost["twin"], "backward") == (backward, 0)


def test_frozen_layers_are_read_by_the_backward_pass_alone(on_crossbar: Convert) -> None:
    module = nn.Sequential(nn.Linear(4, 2, bias=False), nn.Linear(2, 4, bias=False))
    module[1].weight.requires_grad_(False)
    net = on_crossbar(module)
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=1e-6))
    net(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    twin = net.cost["twin"]
    assert bits(twin, "backward") == (256, 0)
    assert bits(twin, "weight") == (256, 256)


@pytest.mark.parametrize("kind", ["float32", "residual"])
def test_epochs_sum_to_totals_and_the_ledger_has_the_same_bits(train_run: Callable[..., Any], kind: str) -> None:
    report = train_run({"twin.kind": kind, "model.bias": True}).report
    totals, epochs = report["totals"], report["epochs"]
    for term, ways in totals["twin"]["bits"].items():
        for way, value in ways.items():
            assert value == sum(epoch["twin"]["bits"][term][way] for epoch in epochs), term
    moved = sum(value for ways in totals["twin"]["bits"].values() for value in ways.values())
    # The bits of each step are whole words of 32.
    assert 0 <= 32 * totals["actions"]["twin_access"] - moved < 32 * totals["steps"]
    random = totals["twin"]["random_bits"]
    assert 0 <= 32 * totals["actions"]["twin_random"] - random < 32 * totals["steps"]
    assert (random > 0) == (kind == "residual")
    parts = totals["energy_breakdown_j"]
    assert totals["energy_j"]["host"] == pytest.approx(parts["twin_memory"] + parts["twin_random"], rel=1e-12, abs=0)
    each = totals["twin"]["bits_per_weight_and_step"]
    assert each["total"] == pytest.approx(sum(value for name, value in each.items() if name != "total"), rel=1e-12)


def test_a_loop_of_ones_own_counts_as_the_trainer_does(on_crossbar: Convert, tmp_path: Path) -> None:
    net = on_crossbar(one_layer(), twin_kind="residual")
    step(net, lr=0.1)
    net.end_epoch()
    report = net.report(tmp_path / "run")
    assert report["epochs"][0]["twin"] == report["totals"]["twin"] == net.cost["twin"]
    assert json.loads((tmp_path / "run" / "report.json").read_text())["totals"]["twin"] == net.cost["twin"]


def test_gradients_of_biases_are_accumulated_in_the_memory_too(train_run: Callable[..., Any]) -> None:
    totals = train_run({"twin.kind": "residual", "model.bias": True, "training.accumulate": 2}).report["totals"]
    # 42 biases at 45 steps: weight, momentum and the gradients of two batches are read and written.
    assert totals["twin"]["bits"]["digital"] == dict.fromkeys(READ_WRITTEN, 42 * 32 * 4 * 45)
