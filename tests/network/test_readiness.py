"""Cells are programmed and converters calibrated as soon as they are needed, and written again where they must be."""

from collections.abc import Callable

import pytest
import torch
from held_network import assert_alike, float_module, held_matrix
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.host.network.network import STATE_KEY, Network
from twinbar.host.nn.mapped_layer import MappedLayer
from twinbar.hw.errors import TwinbarError

Convert = Callable[..., Network]


class Coder(nn.Module):
    """A module with a method beside its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(6, 4), nn.Linear(4, 6)
        self.cell = nn.GRUCell(4, 4)

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x).tanh()

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encode(x))


def assert_held(layer: MappedLayer) -> None:
    """That the cells hold the twin's weights: but for half a level, and a window of 0.3 at either cell."""
    error = float((held_matrix(layer) - layer.weight.detach()).abs().max())
    assert error <= 1.1001 * layer.cells.weight_per_level


def mlp() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_the_first_forward_pass_programs_and_calibrates(training: bool, to_crossbar: Convert) -> None:
    module = mlp().train(training)
    net = to_crossbar(module)
    x = torch.randn(5, 6)
    assert not net.programmed
    assert_alike(net(x), module(x))
    assert net.programmed
    cost = net.cost
    assert cost["initialization"]["weight_updates"] > 0
    assert cost["initialization"]["energy_j"]["forward"] > 0
    assert (cost["energy_j"]["forward"] > 0) == training
    assert (cost["evaluation"]["energy_j"]["forward"] > 0) != training
    assert cost["energy_j"]["write"] == 0


def test_ranges_of_an_evaluation_are_provisional(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp()).eval()
    net(torch.rand(5, 6))
    first = net.layers[0].matmul.range.input_max
    net(8 * torch.rand(5, 6))
    assert net.layers[0].matmul.range.input_max == first
    x = 2 + torch.rand(5, 6)
    net.train()(x)
    assert net.layers[0].matmul.range.input_max == float(x.max())
    net(x / 2)
    assert net.layers[0].matmul.range.input_max < float(x.max())
    assert not any(layer.matmul.provisional for layer in net.layers)


def test_how_far_inputs_reach_is_a_choice(to_crossbar: Convert) -> None:
    x = torch.ones(101, 6)
    x[0] = 8.0
    # Of codes 0 to 3; tests/nn/test_input_codes.py has the errors by hand.
    keys = {"array.input_bits": 2, "array.input_range": "least-error"}
    for given, reached in ((keys, 3.0), ({"array.input_bits": 2}, 8.0)):
        net = to_crossbar(mlp(), keys=given)
        net.train()(x)
        assert net.layers[0].matmul.range.input_max == reached


