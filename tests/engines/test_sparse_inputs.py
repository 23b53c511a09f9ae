"""Inputs that are zero are left out: the same sums in fewer beats, and the same program on all engines."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from comparison import assert_same_product, assert_same_state
from layer_samples import crossbar, random_writes

from twinbar.emulator.contract.bulk_operations import ChainedLayer, LayerProduct, TileBlock
from twinbar.emulator.contract.digital_functions import DigitalFunctions
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.emulator.engines.side_by_side import SideBySide
from twinbar.emulator.verify.elaborations import ELABORATIONS
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig

pytestmark = pytest.mark.usefixtures("compiled_kernels")
ROWS = 16
"""Of a tile: two words of eight inputs."""
TILES = 9
OPTIONS = [
    {"cascade": cascade, "shared_inputs": shared, "outputs_per_beat": lanes}
    for cascade, shared, lanes in itertools.product((False, True), (False, True), (1, 3))
]


def array_of(tiles: int = TILES, **choices: Any) -> CrossbarConfig:
    controller = ControllerConfig(tiles=tiles, rows=ROWS, columns=8, adc_bits=6, adc_channels=2, command_depth=4)
    return crossbar(controller, **{"pairs": "subtract", "adc_offset_codes": 0.5, "sparse_inputs": True} | choices)


def layer(*, cascade: bool, rows: int = 4, first: int = 1) -> TileBlock:
    """Return a contiguous layer of two column tiles, behind a tile that belongs to none."""
    places = np.arange(rows * ROWS).reshape(rows, ROWS)
    return TileBlock(first, places, np.full(rows, ROWS), np.array([8, 6]), rows * ROWS, cascade)


def vectors(rows: int = 4) -> np.ndarray:
    """Return vectors with inputs in every range of row tiles, in one of their words each; and one without."""
    rng = np.random.default_rng(4)
    found = [np.zeros(rows * ROWS, int)]
    for low, high in itertools.combinations(range(rows + 1), 2):
        inputs = np.zeros((rows, 2, ROWS // 2), int)
        inputs[[low, high - 1], rng.integers(0, 2)] = rng.integers(0, 16, ROWS // 2) | 1
        found.append(inputs.reshape(-1))
    return np.array(found, np.uint8)[rng.permutation(len(found))]


@pytest.mark.parametrize("inputs", ["dac", "planes"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_engines_agree(options: dict[str, Any], inputs: str) -> None:
    config, columns = array_of(inputs=inputs, **options), np.full(TILES, 8)
    block = layer(cascade=options["cascade"])
    fast = FastEngine(config, TILES, columns, layers=[block])
    others = [
        ControllerEngine(config, TILES, columns, make=controller_maker(name), layers=[block])
        for name in ("fast", "events")
    ]
    # The same row tiles multiply in both, and take as many steps; but one is sent twice as many words.
    one_word = vectors()
    both_words = np.repeat(one_word.reshape(len(one_word), -1, 2, ROWS // 2).max(axis=2, keepdims=True), 2, axis=2)
    both_words = both_words.reshape(one_word.shape)
    repeated = [one_word, both_words] * 2
    for batch in (*repeated, np.zeros((3, block.inputs), np.uint8), one_word[:1]):
        expected = fast.multiply(block, batch, 3000.0)
        for other in others:
            assert_same_product(expected, other.multiply(block, batch, 3000.0))
    for other in others:
        assert_same_state(fast, other)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_sums_are_those_of_all_inputs(options: dict[str, Any]) -> None:
    block, batch, columns = layer(cascade=options["cascade"]), vectors(), np.full(TILES, 8)
    sparse, dense = (
        FastEngine(array_of(sparse_inputs=sparse, **options), TILES, columns, layers=[block]).multiply(
            block, batch, 3000.0
        )
        for sparse in (True, False)
    )
    assert sparse.codes.tolist() == dense.codes.tolist()
    assert (sparse.conversions, sparse.clipped) == (dense.conversions, dense.clipped)
    kept = [Action.CONVERT_FORWARD, Action.ROW_DRIVE, Action.INPUT_STEP, Action.SHIFT_ADD]
    assert sparse.activity.actions[kept].tolist() == dense.activity.actions[kept].tolist()
    assert sparse.activity.cell_energy.sum() <= dense.activity.cell_energy.sum()
    total, of_all = (one.activity.cycles + one.activity.link_cycles for one in (sparse, dense))
    assert total < of_all


def test_beats_of_a_cascade_by_hand() -> None:
    """Of four row tiles, a vector has inputs in a word of the second and in two of the third."""
    options = {"cascade": True, "shared_inputs": True, "outputs_per_beat": 3}
    block, columns = layer(cascade=True), np.full(TILES, 8)
    inputs = np.zeros((1, block.inputs), np.uint8)
    inputs[0, [ROWS + 9, 2 * ROWS, 2 * ROWS + 8]] = 5
    engine = FastEngine(array_of(**options), TILES, columns, layers=[block])
    engine.multiply(block, inputs, 3000.0)  # ranges are set
    actions = engine.multiply(block, inputs, 3000.0).activity.actions
    # Three words, each to two column tiles; a cascade of two members for each column tile.
    assert actions[Action.COMMAND_BEAT] == 3 + 2
    assert actions[Action.SHARED_BEAT] == 3 + 2
    # Four and three outputs in beats of three.
    assert actions[Action.RESPONSE_BEAT] == 2 + 1
    assert actions[Action.PACKED_OUTPUT] == 2 + 2
    assert actions[Action.PARTIAL_SUM] == 4 + 3


def test_row_tiles_that_convert_zeros_are_not_left_out() -> None:
    with pytest.raises(ConfigError, match=r"array.sparse_inputs is true, .*; set array.skip_empty = true"):
        array_of(skip_empty=False)


def test_layers_side_by_side_and_several_controllers() -> None:
    config, columns = array_of(12), np.full(12, 8)
    layers = [layer(cascade=False), layer(cascade=False, rows=1, first=9)]
    makers = (FastEngine, lambda *a, **k: ControllerEngine(*a, make=controller_maker("fast"), **k))
    for most in (12, 5):
        found = []
        for make in makers:
            engine = (
                make(config, 12, columns, layers=layers)
                if most == 12
                else SideBySide(make, config, columns, most, layers=layers)
            )
            products = [LayerProduct(block, vectors(len(block.row_input)), 3000.0) for block in layers]
            found.append(engine.multiply_together(products))
        for one, other in zip(*found, strict=True):
            assert_same_product(one, other)


@pytest.mark.parametrize("name", [pytest.param("rtl", marks=pytest.mark.compiler), "pysim", "events"])
def test_a_chain_and_its_netlist_agree(name: str) -> None:
    """The first row tile of a chain's first layer takes part: its sums are kept for the transfers."""
    rng = np.random.default_rng(5)
    elaboration = ELABORATIONS["network"]
    shape = elaboration.controller
    options = ("command_depth", "cascade", "shared_inputs", "outputs_per_beat", "chain")
    changes = {option: getattr(shape, option) for option in options} | {"sparse_inputs": True}
    config = replace(elaboration.config, array=elaboration.config.array.model_copy(update=changes))
    pairs = shape.columns // 2
    first = TileBlock(
        0,
        np.arange(2 * shape.rows).reshape(2, shape.rows),
        np.full(2, shape.rows),
        np.array([2 * pairs]),
        2 * shape.rows,
        by_column=True,
    )
    rows = np.minimum(np.arange(shape.rows), pairs)[None]
    second = TileBlock(2, rows, np.array([pairs]), np.array([4]), pairs)
    columns = np.full(shape.tiles, shape.columns)
    fast = FastEngine(config, shape.tiles, columns, layers=[first, second])
    other = ControllerEngine(config, shape.tiles, columns, make=controller_maker(name), layers=[first, second])
    if name != "pysim":
        todo = random_writes(config, shape.tiles, rng, most=20)
        for engine in (fast, other):
            engine.write(todo)
    batch = rng.integers(1, 32, (4, first.inputs)).astype(np.uint8)
    batch[0, : shape.rows], batch[1, shape.rows :], batch[2] = 0, 0, 0
    functions = DigitalFunctions(rng.integers(0, 700, pairs), rng.integers(0, 40, pairs), 10, True, 31)
    chain = [ChainedLayer(first, 4000.0, functions, answered=True), ChainedLayer(second, 2500.0)]
    for some in (batch, batch[2:3]):
        for one, same in zip(fast.multiply_chain(chain, some), other.multiply_chain(chain, some), strict=True):
            assert_same_product(one, same)
    # By itself, the layer leaves its first row tile out, too.
    assert_same_product(fast.multiply(first, batch, 4000.0), other.multiply(first, batch, 4000.0))
    assert_same_state(fast, other)
