"""Several layers in one program: the same sums as one after the other, and the same program on all engines."""

import itertools
from typing import Any

import numpy as np
import pytest
from comparison import assert_same_activity, assert_same_product, assert_same_state
from layer_samples import crossbar

from twinbar.emulator.contract.bulk_operations import LayerProduct, TileBlock, apart
from twinbar.emulator.contract.vector_order import VectorBeats, in_proportion, vector_by_vector
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import controller_maker
from twinbar.emulator.engines.side_by_side import SideBySide
from twinbar.hw.gateware.controller_config import ControllerConfig

pytestmark = pytest.mark.usefixtures("compiled_kernels")
OPTIONS = [
    {"cascade": cascade, "shared_inputs": shared, "outputs_per_beat": lanes, "sparse_inputs": sparse}
    for cascade, shared, lanes, sparse in itertools.product((False, True), (False, True), (1, 3), (False, True))
]


def array_of(tiles: int, **choices: Any) -> CrossbarConfig:
    controller = ControllerConfig(
        tiles=tiles, rows=8, columns=8, adc_bits=5, input_bits=2, adc_channels=2, command_depth=8
    )
    return crossbar(controller, inputs="dac", pairs="subtract", adc_offset_codes=0.5, **choices)


def two_layers(rng: np.random.Generator, *, by_column: bool) -> list[TileBlock]:
    """Return a layer of 3 x 2 tiles and one of 1 x 2, behind a tile that belongs to neither."""
    return [
        TileBlock(1, rng.permutation(24).reshape(3, 8), np.full(3, 8), np.array([8, 6]), 24, by_column),
        TileBlock(7, rng.permutation(8).reshape(1, 8), np.full(1, 8), np.array([8, 4]), 8, by_column),
    ]


def batches(layers: list[TileBlock], rng: np.random.Generator) -> list[LayerProduct]:
    """Return products of unlike batches; some vectors are zeros."""
    products = []
    for block, batch, full_scale in zip(layers, (3, 7), (3000.0, 2500.0), strict=True):
        inputs = rng.integers(0, 4, (batch, block.inputs)) * rng.integers(0, 2, (batch, 1))
        products.append(LayerProduct(block, inputs.astype(np.uint8), full_scale))
    return products


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_engines_agree_on_layers_side_by_side(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(7)
    config, columns = array_of(9, **options), np.full(9, 8)
    layers = two_layers(rng, by_column=options["cascade"])
    fast = FastEngine(config, 9, columns, layers=layers)
    others = [
        ControllerEngine(config, 9, columns, make=controller_maker(name), layers=layers) for name in ("fast", "events")
    ]
    for _ in range(2):
        products = batches(layers, rng)
        expected = fast.multiply_together(products)
        for other in others:
            for one, same in zip(expected, other.multiply_together(products), strict=True):
                assert_same_product(one, same)
    for other in others:
        assert_same_state(fast, other)


def test_sums_are_those_of_one_layer_after_the_other_in_less_time() -> None:
    rng = np.random.default_rng(8)
    config, columns = array_of(9, cascade=True, shared_inputs=True, outputs_per_beat=3), np.full(9, 8)
    layers = two_layers(rng, by_column=True)
    products = [
        LayerProduct(block, np.full((16, block.inputs), 3, np.uint8), scale)
        for block, scale in zip(layers, (3000.0, 2500.0), strict=True)
    ]
    together, apart_ = (FastEngine(config, 9, columns, layers=layers) for _ in range(2))
    side = together.multiply_together(products)
    lone = [apart_.multiply(one.block, one.inputs, one.full_scale) for one in products]
    for one, other in zip(side, lone, strict=True):
        assert one.codes.tolist() == other.codes.tolist()
    cycles = [result.activity.cycles + result.activity.link_cycles for result in (side[0], *lone)]
    assert max(cycles[1:]) <= cycles[0] < sum(cycles[1:])
    assert not side[1].activity.actions.any()


def test_several_controllers_multiply_side_by_side() -> None:
    rng = np.random.default_rng(9)
    config, columns = array_of(9), np.full(9, 8)
    layers = two_layers(rng, by_column=False)
    products = batches(layers, rng)
    makers = (FastEngine, lambda *a, **k: ControllerEngine(*a, make=controller_maker("fast"), **k))
    found = [SideBySide(make, config, columns, 4, layers=layers).multiply_together(products) for make in makers]
    for one, other in zip(*found, strict=True):
        assert one.codes.tolist() == other.codes.tolist()
        assert_same_activity(one.activity, other.activity)


def rows(*vectors: list[int]) -> VectorBeats:
    """Return a product of which each vector has the beats of a list."""
    return VectorBeats(np.concatenate([np.array(own, int) for own in vectors]), np.array([len(own) for own in vectors]))


def test_vectors_take_turns_in_proportion() -> None:
    # Places of the way: a at 0 and 1/2; b at 0, 1/4, 1/2, 3/4; each vector of b has two beats. At the same place, the
    # product of fewer vectors goes first.
    a, b = rows([10], [11]), rows([20, 21], [22, 23], [24, 25], [26, 27])
    for order in ([a, b], [b, a]):
        assert in_proportion(order).tolist() == [10, 20, 21, 22, 23, 11, 24, 25, 26, 27]
    # Of as many vectors, the product that is named first.
    assert in_proportion([rows([1]), rows([2])]).tolist() == [1, 2]
    # A vector without a beat keeps its place.
    assert in_proportion([a, rows([20], [], [24, 25], [26])]).tolist() == [10, 20, 11, 24, 25, 26]


def test_vectors_of_a_chain_go_one_behind_the_other() -> None:
    first, second = rows([10, 11], [], [12]), VectorBeats.alike(np.array([20, 21]), 3)
    assert vector_by_vector([first, second]).tolist() == [10, 11, 20, 21, 20, 21, 12, 20, 21]


def test_products_with_a_tile_in_common_are_programs_one_after_the_other() -> None:
    rng = np.random.default_rng(1)
    (first, second), nothing = two_layers(rng, by_column=False), np.zeros((1, 8), np.uint8)
    asked = [LayerProduct(block, nothing, 1.0) for block in (first, first, second, first, second)]
    assert apart(asked) == [[0, 2], [1, 4], [3]]