def test_a_part_that_stays_in_evaluation_mode_is_calibrated_once(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    net.module[0].eval()
    net(torch.rand(5, 6))
    first = net.layers[0].matmul.range.input_max
    entered = net.cost["initialization"]["energy_j"]["total"]
    net(4 * torch.rand(5, 6))
    assert net.layers[0].matmul.range.input_max == first
    assert net.cost["initialization"]["energy_j"]["total"] == entered


def test_an_empty_batch_programs_nothing(to_crossbar: Convert) -> None:
    net = to_crossbar(nn.Sequential(nn.Conv2d(1, 3, 2), nn.Flatten(), nn.Linear(12, 2)))
    assert net(torch.zeros(0, 1, 3, 3)).shape == (0, 2)
    assert not net.programmed
    assert net.cost["initialization"]["energy_j"]["total"] == 0
    with pytest.raises(TwinbarError, match="the batch that the network is prepared with is empty"):
        net.prepare(torch.zeros(0, 1, 3, 3))
    assert net(torch.ones(2, 1, 3, 3)).shape == (2, 2)
    assert net.programmed


def test_one_empty_argument_does_not_hide_the_others(to_crossbar: Convert) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 3)

        def forward(self, x: Tensor, extra: Tensor) -> Tensor:
            return self.fc(x) + extra.sum()

    module = Two()
    net = to_crossbar(module)
    x = torch.randn(4, 6)
    assert_alike(net(x, torch.zeros(0)), module(x, torch.zeros(0)))
    assert net.programmed


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_batch_that_is_not_finite_programs_nothing(value: float, to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    x = torch.randn(5, 6)
    x[2, 3] = value
    for run in (net, net.module, net.prepare):
        with pytest.raises(TwinbarError, match="values that are not finite; nothing was programmed"):
            run(x)
    assert not net.programmed
    assert net.cost["initialization"]["energy_j"]["total"] == 0
    net(torch.randn(5, 6))
    with pytest.raises(TwinbarError, match="layer 0 was given activations that are not finite"):
        net(x)


def test_methods_and_parts_are_programmed_and_calibrated_too(to_crossbar: Convert) -> None:
    module = Coder()
    x = torch.randn(5, 6)
    for part, wanted in (
        (lambda net: net.encode(x), module.encode(x)),
        (lambda net: net.module(x), module(x)),
        (lambda net: net.encoder(x), module.encoder(x)),
    ):
        net = to_crossbar(module)
        assert_alike(part(net), wanted)
        assert net.programmed
        assert net.layers[0].matmul.calibrated


def test_zeros_do_not_calibrate(to_crossbar: Convert) -> None:
    module = nn.GRUCell(5, 4).eval()
    net = to_crossbar(module)
    x = torch.randn(3, 5)
    state, wanted = net(x), module(x)
    # The first state is zeros: no range of the hidden weights is known yet.
    assert [layer.matmul.calibrated for layer in net.layers] == [True, False]
    assert_alike(net(x, 4 * state.detach()), module(x, 4 * wanted))
    assert net.layers[1].matmul.calibrated


def test_wrong_sizes_are_one_sentence(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    for inputs in (5, 7):
        with pytest.raises(TwinbarError, match=f"layer 0 takes 6 activations, but was given {inputs}"):
            net(torch.randn(2, inputs))
    with pytest.raises(TwinbarError, match="layer conv2d takes 27 activations, but was given 36"):
        to_crossbar(nn.Conv2d(3, 2, 3))(torch.randn(1, 4, 5, 5))


def test_prepare_leaves_no_other_trace(to_crossbar: Convert) -> None:
    module = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    net = to_crossbar(module)
    x = torch.randn(5, 6)
    torch.manual_seed(3)
    assert net.prepare(x) is net
    assert torch.equal(torch.rand(4), (torch.manual_seed(3), torch.rand(4))[1])
    assert int(net.module[1].num_batches_tracked) == 0
    assert net.cost["steps"] == 0
    assert net.cost["energy_j"]["total"] == 0
    assert net.cost["initialization"]["energy_j"]["forward"] > 0
    entered = net.cost["initialization"]["energy_j"]["total"]
    net(x)
    assert net.cost["initialization"]["energy_j"]["total"] == entered


def test_a_plain_checkpoint_marks_the_cells_to_be_written(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    x = torch.randn(5, 6)
    net(x)
    best = mlp()
    with torch.no_grad():
        # Larger than the top level stands for.
        best[0].weight.mul_(-30)
    before = net.cost["initialization"]["energy_j"]["write"]
    net.load_state_dict(best.state_dict())
    wanted = float_module(best, net.eval(), held=False)(x)
    net(x)
    assert net.cost["initialization"]["energy_j"]["write"] > before
    for layer in net.layers:
        assert_held(layer)
    # What the cells hold, but for converters that are fitted to the new activations: 255 codes, and 12 bits.
    held = float_module(best, net, held=True)(x)
    assert float((net(x) - held).detach().abs().max()) <= 0.02 * float(wanted.detach().abs().max())
    with net.twin():
        assert torch.equal(net(x), wanted)


def test_a_plain_checkpoint_loads_strictly(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    net.load_state_dict(mlp().state_dict())
    with pytest.raises(RuntimeError, match="Missing key"):
        net.load_state_dict({"0.weight": torch.zeros(8, 6)})
    with pytest.raises(TwinbarError, match="assign=True"):
        net.load_state_dict(mlp().state_dict(), assign=True)


def test_loading_into_a_part_marks_it(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    x = torch.randn(5, 6)
    net(x)
    for _ in range(2):
        other = nn.Linear(8, 3)
        net.module[2].load_state_dict(other.state_dict())
        net(x)
        assert torch.equal(net.layers[1].weight, other.weight)
        assert_held(net.layers[1])
        # After a whole state was loaded, too.
        net.load_state_dict(net.state_dict())


def test_moved_weights_with_nothing_attached_are_warned_of(to_crossbar: Convert) -> None:
    for training in (True, False):
        net = to_crossbar(mlp()).train(training)
        x = torch.randn(5, 6)
        net(x)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        net(x).sum().backward()
        optimizer.step()
        with pytest.warns(UserWarning, match="the weights have moved, but the cells hold those of the beginning"):
            net(x)
        assert len(net.warnings) == 1
        assert net.step() > 0
        net(x)


def test_weights_that_were_changed_by_hand_are_warned_of_in_evaluation(
    to_crossbar: Convert, recwarn: pytest.WarningsRecorder
) -> None:
    net = to_crossbar(mlp())
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    x = torch.randn(5, 6)
    net(x).sum().backward()
    optimizer.step()
    net.eval()(x)
    assert net.warnings == []
    with torch.no_grad():
        net.module[0].weight.mul_(0.5)
    net(x)
    assert net.warnings == [
        "weights were changed after the last step, and the cells hold the ones before; call net.prepare(batch) to "
        "write them"
    ]
    net.prepare(x)
    assert_alike(net(x), net.module(x))
    with net.twin():
        wanted = net(x)
    assert_alike(net(x), wanted)


def test_an_interrupt_within_a_write_leaves_what_can_be_saved_and_continued(
    to_crossbar: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = to_crossbar(mlp(), policy="siamese")
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.5))
    x = torch.randn(5, 6)

    def train() -> None:
        optimizer.zero_grad()
        net(x).square().sum().backward()
        optimizer.step()

    train()
    write = FastEngine.write

    def interrupted(engine: FastEngine, todo: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FastEngine, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train()
    monkeypatch.setattr(FastEngine, "write", write)
    assert net.steps == 2
    resumed = to_crossbar(mlp(), policy="siamese")
    resumed.load_state_dict(net.state_dict())
    for one in (net, resumed):
        one(x)
        for layer in one.layers:
            assert_held(layer)
    assert torch.equal(net.eval()(x), resumed.eval()(x))
    net.train()
    train()
    assert net.steps == 3


def test_an_interrupt_within_the_first_write_programs_again(
    to_crossbar: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = mlp()
    net = to_crossbar(module)
    write = FastEngine.write

    def interrupted(engine: FastEngine, todo: object) -> object:
        write(engine, todo)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(FastEngine, "write", interrupted)
    x = torch.randn(5, 6)
    with pytest.raises(KeyboardInterrupt):
        net(x)
    assert not net.programmed
    monkeypatch.setattr(FastEngine, "write", write)
    assert_alike(net(x), module(x))


def test_results_do_not_depend_on_threads(to_crossbar: Convert) -> None:
    # Sums within the crossbar are of integers; the digital rest of this network adds nothing up.
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(75, 40), nn.ReLU(), nn.Linear(40, 5))
    x = torch.randn(64, 75)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        net = to_crossbar(module, device="taox-hfox", levels=16)
        found.append(net.eval()(x))
    assert torch.equal(*found)
    assert STATE_KEY in net.state_dict()


def test_the_first_pass_may_be_checkpointed(to_crossbar: Convert) -> None:
    x = torch.rand(4, 3, requires_grad=True)
    module = nn.Linear(3, 2)
    whole, repeated = to_crossbar(module), to_crossbar(module)
    whole(x).sum().backward()
    # Programming is no part of what is repeated, and no tensor of it is counted.
    checkpoint(repeated, x, use_reentrant=False).sum().backward()
    assert repeated.cost["initialization"]["cell_writes"] == whole.cost["initialization"]["cell_writes"]
    for mine, theirs in zip(repeated.parameters(), whole.parameters(), strict=True):
        assert torch.equal(mine.grad, theirs.grad)
    assert repeated.cost["energy_j"]["forward"] > 1.9 * whole.cost["energy_j"]["forward"]


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: weight.data.clamp_(-0.01, 0.01),
        lambda weight: weight.data.copy_(torch.zeros(8, 6)),
        lambda weight: weight.data.__setitem__(0, 0.0),
        lambda weight: setattr(weight, "data", torch.zeros(8, 6)),
        lambda weight: nn.utils.vector_to_parameters(torch.zeros(48), [weight]),
    ],
    ids=["clamp", "copy", "item", "set", "vector"],
)
def test_a_change_of_the_data_of_a_weight_is_noticed(
    change: Callable[[nn.Parameter], object], to_crossbar: Convert, recwarn: pytest.WarningsRecorder
) -> None:
    net = to_crossbar(mlp())
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    net.eval()
    x = torch.randn(5, 6)
    net(x)
    net.module[0].weight.data.clone()
    net(x)
    assert not recwarn.list
    change(net.module[0].weight)
    net(x)
    assert "weights were changed after the last step" in str(recwarn.pop().message)
    net.prepare(x)
    assert_held(net.layers[0])
    assert optimizer.param_groups  # Attached as long as it lives.


def test_activations_beyond_the_input_range_are_told_once_for_each_layer(
    to_crossbar: Convert, recwarn: pytest.WarningsRecorder
) -> None:
    net = to_crossbar(mlp().eval())
    net.prepare(torch.full((4, 6), 0.1))
    net(torch.full((4, 6), 0.3))
    assert not recwarn.list
    for _ in range(2):
        net(torch.ones(4, 6))
    (warning,) = recwarn.list
    assert str(warning.message) == (
        "activations of layer 0 are up to 10 times its input range, and are cut off at its end; net.prepare(batch) "
        "with such inputs gives the layer a range for them"
    )
    net.prepare(torch.ones(4, 6))
    assert_alike(net(torch.ones(4, 6)), net.module(torch.ones(4, 6)))


def test_conversions_that_saturate_are_told_once_for_each_layer(
    to_crossbar: Convert, recwarn: pytest.WarningsRecorder
) -> None:
    net = to_crossbar(nn.Linear(6, 3, bias=False), keys={"array.range_tracking": False})
    with torch.no_grad():
        net.module.weight.fill_(1.0)
    # Currents of one row calibrate the range; those of all six are six times as large.
    net.prepare(torch.eye(6))
    for _ in range(2):
        net(torch.ones(4, 6))
        net.end_epoch()
    sentences = [str(warning.message) for warning in recwarn.list]
    assert sentences == [
        "100.0% of the conversions of layer linear saturated in epoch 1; a wider ADC range (array.range_margin, "
        "array.range_tracking) would keep its sums"
    ]


def test_another_type_of_the_data_is_no_change(to_crossbar: Convert, recwarn: pytest.WarningsRecorder) -> None:
    net = to_crossbar(mlp())
    optimizer = net.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    net.eval()
    x = torch.randn(5, 6)
    net(x)
    net.double()(x.double())
    net.half()(x.half())
    assert not recwarn.list
    assert optimizer.param_groups  # Attached as long as it lives.


def test_data_of_another_shape_is_refused(to_crossbar: Convert) -> None:
    net = to_crossbar(mlp())
    with pytest.raises(TwinbarError, match=r"the weight of layer 0 is \[8, 6\], and the values .* are \[8, 7\]"):
        net.module[0].weight.data = torch.zeros(8, 7)
    assert net.module[0].weight.shape == (8, 6)
