"""Cascades, shared inputs and packed outputs: the bulk kernels against programs, and against the same tiles without."""

import itertools
from typing import Any

import numpy as np
import pytest
from comparison import assert_same_activity, assert_same_product, assert_same_state
from layer_samples import crossbar

from twinbar.emulator.contract.bulk_operations import Engine, TileBlock
from twinbar.emulator.contract.lane_sums import add_up, saturate
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.emulator.engines.side_by_side import SideBySide, side_by_side
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.timing import Phase

pytestmark = pytest.mark.usefixtures("compiled_kernels")
OPTIONS = [
    {"cascade": cascade, "shared_inputs": shared, "outputs_per_beat": lanes, "sparse_inputs": sparse}
    for cascade, shared, lanes, sparse in itertools.product((False, True), (False, True), (1, 2, 3), (False, True))
]
LAYERS: list[tuple[tuple[int, int], dict[str, Any]]] = [
    ((3, 2), {"inputs": "planes", "pairs": "separate", "adc_channels": 1, "command_depth": 4}),
    ((2, 3), {"inputs": "dac", "pairs": "subtract", "adc_channels": 2, "sample_and_hold": False}),
    ((1, 3), {"inputs": "planes", "pairs": "subtract", "adc_channels": 1, "command_depth": 2, "skip_empty": False}),
    ((4, 1), {"inputs": "planes", "pairs": "subtract", "adc_channels": 2, "sample_and_hold": False}),
]
"""Row and column tiles, and the array of each."""


def array_of(tiles: int, **choices: Any) -> CrossbarConfig:
    shape = {name: choices.pop(name) for name in ("adc_channels", "command_depth") if name in choices}
    controller = ControllerConfig(tiles=tiles, rows=8, columns=8, adc_bits=5, input_bits=2, **shape)
    return crossbar(controller, **choices)


def layer(shape: tuple[int, int], rng: np.random.Generator, *, by_column: bool, first: int = 1) -> TileBlock:
    rows, columns = shape
    row_input = rng.permutation(rows * 8).reshape(rows, 8)
    return TileBlock(first, row_input, np.full(rows, 8), 2 * rng.integers(1, 5, columns), rows * 8, by_column)


