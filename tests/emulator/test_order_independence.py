"""Results depend on what is asked for, not on threads, on the company of other tiles, or on how lists are cut."""

from collections.abc import Callable, Iterator

import numba
import numpy as np
import pytest
from program_runner import write_list

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.hw.actions import Action
from twinbar.hw.timing import Phase

TILES = 3
Entries = list[list[tuple[int, int]]]


@pytest.fixture
def config(make_crossbar: Callable[..., CrossbarConfig]) -> CrossbarConfig:
    return make_crossbar("neurram", levels=16, adc_channels=2)


@pytest.fixture
def entries(config: CrossbarConfig) -> Entries:
    """Writes of every tile, some cells several times."""
    rng = np.random.default_rng(5)
    return [[(int(rng.integers(config.array.cells)), int(rng.integers(16))) for _ in range(n)] for n in (200, 60, 130)]


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = numba.get_num_threads()
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("NUMBA_NUM_THREADS is 1, so that there is nothing to compare")
    yield numba.set_num_threads
    numba.set_num_threads(before)


def new_engine(config: CrossbarConfig) -> FastEngine:
    return FastEngine(config, TILES, np.full(TILES, config.array.columns))


def state(engine: FastEngine) -> dict[str, list[int]]:
    """What the tiles hold; whose turn it is at the response stream belongs to none of them."""
    return {name: np.asarray(value).tolist() for name, value in engine.state_dict().items() if name != "served"}


def work(activity: Activity) -> np.ndarray:
    """Phases without those in which tiles wait for the streams, and so for each other."""
    return np.delete(activity.phases, [Phase.IDLE, Phase.STALL])


def multiply(engine: FastEngine) -> list[int]:
    rows, columns = engine.config.array.rows, engine.config.array.columns
    block = TileBlock(0, np.arange(TILES * rows).reshape(TILES, rows), np.full(TILES, rows), np.array([columns]), 24)
    inputs = np.random.default_rng(2).integers(0, 16, size=(9, TILES * rows))
    return engine.multiply(block, inputs, 0.3 * engine.config.sums.largest_sum).codes.tolist()


def test_the_number_of_threads_changes_nothing(
    config: CrossbarConfig, entries: Entries, threads: Callable[[int], None]
) -> None:
    def run(number: int) -> tuple[object, ...]:
        threads(number)
        engine = new_engine(config)
        result = engine.write(write_list(entries))
        engine.set_tick(3)
        codes, _ = engine.read(np.array([0, 8, 16, 24]), np.tile(np.arange(8, dtype=np.int32), 3))
        return result.codes.tolist(), result.activity.phases.tolist(), codes.tolist(), multiply(engine), state(engine)

    assert run(1) == run(2)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_tiles_do_not_notice_each_other(config: CrossbarConfig, entries: Entries, order: tuple[int, ...]) -> None:
    together = new_engine(config)
    result = together.write(write_list(entries))
    alone = new_engine(config)
    for tile in order:
        part = alone.write(write_list([entries[k] if k == tile else [] for k in range(TILES)]))
        start = sum(map(len, entries[:tile]))
        assert part.codes.tolist() == result.codes[start : start + len(entries[tile])].tolist()
    assert state(alone) == state(together)
    assert multiply(alone) == multiply(together)


@pytest.mark.parametrize("cut", [1, 30, 60])
def test_two_lists_do_what_one_list_does(config: CrossbarConfig, entries: Entries, cut: int) -> None:
    whole, parts = new_engine(config), new_engine(config)
    once = whole.write(write_list(entries))
    first = parts.write(write_list([tile[:cut] for tile in entries]))
    second = parts.write(write_list([tile[cut:] for tile in entries]))
    assert state(parts) == state(whole)
    actions = first.activity.actions, second.activity.actions
    assert (work(first.activity) + work(second.activity)).tolist() == work(once.activity).tolist()
    # How often clocks are gated at most follows from the waits.
    both, one = (np.delete(counts, Action.CLOCK_GATE) for counts in (sum(actions), once.activity.actions))
    assert both.tolist() == one.tolist()
    assert (first.activity.cell_energy + second.activity.cell_energy).tolist() == once.activity.cell_energy.tolist()
    # Each list waits for its slowest tile.
    assert first.activity.cycles + second.activity.cycles >= once.activity.cycles


def test_the_seed_decides(make_crossbar: Callable[..., CrossbarConfig], entries: Entries) -> None:
    def run(seed: int) -> list[int]:
        return new_engine(make_crossbar("neurram", levels=16, seed=seed)).write(write_list(entries)).codes.tolist()

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_tiles_have_cells_of_their_own(config: CrossbarConfig) -> None:
    first, second, third = state(new_engine(config))["g"]
    assert first != second
    assert second != third


def test_an_empty_list_does_nothing(config: CrossbarConfig) -> None:
    engine = new_engine(config)
    before = state(engine)
    result = engine.write(write_list([[], [], []]))
    assert (result.activity.cycles, int(result.activity.actions.sum())) == (0, 0)
    assert state(engine) == before
