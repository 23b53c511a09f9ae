"""Layers that follow one another in one program: the bulk engine and program engines agree, and so does arithmetic."""

import itertools
from typing import Any

import numpy as np
import pytest
from comparison import assert_same_activity, assert_same_state
from layer_samples import crossbar, random_writes

from twinbar.emulator.contract.bulk_operations import ChainedLayer, MultiplyResult, TileBlock
from twinbar.emulator.contract.requantizer import Requantizer
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.hw.gateware.controller_config import ControllerConfig

pytestmark = pytest.mark.usefixtures("compiled_kernels")
ROWS, OUTPUTS = 16, 8
"""Of a tile. With input codes of 4 bits a word has eight of them, so that each tile gives one word, and takes two."""
WIDTHS = (24, 20, 8, 5)
"""Inputs of three layers, and the outputs of the last: 2 x 3 tiles, 2 x 1, and 1 x 1."""


def array_of(tiles: int, **choices: Any) -> CrossbarConfig:
    controller = ControllerConfig(
        tiles=tiles, rows=ROWS, columns=2 * OUTPUTS, adc_bits=6, input_bits=4, adc_channels=2, command_depth=8
    )
    options = {"cascade": True, "shared_inputs": True, "chain": True, "outputs_per_beat": 2}
    return crossbar(controller, pairs="subtract", adc_offset_codes=0.5, **options | choices)


def blocks(widths: tuple[int, ...] = WIDTHS, first: int = 1) -> list[TileBlock]:
    """Lay layers out contiguously, behind a tile that belongs to none."""
    found = []
    for inputs, outputs in itertools.pairwise(widths):
        row_tiles, column_tiles = -(-inputs // ROWS), -(-outputs // OUTPUTS)
        places = np.arange(row_tiles * ROWS).reshape(row_tiles, ROWS)
        used = np.minimum(ROWS, inputs - ROWS * np.arange(row_tiles))
        columns = 2 * np.minimum(OUTPUTS, outputs - OUTPUTS * np.arange(column_tiles))
        found.append(TileBlock(first, np.minimum(places, inputs), used, columns, inputs, row_tiles > 1))
        first += row_tiles * column_tiles
    return found


def chain_of(layers: list[TileBlock], rng: np.random.Generator, *, answered: tuple[bool, ...]) -> list[ChainedLayer]:
    """Draw digital functions that leave codes of all sizes."""
    chain = []
    for block, own, full_scale in zip(layers, answered, (4000.0, 2500.0, 2000.0), strict=True):
        outputs = int(block.used_columns.sum()) // 2
        scale, bias = rng.integers(-300, 700, outputs), rng.integers(-20, 40, outputs)
        requantizer = Requantizer(scale, bias, 12, bool(rng.integers(2)), 15)
        chain.append(ChainedLayer(block, full_scale, None if block is layers[-1] else requantizer, own))
    return chain


def assert_same(one: MultiplyResult, other: MultiplyResult) -> None:
    assert one.codes.tolist() == other.codes.tolist()
    for name in ("lowest", "highest", "clipped", "conversions"):
        assert getattr(one, name) == getattr(other, name), name
    assert_same_activity(one.activity, other.activity)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"inputs": "dac", "outputs_per_beat": 1},
    {"skip_empty": False, "command_depth": 4, "outputs_per_beat": 3},
    {"sample_and_hold": True, "command_depth": 64},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("answered", [(True, True, True), (False, False, True), (False, True, True)], ids=str)
def test_bulk_and_programs_agree(options: dict[str, Any], answered: tuple[bool, ...]) -> None:
    rng = np.random.default_rng(11)
    layers = blocks()
    tiles = layers[-1].tiles.stop
    config, columns = array_of(tiles, **options), np.full(tiles, 2 * OUTPUTS)
    fast = FastEngine(config, tiles, columns, layers=layers)
    others = [
        ControllerEngine(config, tiles, columns, make=controller_maker(name), layers=layers)
        for name in ("fast", "events")
    ]
    todo = random_writes(config, tiles, rng, most=120)
    for engine in (fast, *others):
        engine.write(todo)
    for batch in (1, 4, 3):
        inputs = (rng.integers(0, 16, (batch, WIDTHS[0])) * rng.integers(0, 2, (batch, 1))).astype(np.uint8)
        chain = chain_of(layers, rng, answered=answered)
        expected = fast.multiply_chain(chain, inputs)
        for other in others:
            for one, same in zip(expected, other.multiply_chain(chain, inputs), strict=True):
                assert_same(one, same)
        assert [result.codes.shape[2] for result in expected] == [batch if own else 0 for own in answered]
        # A product of a layer by itself is answered as ever.
        alone = fast.multiply(layers[0], inputs, 4000.0)
        for other in others:
            assert_same(alone, other.multiply(layers[0], inputs, 4000.0))
    for other in others:
        assert_same_state(fast, other)