def vectors(block: TileBlock, rng: np.random.Generator) -> np.ndarray:
    """Inputs of which many are 0: in one vector all, in another those of the last row tile."""
    inputs = rng.integers(0, 4, (4, block.inputs)) * rng.integers(0, 2, (4, block.inputs))
    inputs[1, block.row_input[-1]] = 0
    inputs[2] = 0
    return inputs.astype(np.uint8)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_bulk_kernels_and_programs_agree(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    for shape, choices in LAYERS:
        if options["sparse_inputs"] and not choices.get("skip_empty", True):
            continue
        tiles = shape[0] * shape[1] + 1
        config = array_of(tiles, adc_offset_codes=0.5, **choices, **options)
        block = layer(shape, rng, by_column=options["cascade"])
        columns = np.full(tiles, 8)
        fast = FastEngine(config, tiles, columns, layers=[block])
        other = ControllerEngine(config, tiles, columns, make=controller_maker("fast"), layers=[block])
        for _ in range(2):
            inputs = vectors(block, rng)
            expected, got = (engine.multiply(block, inputs, 3000.0) for engine in (fast, other))
            assert_same_product(expected, got)
        assert_same_state(fast, other)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_a_cascade_adds_the_sums_of_its_tiles(lanes: int) -> None:
    rng = np.random.default_rng(6)
    choices = {"inputs": "planes", "pairs": "separate", "adc_channels": 2}
    alone, together = layer((3, 1), rng, by_column=False), layer((3, 1), np.random.default_rng(6), by_column=True)
    inputs = vectors(alone, rng)
    single = FastEngine(array_of(4, **choices), 4, np.full(4, 8)).multiply(alone, inputs, 3000.0)
    options = {"cascade": True, "outputs_per_beat": lanes}
    cascade = FastEngine(array_of(4, **choices, **options), 4, np.full(4, 8)).multiply(together, inputs, 3000.0)
    assert cascade.codes.tolist() == single.codes.sum(axis=0, keepdims=True).tolist()
    # What the tiles do is the same; one of them answers, in as many beats as its outputs need.
    outputs, batch = int(together.used_columns[0]), len(inputs)
    before, after = single.activity.actions, cascade.activity.actions
    moved = {Action.COMMAND_BEAT, Action.RESPONSE_BEAT, Action.PARTIAL_SUM, Action.PACKED_OUTPUT, Action.SHARED_BEAT}
    # And how long they wait for each other.
    moved |= {Action.CHANNEL_CYCLE, Action.CLOCK_GATE}
    kept = [action for action in Action if action not in moved]
    assert after[kept].tolist() == before[kept].tolist()
    beats = batch * -(-outputs // lanes)
    registers = before[Action.RESPONSE_BEAT] - 3 * batch * outputs
    assert after[Action.RESPONSE_BEAT] == beats + registers
    assert after[Action.PARTIAL_SUM] == 2 * batch * outputs
    assert after[Action.PACKED_OUTPUT] == batch * outputs - beats
    assert after[Action.SHARED_BEAT] == 2 * batch
    assert after[Action.COMMAND_BEAT] == before[Action.COMMAND_BEAT] - 2 * batch
    busy = [phase for phase in Phase if phase not in (Phase.IDLE, Phase.STALL)]
    assert cascade.activity.phases[busy].tolist() == single.activity.phases[busy].tolist()
    assert cascade.activity.cell_energy.tolist() == single.activity.cell_energy.tolist()


def test_sums_saturate_at_every_addition() -> None:
    sums = np.array([[5, -5, -2], [2047, -2048, 1], [1, -1, 2047]])
    # From the last to the first: 1 + 2047 stays 2047, + 5 too; -1 - 2048 stays -2048; 2047 + 1 stays 2047, - 2 is 2045.
    assert add_up(sums, 12).tolist() == [2047, -2048, 2045]
    assert saturate(np.array([-2049, -2048, 2047, 2048]), 12).tolist() == [-2048, -2048, 2047, 2047]
    assert add_up(sums, 18).tolist() == [2053, -2054, 2046]


@pytest.mark.parametrize("shape", [(3, 2), (5, 2), (2, 4)])
def test_a_cascade_is_cut_where_a_controller_ends(shape: tuple[int, int]) -> None:
    """Controllers of four tiles: sums of parts are added by the host; every part has its own input groups."""
    rng = np.random.default_rng(7)
    tiles = shape[0] * shape[1] + 1
    block = layer(shape, rng, by_column=True)
    choices = {"inputs": "dac", "pairs": "subtract", "adc_channels": 2, "cascade": True, "shared_inputs": True}
    config = array_of(tiles, **choices)
    inputs = vectors(block, rng)

    def programs(*arguments: Any, **keywords: Any) -> Engine:
        return ControllerEngine(*arguments, make=controller_maker("fast"), **keywords)

    one = FastEngine(config, tiles, np.full(tiles, 8), layers=[block])
    found = [
        side_by_side(make, most=4)(config, tiles, np.full(tiles, 8), layers=[block]) for make in (FastEngine, programs)
    ]
    assert all(isinstance(engine, SideBySide) for engine in found)
    for engine in found:
        assert np.array_equal(engine.conductances_s(), one.conductances_s())
    several, other = (engine.multiply(block, inputs, 3000.0) for engine in found)
    assert several.codes.shape == (1, shape[1], len(inputs), int(block.used_columns.max()) // 2)
    assert other.codes.tolist() == several.codes.tolist()
    assert_same_activity(several.activity, other.activity)


def test_what_could_saturate_a_lane_is_refused() -> None:
    # 5 bits: a pair gives -16 to 15, by bit planes of weights 1 and 2 at most 48; 42 row tiles of it reach 2016.
    array_of(1, inputs="planes", pairs="subtract", cascade=True, outputs_per_beat=3).check_lanes("layer", 42)
    with pytest.raises(ConfigError, match=r"layer 0 can reach 2064, 43 row tiles of 48 each; .* 12 bits.* 2047"):
        array_of(1, inputs="planes", pairs="subtract", cascade=True, outputs_per_beat=3).check_lanes("0", 43)
    # A calibrated offset lies where codes do: a code less its offset reaches 31.
    assert array_of(1, inputs="dac", pairs="subtract", adc_offset_codes=0.5).largest_output == 31
    # Where sums are scaled they have 18 bits, which hold 131071: 2730 row tiles of 48 reach 131040.
    chained = array_of(1, inputs="planes", pairs="subtract", cascade=True, shared_inputs=True, chain=True)
    chained.check_lanes("layer", 2730)
    with pytest.raises(ConfigError, match=r"layer 0 can reach 131088; with array.chain .* 18 bits .* 131071"):
        chained.check_lanes("0", 2731)
    controller = ControllerConfig(rows=8, columns=8, adc_bits=10, input_bits=4)
    with pytest.raises(ConfigError, match=r"sums of a tile can reach 15345; .*outputs_per_beat = 3"):
        crossbar(controller, inputs="planes", pairs="separate", outputs_per_beat=3)
