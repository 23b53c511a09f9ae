"""Layers that follow one another in one program: the bulk engine and program engines agree, and so does arithmetic."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from comparison import assert_same_product, assert_same_state
from layer_samples import crossbar, random_writes

from twinbar.emulator.contract.bulk_operations import ChainedLayer, TileBlock
from twinbar.emulator.contract.chain_moves import moves
from twinbar.emulator.contract.digital_functions import DigitalFunctions
from twinbar.emulator.contract.input_groups import InputGroups
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


def blocks(
    widths: tuple[int, ...] = WIDTHS, first: int = 1, *, rows: int = ROWS, pairs: int = OUTPUTS
) -> list[TileBlock]:
    """Lay layers out contiguously, behind a tile that belongs to none."""
    found = []
    for inputs, outputs in itertools.pairwise(widths):
        row_tiles, column_tiles = -(-inputs // rows), -(-outputs // pairs)
        places = np.arange(row_tiles * rows).reshape(row_tiles, rows)
        used = np.minimum(rows, inputs - rows * np.arange(row_tiles))
        columns = 2 * np.minimum(pairs, outputs - pairs * np.arange(column_tiles))
        found.append(TileBlock(first, np.minimum(places, inputs), used, columns, inputs, row_tiles > 1))
        first += row_tiles * column_tiles
    return found


def chain_of(
    layers: list[TileBlock], rng: np.random.Generator, *, answered: tuple[bool, ...], top: int = 15
) -> list[ChainedLayer]:
    """Draw digital functions that leave codes of all sizes."""
    chain = []
    for block, own, full_scale in zip(layers, answered, (4000.0, 2500.0, 2000.0), strict=True):
        outputs = int(block.used_columns.sum()) // 2
        scale, bias = rng.integers(-300, 700, outputs), rng.integers(-20, 40, outputs)
        functions = DigitalFunctions(scale, bias, 12, bool(rng.integers(2)), top)
        chain.append(ChainedLayer(block, full_scale, None if block is layers[-1] else functions, own))
    return chain


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
                assert_same_product(one, same)
        assert [result.codes.shape[2] for result in expected] == [batch if own else 0 for own in answered]
        # A product of a layer by itself is answered as ever.
        alone = fast.multiply(layers[0], inputs, 4000.0)
        for other in others:
            assert_same_product(alone, other.multiply(layers[0], inputs, 4000.0))
    for other in others:
        assert_same_state(fast, other)


@pytest.mark.parametrize("name", [pytest.param("rtl", marks=pytest.mark.compiler), "pysim"])
def test_the_netlist_agrees(name: str) -> None:
    rng = np.random.default_rng(5)
    elaboration = ELABORATIONS["network"]
    shape = elaboration.controller
    options = ("command_depth", "cascade", "shared_inputs", "outputs_per_beat", "chain")
    array = elaboration.config.array.model_copy(update={option: getattr(shape, option) for option in options})
    config = replace(elaboration.config, array=array)
    layers = blocks((12, 4, 4, 3), 0, rows=shape.rows, pairs=shape.columns // 2)
    assert layers[-1].tiles.stop == shape.tiles
    columns = np.full(shape.tiles, shape.columns)
    fast = FastEngine(config, shape.tiles, columns, layers=layers)
    netlist = ControllerEngine(config, shape.tiles, columns, make=controller_maker(name), layers=layers)
    assert netlist.controller.controller == shape
    if name == "rtl":
        todo = random_writes(config, shape.tiles, rng, most=20)
        for engine in (fast, netlist):
            engine.write(todo)
    for batch, answered in ((2, (False, True, True)), (1, (True, False, True))):
        inputs = rng.integers(0, 32, (batch, 12)).astype(np.uint8)
        chain = chain_of(layers, rng, answered=answered, top=31)
        for one, other in zip(fast.multiply_chain(chain, inputs), netlist.multiply_chain(chain, inputs), strict=True):
            assert_same_product(one, other)
    assert_same_state(fast, netlist)


@pytest.fixture
def ready() -> tuple[FastEngine, list[TileBlock], np.random.Generator]:
    """Return a bulk engine whose cells are written."""
    rng = np.random.default_rng(6)
    layers = blocks()
    tiles = layers[-1].tiles.stop
    config = array_of(tiles, adc_noise_codes=0.0)
    fast = FastEngine(config, tiles, np.full(tiles, 2 * OUTPUTS), layers=layers)
    fast.write(random_writes(config, tiles, rng, most=120))
    return fast, layers, rng


Ready = tuple[FastEngine, list[TileBlock], np.random.Generator]


def test_layers_get_what_the_digital_functions_make(ready: Ready) -> None:
    fast, layers, rng = ready
    inputs = rng.integers(0, 16, (5, WIDTHS[0])).astype(np.uint8)
    chain = chain_of(layers, rng, answered=(True, True, True))
    columns = np.full(fast.tiles, 2 * OUTPUTS)
    other = FastEngine(fast.config, fast.tiles, columns, layers=layers)
    other.load_state_dict(fast.state_dict())
    results = fast.multiply_chain(chain, inputs)
    codes = inputs
    for layer, result in zip(chain, results, strict=True):
        # Noise is drawn by tile, so that it is that of the layers one after the other.
        alone = other.multiply(layer.block, codes, layer.full_scale)
        assert alone.codes[0].tolist() == result.codes[0].tolist()
        if layer.functions is not None:
            own = layer.functions
            outputs = layer.block.used_columns // 2
            sums = np.concatenate([part[:, :n] for part, n in zip(result.codes[0], outputs, strict=True)], axis=1)
            # By the formula of docs/controller.md, with Python's integers.
            codes = np.array(
                [
                    [
                        min(max((int(x) + int(b)) * int(a) + (1 << own.shift) // 2 >> own.shift, 0), 15)
                        for x, a, b in zip(row, own.scale, own.bias, strict=True)
                    ]
                    for row in sums
                ],
                np.uint8,
            )
            assert len(np.unique(codes)) > 3


def test_counts_of_a_vector(ready: Ready) -> None:
    fast, layers, rng = ready
    inputs = np.full((3, WIDTHS[0]), 9, np.uint8)
    chain = chain_of(layers, rng, answered=(False, False, True))
    fast.multiply_chain(chain, inputs)
    # Registers and ranges are set; with one step for each image, nothing but the images is left.
    actions = fast.multiply_chain(chain, inputs)[0].activity.actions
    count = {action: int(actions[action]) for action in Action}
    # 20 + 8 sums are kept. Tiles 1, 3, 5 send a word each (of 8, 8 and 4 codes), tile 7 one; as many are taken.
    assert count[Action.REQUANTIZE] == 3 * 28
    assert count[Action.TRANSFERRED_WORD] == 3 * (4 + 4)
    # Words of 8 inputs, 2 + 1 of them to three column tiles at once; three cascades, one, and a tile; four transfers.
    assert count[Action.COMMAND_BEAT] == 3 * (3 + 3 + 1 + 1 + 4)
    assert count[Action.SHARED_BEAT] == 3 * (2 * 3 + 3 + 1 + 4)
    # Each of four tiles says once that it has kept its sums; five outputs are two to a beat.
    assert count[Action.RESPONSE_BEAT] == 3 * (4 + 3)
    assert count[Action.PACKED_OUTPUT] == 3 * (7 + 7 + 3 + 7 + 2)


def test_images_overlap(ready: Ready) -> None:
    fast, layers, rng = ready
    chain = chain_of(layers, rng, answered=(False, False, True))
    cycles = []
    for batch in (1, 1, 2, 22):
        activity = fast.multiply_chain(chain, np.full((batch, WIDTHS[0]), 9, np.uint8))[0].activity
        cycles.append(activity.cycles + activity.link_cycles)
    # The first program sets registers. Each further image costs less than half of the way through all layers.
    assert (cycles[3] - cycles[2]) / 20 < cycles[1] / 2


def test_registers_are_written_where_they_change(ready: Ready) -> None:
    fast, layers, rng = ready
    chain = chain_of(layers, rng, answered=(True, True, True))
    inputs = np.zeros((1, WIDTHS[0]), np.uint8)
    beats = [int(fast.multiply_chain(chain, inputs)[0].activity.actions[Action.RESPONSE_BEAT]) for _ in range(2)]
    # Nine ranges; four registers of activations; 28 scales.
    assert beats[0] - beats[1] == 9 + 4 + 28
    before = int(fast.multiply(layers[0], inputs, 4000.0).activity.actions[Action.RESPONSE_BEAT])
    # The three first members of the first layer answer again.
    assert before - int(fast.multiply(layers[0], inputs, 4000.0).activity.actions[Action.RESPONSE_BEAT]) == 3


def test_a_restored_engine_goes_on_alike(ready: Ready) -> None:
    fast, layers, rng = ready
    chain = chain_of(layers, rng, answered=(False, True, True))
    inputs = rng.integers(0, 16, (2, WIDTHS[0])).astype(np.uint8)
    fast.multiply_chain(chain, inputs)
    columns = np.full(fast.tiles, 2 * OUTPUTS)
    others = [
        FastEngine(fast.config, fast.tiles, columns, layers=layers),
        ControllerEngine(fast.config, fast.tiles, columns, make=controller_maker("fast"), layers=layers),
    ]
    for other in others:
        other.load_state_dict(fast.state_dict())
    expected = fast.multiply_chain(chain, inputs)
    for other in others:
        for one, same in zip(expected, other.multiply_chain(chain, inputs), strict=True):
            assert_same_product(one, same)


def test_a_controller_among_several(ready: Ready) -> None:
    fast, layers, rng = ready
    chain = chain_of(layers, rng, answered=(False, True, True))
    inputs = rng.integers(0, 16, (2, WIDTHS[0])).astype(np.uint8)
    makers = (FastEngine, lambda *a, **k: ControllerEngine(*a, make=controller_maker("fast"), **k))
    # Nine tiles of a chain behind the first one: in one of two controllers, or in both.
    moved = [ChainedLayer(_moved(own.block, 9), own.full_scale, own.functions, own.answered) for own in chain]
    columns = np.full(20, 2 * OUTPUTS)
    blocks_ = [own.block for own in moved]
    found = [
        SideBySide(make, fast.config, columns, 10, layers=blocks_).multiply_chain(moved, inputs) for make in makers
    ]
    for one, other in zip(*found, strict=True):
        assert_same_product(one, other)
    with pytest.raises(ConfigError, match="tiles 10 to 18, which lie in several controllers"):
        SideBySide(FastEngine, fast.config, columns, 12, layers=blocks_).multiply_chain(moved, inputs)


def _moved(block: TileBlock, distance: int) -> TileBlock:
    return replace(block, first_tile=block.first_tile + distance)


def test_layers_that_do_not_fit_are_refused(ready: Ready) -> None:
    fast, layers, rng = ready
    chain = chain_of(layers, rng, answered=(True, True, True))
    inputs = np.zeros((1, WIDTHS[0]), np.uint8)
    with pytest.raises(ConfigError, match="20 outputs is chained to one of 8 inputs"):
        fast.multiply_chain([chain[0], chain[2]], inputs)
    apart = replace(chain[0], block=replace(layers[0], by_column=False))
    with pytest.raises(ConfigError, match=r"2 row tiles is chained.*array.cascade = true"):
        fast.multiply_chain([apart, *chain[1:]], inputs)
    turned = replace(chain[1], block=replace(layers[1], row_input=layers[1].row_input[:, ::-1]))
    with pytest.raises(ConfigError, match="neighbouring rows"):
        fast.multiply_chain([chain[0], turned, chain[2]], inputs)
    with pytest.raises(ConfigError, match=r"array.chain = true"):
        FastEngine(array_of(10, chain=False), 10, np.full(10, 16), layers=layers).multiply_chain(chain, inputs)


def test_runs_of_outputs_that_are_no_words_are_refused() -> None:
    # Six outputs of a tile are no whole word of eight inputs.
    sender, receiver = blocks((16, 12), pairs=6)[0], blocks((12, 4))[0]
    with pytest.raises(ConfigError, match="a word of inputs has 8 of them"):
        moves(sender, np.array([6, 6]), receiver, 8)


def test_a_controller_has_255_input_groups() -> None:
    tall = TileBlock(0, np.arange(256)[:, None], np.ones(256, np.int64), np.array([2]), 256, True)
    assert InputGroups(256, [tall]).of(tall) is None
    with pytest.raises(ConfigError, match="has 256 row tiles, and 255 input groups"):
        InputGroups(256, [tall], alone=True)
    less = TileBlock(0, np.arange(255)[:, None], np.ones(255, np.int64), np.array([2]), 255, True)
    groups = InputGroups(256, [less], alone=True).of(less)
    assert groups is not None
    assert sorted(groups) == list(range(1, 256))
