"""Several controllers side by side do what one does that is large enough, at the same time."""

from collections.abc import Callable

import numpy as np
import pytest

from twinbar.emulator.contract.bulk_operations import Engine, TileBlock, WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.side_by_side import SideBySide, side_by_side
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import Phase

TILES = 10


@pytest.fixture
def config(make_crossbar: Callable[..., CrossbarConfig]) -> CrossbarConfig:
    # Read noise is drawn by ADC channel, and channels are not those of one large controller.
    return make_crossbar("ideal", rows=6, columns=8, levels=4, adc_noise_codes=0.0)


@pytest.fixture
def both(config: CrossbarConfig) -> tuple[Engine, SideBySide]:
    """One controller of ten tiles, and three of four tiles at most."""
    columns = np.full(TILES, 8)
    several = side_by_side(FastEngine, most=4)(config, TILES, columns)
    assert isinstance(several, SideBySide)
    return FastEngine(config, TILES, columns), several


def everything(levels: np.ndarray) -> WriteList:
    """A list of all cells of all tiles, levels [tiles, cells]."""
    tiles, cells = levels.shape
    return WriteList(
        np.arange(tiles + 1, dtype=np.int64) * cells,
        np.tile(np.arange(cells, dtype=np.int32), tiles),
        levels.ravel().astype(np.uint8),
    )


def test_one_controller_is_used_where_it_suffices(config: CrossbarConfig) -> None:
    assert isinstance(side_by_side(FastEngine, most=4)(config, 4, np.full(4, 8)), FastEngine)
    assert isinstance(side_by_side(FastEngine)(config, 256, np.full(256, 8)), FastEngine)
    large = side_by_side(FastEngine)(config, 257, np.full(257, 8))
    assert isinstance(large, SideBySide)
    assert (large.controllers, large.tiles, len(large.pulse_counts())) == (2, 257, 257)


def test_traits_of_cells_are_those_of_one_large_controller(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    config = make_crossbar("taox-hfox", rows=6, columns=8)
    one, several = (make(config, TILES, np.full(TILES, 8)) for make in (FastEngine, side_by_side(FastEngine, most=4)))
    fresh = several.conductances_s()
    assert np.array_equal(one.conductances_s(), fresh)
    # No controller repeats the cells of another one.
    assert not np.array_equal(fresh[0], fresh[4])
    assert not np.array_equal(fresh[4], fresh[8])


def test_cells_are_those_of_one_large_controller(both: tuple[Engine, SideBySide]) -> None:
    one, several = both
    assert several.controllers == 3
    todo = everything(np.random.default_rng(0).integers(0, 4, (TILES, 48)))
    wrote = [engine.write(todo) for engine in both]
    for name in ("codes", "sets", "resets", "ok"):
        assert np.array_equal(getattr(wrote[0], name), getattr(wrote[1], name)), name
    assert np.array_equal(one.conductances_s(), several.conductances_s())
    assert np.array_equal(one.pulse_counts(), several.pulse_counts())
    offsets, cells = todo.offsets, todo.cells
    assert np.array_equal(one.read(offsets, cells)[0], several.read(offsets, cells)[0])


def test_what_is_done_is_the_same_and_takes_as_long_as_the_slowest_part(both: tuple[Engine, SideBySide]) -> None:
    todo = everything(np.random.default_rng(0).integers(0, 4, (TILES, 48)))
    alone, together = (engine.write(todo).activity for engine in both)
    assert together.actions[Action.PULSE_SET] == alone.actions[Action.PULSE_SET] > 0
    # A clock is gated while a tile waits, of which there is less.
    kept = [action for action in Action if action is not Action.CLOCK_GATE]
    assert together.actions[kept].tolist() == alone.actions[kept].tolist()
    assert together.cell_energy.tolist() == alone.cell_energy.tolist()
    # Three streams carry what one had to: nothing is slower, and every tile's cycles are accounted.
    assert together.cycles + together.link_cycles <= alone.cycles + alone.link_cycles
    assert int(together.phases.sum()) == TILES * (together.cycles + together.link_cycles)


def test_controllers_without_work_are_idle(both: tuple[Engine, SideBySide]) -> None:
    _, several = both
    offsets = np.zeros(TILES + 1, np.int64)
    offsets[6:] = 3  # three cells of tile 5, which is the second one of the second controller
    result = several.write(WriteList(offsets, np.arange(3, dtype=np.int32), np.full(3, 2, np.uint8)))
    lasts = result.activity.cycles + result.activity.link_cycles
    assert lasts > 0
    assert result.activity.phases[Phase.IDLE] >= 9 * lasts
    assert int(result.activity.phases.sum()) == TILES * lasts
    assert several.pulse_counts()[5].sum() == several.pulse_counts().sum() > 0
    nothing = several.write(WriteList(np.zeros(TILES + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8)))
    assert (len(nothing.codes), nothing.activity.cycles) == (0, 0)


@pytest.mark.parametrize(
    ("shape", "first"), [((2, 5), 0), ((5, 2), 0), ((10, 1), 0), ((1, 10), 0), ((3, 3), 0), ((3, 3), 1)], ids=str
)
def test_products_are_those_of_one_large_controller(
    config: CrossbarConfig, both: tuple[Engine, SideBySide], shape: tuple[int, int], first: int
) -> None:
    row_tiles, column_tiles = shape
    rng = np.random.default_rng(1)
    todo = everything(rng.integers(0, 4, (TILES, 48)))
    inputs = row_tiles * 6
    block = TileBlock(
        first,
        np.arange(inputs, dtype=np.int64).reshape(row_tiles, 6),
        np.full(row_tiles, 6),
        np.full(column_tiles, 8),
        inputs,
    )
    codes = rng.integers(0, config.array.input_max + 1, (3, inputs)).astype(np.uint8)
    results = []
    for engine in both:
        engine.write(todo)
        results.append(engine.multiply(block, codes, 2000.0))
    alone, together = results
    assert np.array_equal(alone.codes, together.codes)
    for name in ("lowest", "highest", "clipped", "conversions"):
        assert getattr(alone, name) == getattr(together, name), name
    assert alone.activity.cell_energy.tolist() == together.activity.cell_energy.tolist()
    assert alone.activity.actions[Action.CONVERT_FORWARD] == together.activity.actions[Action.CONVERT_FORWARD] > 0
    lasts = together.activity.cycles + together.activity.link_cycles
    assert int(together.activity.phases.sum()) == TILES * lasts


def test_the_state_is_restored(config: CrossbarConfig, both: tuple[Engine, SideBySide]) -> None:
    one, several = both
    todo = everything(np.random.default_rng(0).integers(0, 4, (TILES, 48)))
    several.write(todo)
    state = several.state_dict()
    expected = several.write(everything(np.full((TILES, 48), 1)))
    again = side_by_side(FastEngine, most=4)(config, TILES, np.full(TILES, 8))
    again.load_state_dict(state)
    assert np.array_equal(again.write(everything(np.full((TILES, 48), 1))).codes, expected.codes)
    with pytest.raises(ConfigError, match="the checkpoint is of 1 controllers; this crossbar has 3"):
        several.load_state_dict(one.state_dict())
