"""The microprogram computes the very physics of the emulator, and knows how long it takes."""

import numpy as np
import pytest
from chip_samples import InterpretedArray, crossbar
from chip_worlds import FAULTS
from chip_worlds import WORLDS as ALL_WORLDS

from twinbar.emulator.crossbar.array import (
    NO_CELL,
    REFERENCE,
    convert_single,
    convert_sum,
    gate_closes,
    load_word,
    make_state,
    sum_step,
)
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.hw.gateware.array.image import compress, expand
from twinbar.hw.gateware.array.instructions import Condition
from twinbar.hw.gateware.array.memory_map import stored_tables
from twinbar.hw.gateware.controller_config import ControllerConfig

SHAPES = {
    "one channel": ControllerConfig(rows=6, columns=4, input_bits=4),
    "two channels, words that are not full": ControllerConfig(rows=11, columns=8, adc_channels=2, input_bits=3),
    "coarse": ControllerConfig(rows=5, columns=6, input_bits=1, adc_bits=4),
    "wide": ControllerConfig(rows=3, columns=2, input_bits=8, adc_bits=12),
}
WORLDS = {name: ALL_WORLDS[name] for name in ("plain", "with faults", "with converter errors", "without read noise")}
"""Others are in `test_one_physics`."""


def pair(shape: str, world: str, tile: int = 0):
    controller = SHAPES[shape]
    config = crossbar(controller, **WORLDS[world])
    return controller, make_state(config, tile + 1, controller.adc_channels), InterpretedArray(controller, config, tile)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("tile", [0, 3])
def test_cells_are_formed_alike(world, tile):
    _, state, array = pair("two channels, words that are not full", world, tile)
    array.assert_same_cells(state, tile)
    assert array.form_cycles <= array.program.cycles.form


@pytest.mark.parametrize("world", WORLDS)
def test_pulses_move_cells_alike(world):
    tile = 2
    rng = np.random.default_rng(1)
    controller, state, array = pair("one channel", world, tile)
    drive = array.model.threshold
    for _ in range(600):
        row, column = int(rng.integers(controller.rows)), int(rng.integers(controller.columns))
        polarity = SET if rng.random() < 0.6 else RESET
        amplitude = drive[polarity] + int(rng.choice([-1, 0, 200]))
        cell = row * controller.columns + column
        gate_closes(state, tile, cell, polarity, amplitude, 4095, int(rng.integers(1, 30)))
        taken = array.pulse(row, column, resets=polarity == RESET, acts=amplitude >= drive[polarity])
        assert taken <= array.program.cycles.pulse
    array.assert_same_cells(state, tile)
    assert len(np.unique(state.g[tile])) > 10


def spread_out(rng, controller, state, array, tile=0):
    """Bring the cells all over the window, by pulses."""
    for cell in range(controller.rows * controller.columns):
        for _ in range(int(rng.integers(20))):
            gate_closes(state, tile, cell, SET, 4095, 4095, 1)
            array.pulse(*divmod(cell, controller.columns), resets=False, acts=True)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_single_conversions_give_the_same_codes(shape, world):
    rng = np.random.default_rng(2)
    controller, state, array = pair(shape, world)
    spread_out(rng, controller, state, array)
    codes = set()
    for _ in range(60):
        row, column = int(rng.integers(controller.rows)), int(rng.integers(controller.columns))
        kind = rng.choice(["cell", "cell", "column", "pair", "reference"])
        code_range = int(rng.choice([0, rng.integers(1 << 16), rng.integers(10 << 11, 16 << 11)]))
        channel = column % controller.adc_channels
        trim = int(rng.integers(256))
        cell = {"cell": row * controller.columns + column, "reference": REFERENCE}.get(kind, NO_CELL)
        column = column // 2 if kind == "pair" else column
        channel = column % controller.adc_channels
        expected = convert_single(state, 0, cell, column, int(kind == "pair"), channel, trim, code_range)
        conditions = {"cell": {Condition.CELL}, "reference": {Condition.REFERENCE}, "pair": {Condition.PAIRS}}
        pins = conditions.get(kind, set())
        array.machine.trims[channel] = trim
        longest = array.program.cycles.read_range if code_range else array.program.cycles.read
        assert array.connect(pins, row=row, column=column, range=code_range) <= longest
        assert array.convert(pins, {channel}) <= array.program.cycles.convert
        assert array.machine.codes[channel] == expected
        codes.add(expected)
    assert len(codes) > 5


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_products_give_the_same_codes(shape, world):
    rng = np.random.default_rng(3)
    controller, state, array = pair(shape, world)
    spread_out(rng, controller, state, array)
    channels, codes = controller.adc_channels, set()
    for _ in range(16):
        for word in range(controller.words):
            bits = int(rng.integers(1 << 32)) & int(rng.choice([0xFFFFFFFF, rng.integers(1 << 32)]))
            fields = {"field_bits": controller.field_bits, "rows_per_word": controller.rows_per_word}
            load_word(state, 0, word, bits, clear=False, **fields)
            array.machine.words[word] = bits
        subtract, by_codes = bool(rng.integers(2)), bool(rng.integers(2))
        plane = int(rng.integers(controller.input_bits))
        code_range = int(rng.choice([rng.integers(1 << 16), rng.integers(12 << 11, 20 << 11)]))
        conditions = {Condition.ROWS} | ({Condition.PAIRS} if subtract else set())
        conditions |= {Condition.CODES} if by_codes else set()
        sum_step(state, 0, plane, subtract, by_codes)
        outputs = controller.columns // 2 if subtract else controller.columns
        pins = {"plane": plane, "range": code_range}
        assert array.connect(conditions, **pins) <= array.program.cycles.multiply
        for first in range(0, outputs, channels):
            active = set(range(min(channels, outputs - first)))
            expected = [convert_sum(state, 0, first + n, subtract, n, 100 + n, code_range) for n in active]
            array.machine.trims = {n: 100 + n for n in active}
            assert array.convert(conditions, active, column=first, **pins) <= array.program.cycles.convert
            assert [array.machine.codes[n] for n in active] == expected
            codes |= set(expected)
    assert len(codes) > 5


@pytest.mark.parametrize("seed", range(5))
def test_tables_survive_their_compression(seed):
    rng = np.random.default_rng(seed)
    steps = rng.integers(-1 << 29, 1 << 29, 5).repeat(rng.integers(1, 90, 5)) + rng.integers(0, 1 << seed * 4, 1)[0]
    values = [int(v) for v in np.cumsum(steps + rng.integers(0, 1 << seed * 4, len(steps))) % (1 << 31)]
    assert expand(compress(values), len(values)) == values


def test_memory_without_contents_is_filled_by_the_program():
    controller = SHAPES["one channel"]
    config = crossbar(controller, update=FAULTS)
    array = InterpretedArray(controller, config, packed=True)
    tables = stored_tables(controller, array.model)
    # Between the gains and the responses lie the cells' read-grid values.
    expected = [*tables[: array.at.grid], *tables[4 * array.at.responses :]]
    memory = array.machine.memory
    assert [*memory[: array.at.grid], *memory[4 * array.at.responses : len(tables)]] == expected
    array.assert_same_cells(make_state(config, 1, 1))
    assert array.form_cycles <= array.program.cycles.form
