"""How long ADC channels are on, and how often one is switched on: counted by hand, and alike on all engines."""

from typing import Any

import numpy as np
import pytest
from comparison import assert_same_activity
from layer_samples import crossbar, random_layer, random_writes

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.hw.actions import Action
from twinbar.hw.gateware.controller_config import ControllerConfig

pytestmark = pytest.mark.usefixtures("compiled_kernels")
ENGINES = ("bulk", "fast", "events", "pysim")
WIDE = ControllerConfig(tiles=1, rows=4, columns=8, adc_channels=4, adc_bits=6, input_bits=2)


def engine_of(name: str, config: Any, tiles: int = 1) -> Any:
    columns = np.full(tiles, config.array.columns)
    if name == "bulk":
        return FastEngine(config, tiles, columns)
    return ControllerEngine(config, tiles, columns, make=controller_maker(name))


def counted(activity: Activity) -> tuple[int, int]:
    return int(activity.actions[Action.CHANNEL_CYCLE]), int(activity.actions[Action.CHANNEL_WAKE])


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("name", ENGINES)
def test_a_product_by_hand(name: str, *, holds: bool) -> None:
    config = crossbar(WIDE, inputs="dac", pairs="separate", sample_and_hold=holds)
    block = TileBlock(0, np.arange(4)[None], np.array([4]), np.array([6]), 4)
    activity = engine_of(name, config).multiply(block, np.array([[1, 0, 2, 3]], np.uint8), 900.0).activity
    # Settling 5, conversion 3, decide 1, and the responses to outputs 0 to 2 with four channels; with output 3, three
    # outputs are left; the second conversion with two channels. Whether the columns hold their values changes nothing.
    assert counted(activity) == (4 * (5 + 3 + 1 + 3) + 3 + 2 * 3, 4)


@pytest.mark.parametrize("name", ENGINES)
def test_a_product_without_an_input_step_switches_nothing_on(name: str) -> None:
    config = crossbar(WIDE, inputs="planes", pairs="separate")
    block = TileBlock(0, np.arange(4)[None], np.array([4]), np.array([6]), 4)
    activity = engine_of(name, config).multiply(block, np.zeros((2, 4), np.uint8), 900.0).activity
    assert counted(activity) == (0, 0)


@pytest.mark.parametrize("name", ENGINES)
def test_a_read_by_hand(name: str) -> None:
    config = crossbar(WIDE)
    _, activity = engine_of(name, config).read(np.array([0, 3]), np.array([0, 9, 31], np.int32))
    # Settling 3 and one conversion of 3 cycles, each with the channel of its column.
    assert counted(activity) == (3 * (3 + 3), 3)


@pytest.mark.parametrize("name", ["fast", "events", pytest.param("pysim", marks=pytest.mark.slow)])
@pytest.mark.parametrize("inputs", ["dac", "planes"])
def test_engines_agree_with_the_bulk_kernels(name: str, inputs: str) -> None:
    controller = ControllerConfig(
        tiles=3, rows=6, columns=8, adc_channels=4, adc_bits=6, input_bits=2, response_depth=2
    )
    config = crossbar(controller, inputs=inputs, pairs="separate", sample_and_hold=inputs == "dac")
    rng = np.random.default_rng(8)
    bulk, other = engine_of("bulk", config, 3), engine_of(name, config, 3)
    for _ in range(2):
        todo = random_writes(config, 3, rng, most=2)
        assert_same_activity(bulk.write(todo).activity, other.write(todo).activity)
        block, values = random_layer(config, 3, rng, batch=2)
        expected = bulk.multiply(block, values, 900.0).activity
        assert_same_activity(expected, other.multiply(block, values, 900.0).activity)
        assert counted(expected) > (0, 0)
