from collections.abc import Callable

import pytest
import torch
from torch import nn

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import MultiplyResult
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.ranges import DECAY_PER_VECTOR, GROWTH, ConverterRange

CODES_PER_GRID = 1 / 16


def result(lowest: int, highest: int, clipped: int = 0, conversions: int = 100_000) -> MultiplyResult:
    return MultiplyResult(None, lowest, highest, clipped, conversions, Activity())  # type: ignore[arg-type]


@pytest.mark.parametrize(("lowest", "highest"), [(0, 100), (-100, 20)])
def test_a_range_follows_a_larger_current_at_once(lowest: int, highest: int) -> None:
    tracked = ConverterRange(full_scale=1000.0)
    tracked.track_current(result(lowest, highest), CODES_PER_GRID, 1.25, 64)
    assert tracked.full_scale == 100 * 16 * 1.25


def test_a_range_shrinks_slowly_to_what_it_sees() -> None:
    tracked = ConverterRange(full_scale=4000.0)
    tracked.track_current(result(0, 100), CODES_PER_GRID, 1.25, 50)
    assert tracked.full_scale == pytest.approx(4000 - (4000 - 2000) * DECAY_PER_VECTOR * 50)
    tracked.track_current(result(0, 100), CODES_PER_GRID, 1.25, 10**9)
    assert tracked.full_scale == pytest.approx(2000)


def test_a_range_grows_where_conversions_clip() -> None:
    tracked = ConverterRange(full_scale=1000.0)
    tracked.track_current(result(-128, 127, clipped=100), CODES_PER_GRID, 1.25, 64)
    assert tracked.full_scale == 1000 * GROWTH


def test_a_rare_peak_is_clipped() -> None:
    tracked = ConverterRange(full_scale=1000.0)
    tracked.track_current(result(-128, 127, clipped=10), CODES_PER_GRID, 1.25, 64)
    assert tracked.full_scale == 1000


def test_the_largest_input_is_followed_faster_upwards() -> None:
    tracked = ConverterRange(full_scale=1.0, input_max=1.0)
    tracked.track_input(2.0, 64)
    up = tracked.input_max - 1.0
    tracked = ConverterRange(full_scale=1.0, input_max=1.0)
    tracked.track_input(0.0, 64)
    assert up > 100 * (1.0 - tracked.input_max) > 0


def test_no_activation_is_cut_to_less_than_half() -> None:
    tracked = ConverterRange(full_scale=1.0, input_max=1.0)
    tracked.track_input(10.0, 64)
    # At once to the half, and from there a fiftieth of the way.
    assert tracked.input_max == pytest.approx(5 + 0.02 * 5)
    tracked.track_best_input(40.0, 64)
    assert tracked.input_max == pytest.approx(20 + 0.02 * 20)
    tracked = ConverterRange(full_scale=1.0, input_max=1.0)
    tracked.track_input(2.0, 64)
    assert tracked.input_max == pytest.approx(1 + 0.02)


def test_the_best_range_is_followed_as_fast_downwards() -> None:
    tracked = ConverterRange(full_scale=1.0, input_max=1.0)
    tracked.track_best_input(2.0, 64)
    assert tracked.input_max == pytest.approx(1 + 0.02)
    tracked = ConverterRange(full_scale=1.0, input_max=1.0)
    tracked.track_best_input(0.5, 32)
    assert tracked.input_max == pytest.approx(1 - 0.5 * 0.02 / 2)
    tracked.track_best_input(0.25, 10**6)
    assert tracked.input_max == 0.25


@pytest.fixture
def network(on_crossbar: Callable[..., CrossbarNetwork]) -> CrossbarNetwork:
    torch.manual_seed(0)
    network = on_crossbar(nn.Linear(20, 6), torch.rand(64, 20), options={"range_margin": 1.1, "weight_range": 1.0})
    network.module.train()
    return network


def test_calibration_leaves_head_room_for_what_it_saw(network: CrossbarNetwork) -> None:
    matmul = network.layers[0].matmul
    torch.manual_seed(0)
    nn.Linear(20, 6)
    x = torch.rand(64, 20)
    network.module.eval()
    outcome = matmul.session.multiply_layer(matmul.map.blocks[0].tiles, matmul.quantize(x)[0], matmul.range.full_scale)
    gain = matmul.session.engine.config.adc_range(matmul.range.full_scale).codes_per_grid
    assert outcome.clipped == 0
    peak = max(abs(outcome.lowest), abs(outcome.highest)) / gain
    assert peak * 1.05 < matmul.range.full_scale < peak * 1.15
    assert matmul.range.input_max == pytest.approx(float(x.max()))


def test_ranges_move_while_training_and_stay_in_evaluation(network: CrossbarNetwork) -> None:
    matmul = network.layers[0].matmul
    network.module.eval()
    before = matmul.state_dict()
    network.module(3 * torch.rand(64, 20))
    assert matmul.state_dict() == before
    network.module.train()
    network.module(3 * torch.rand(64, 20))
    assert matmul.range.input_max > before["input_max"]
    assert matmul.conversions > 0


def test_a_frozen_range_stays_and_its_clipping_is_counted(on_crossbar: Callable[..., CrossbarNetwork]) -> None:
    torch.manual_seed(0)
    options = {"range_margin": 1.0, "range_tracking": False, "weight_range": 1.0}
    network = on_crossbar(nn.Linear(20, 6), 0.3 * torch.rand(64, 20), options=options)
    matmul = network.layers[0].matmul
    with torch.no_grad():
        matmul.range.input_max = 1.0  # larger inputs than the range was calibrated for
        before = matmul.range.full_scale
        network.module.train()
        matmul.take_clipped()
        network.module(torch.ones(64, 20))
    assert matmul.range.full_scale == before
    assert 0.05 < matmul.take_clipped() <= 1.0
    assert matmul.take_clipped() == 0.0


def test_inputs_without_a_one_move_no_range(network: CrossbarNetwork) -> None:
    matmul = network.layers[0].matmul
    before = matmul.range.full_scale
    for _ in range(5):
        y = network.module(torch.zeros(3, 20))
    assert torch.equal(y, network.module.bias.expand(3, 6))
    # Nothing was converted, so that nothing is known of the currents.
    assert matmul.range.full_scale == before


def test_inputs_are_cut_where_their_error_is_least(on_crossbar: Callable[..., CrossbarNetwork]) -> None:
    torch.manual_seed(0)
    options = {"input_range": "least-error", "weight_range": 1.0}
    # Codes 0 to 3: ones beside a few eights are best met with a range of 3 (see test_input_codes).
    x = torch.ones(101, 20)
    x[0] = 8.0
    network = on_crossbar(nn.Linear(20, 6, bias=False), x, options=options, input_bits=2)
    matmul = network.layers[0].matmul
    assert matmul.range.input_max == 3.0
    network.module.eval()
    network.module(2 * x)
    assert matmul.range.input_max == 3.0
    # What is cut is seen as the largest code, by the products and by the gradients.
    with torch.no_grad():
        cut, one = network.module(x[:1]), network.module(3 * x[1:2])
    assert torch.equal(cut, one)
    assert torch.equal(matmul.quantize(x)[1], x.clamp(0, 3))
    network.module.train()
    network.module(2 * x)
    assert matmul.range.input_max == pytest.approx(3 + 3 * 0.02 * 101 / 64)
    before = matmul.range.input_max
    network.module(torch.zeros(101, 20))
    assert matmul.range.input_max == before


def test_a_frozen_range_does_not_follow_the_least_error(on_crossbar: Callable[..., CrossbarNetwork]) -> None:
    options = {"input_range": "least-error", "range_tracking": False, "weight_range": 1.0}
    torch.manual_seed(0)
    x = torch.rand(64, 20)
    network = on_crossbar(nn.Linear(20, 6), x, options=options)
    before = network.layers[0].matmul.range.input_max
    network.module.train()
    network.module(0.1 * x)
    assert network.layers[0].matmul.range.input_max == before
