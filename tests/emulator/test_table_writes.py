"""Writes by pulse table: the compiled engine gives what the readable reference gives, and what can be worked out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program_runner import Pair, interleaved, write_list
from reference import Cost

from twinbar.emulator.contract.bulk_operations import TileBlock, WriteList, WriteResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.pulse_table import NEVER, PulseEntries, PulseTable, TableRules
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.hw.actions import Action

TILES = 2
RULES = TableRules(limit=50, discard=0, shift=8)
Crossbars = Callable[..., CrossbarConfig]


def table_of(
    amplitude: list[int],
    *,
    rules: dict[str, int] | None = None,
    turns: tuple[int, int] = (0, 0),
    ends: int = 0,
    count: int = 1,
    **fields: Any,
) -> PulseTable:
    """A table of both polarities alike, with open gates."""
    both = np.array([amplitude, amplitude], np.int64)
    none = np.zeros_like(both)
    entries = PulseEntries(both, none + 4095, none + count, none + np.array(turns)[:, None], none + ends)
    own = {"first": False, "by_level": False, "entry_of_move": np.zeros((256, 256), np.int64)}
    return PulseTable(entries, RULES._replace(**(rules or {})), **own | fields)


@st.composite
def tables(draw: st.DrawFn) -> PulseTable:
    """Any table: codes in any order, all rules."""
    count = draw(st.sampled_from([1, 2, 5]))
    codes = st.integers(500, 4095)

    def lines(values: st.SearchStrategy[int]) -> np.ndarray:
        return np.array([draw(st.lists(values, min_size=count, max_size=count)) for _ in range(2)], np.int64)

    rules = RULES._replace(
        limit=draw(st.sampled_from([1, 2, 7, 20, 255])),
        shift=draw(st.sampled_from([0, 1, 2, 5, 15])),
        rise=draw(st.integers(0, 2)),
        fall=draw(st.sampled_from([0, 1, count])),
        keep=draw(st.integers(0, 1)),
        patience=draw(st.sampled_from([0, 2, NEVER])),
        slack=draw(st.integers(0, 9)),
        compare=draw(st.integers(0, 1)),
    )
    turns = lines(st.sampled_from([0, 0, 1]))
    ends = (1 - turns) * lines(st.sampled_from([0, 0, 0, 1]))
    entries = PulseEntries(lines(codes), lines(codes), lines(st.sampled_from([1, 1, 2, 5])), turns, ends)
    moves = np.array([[draw(st.integers(0, count - 1)) for _ in range(8)] for _ in range(8)], np.int64)
    return PulseTable(entries, rules, draw(st.booleans()), False, moves, draw(st.booleans()))


@pytest.mark.parametrize("preset", ["taox-hfox", "umass-hfo2", "neurram", "ibm-pcm"])
@settings(max_examples=15, deadline=None)
@given(table=tables(), seed=st.integers(0, 2**32 - 1), pairs=st.sampled_from(["separate", "subtract"]))
def test_random_tables_agree(make_crossbar: Crossbars, preset: str, table: PulseTable, seed: int, pairs: str) -> None:
    rng = np.random.default_rng(seed)
    config = replace(make_crossbar(preset, rows=3, columns=4, seed=seed, pairs=pairs), pulse_table=table)
    both = Pair(config, TILES, np.full(TILES, 4))
    for tick in range(2):
        both.engine.set_tick(tick)
        both.reference.set_tick(tick)
        todo = [[(int(rng.integers(12)), int(rng.integers(8))) for _ in range(4)] for _ in range(TILES)]
        held = rng.integers(0, 8, (TILES, 4))
        flat = write_list(todo)
        result = both.engine.write(WriteList(flat.offsets, flat.cells, flat.levels, held.ravel().astype(np.int16)))
        costs = [Cost() for _ in todo]
        expected = []
        for tile, entries, levels, cost in zip(both.reference.tiles, todo, held, costs, strict=True):
            for (cell, level), now in zip(entries, levels, strict=True):
                command = (
                    int(table.first and level != now),
                    int(level < now),
                    int(table.entry_of_move[now, level]),
                )
                expected.append(tile.write_by_table(cell, level, command, cost))
        assert result.codes.tolist() == [response.code for response in expected]
        assert result.sets.tolist() == [response.sets for response in expected]
        assert result.resets.tolist() == [response.resets for response in expected]
        assert result.ok.tolist() == [response.ok for response in expected]
        both.check_activity(result.activity, interleaved(costs), costs)
        state = both.engine.state_dict()
        assert state["g"].tolist() == [tile.g for tile in both.reference.tiles]
        assert state["conversions"].tolist() == [tile.conversions for tile in both.reference.tiles]
    # What multiplications take for the cells is kept up to date: it is as if it were computed anew.
    anew = FastEngine(config, TILES, np.full(TILES, 4))
    anew.load_state_dict(both.engine.state_dict())
    block = TileBlock(0, np.tile(np.arange(3), (TILES, 1)), np.full(TILES, 3), np.array([4]), 3)
    inputs = np.arange(1, 4)[None]
    products = [engine.multiply(block, inputs, 5000.0) for engine in (both.engine, anew)]
    assert np.array_equal(products[0].codes, products[1].codes)
    assert np.array_equal(products[0].activity.cell_energy, products[1].activity.cell_energy)


@pytest.fixture
def exact(make_crossbar: Crossbars) -> Callable[[PulseTable], FastEngine]:
    """Make an engine of cells that move by 1/256 of the window per pulse: 32 pulses per level of 9."""

    def make(table: PulseTable) -> FastEngine:
        config = make_crossbar("ideal", rows=1, columns=2, levels=9, variation=False, adc_noise_codes=0.0)
        return FastEngine(replace(config, pulse_table=table), 1, np.array([2]))

    return make


def write(engine: FastEngine, level: int, held: int | None = None) -> WriteResult:
    known = None if held is None else np.array([held], np.int16)
    return engine.write(WriteList(np.array([0, 1]), np.zeros(1, np.int32), np.array([level], np.uint8), known))


def reads(result: WriteResult) -> int:
    return int(result.activity.actions[Action.CONVERT_VERIFY])


def test_a_first_pulse_saves_a_read(exact: Callable[[PulseTable], FastEngine]) -> None:
    plain, known = exact(table_of([3500])), exact(table_of([3500], first=True))
    for engine, level in ((plain, 1), (known, 1)):
        result = write(engine, level, 0)
        # The window of level 1 begins half a level above level 0: 16 pulses away.
        assert result.ok.all()
        assert 15 <= result.sets[0] <= 17
    up_plain, up_known = write(plain, 2, 1), write(known, 2, 1)
    assert up_plain.sets[0] == up_known.sets[0]
    assert reads(up_plain) == up_plain.sets[0] + 1
    assert reads(up_known) == up_known.sets[0]
    down = write(known, 1, 2)
    assert reads(down) == down.resets[0] > 0
    # Nothing is known of this cell, or it is where it should be: a read comes first.
    assert reads(write(known, 1)) == 1
    assert reads(write(known, 1, 1)) == 1


def test_a_turning_entry_erases_without_a_read(exact: Callable[[PulseTable], FastEngine]) -> None:
    engine = exact(table_of([3500], first=True, turns=(0, 1), rules={"limit": 9}))
    for _ in range(5):  # to 45 pulses from the bottom, of which 16 are in the window of level 0
        assert not write(engine, 4, 0).ok.any()
    result = write(engine, 0, 1)
    # RESET and SET undo each other, so that the limit ends it: the SET that would be the tenth pulse is not given.
    assert (result.resets[0], result.sets[0]) == (5, 4)
    assert reads(result) == 5
    assert not result.ok.any()


def test_patience_widens_the_window_after_some_pulses(exact: Callable[[PulseTable], FastEngine]) -> None:
    strict = write(exact(table_of([3500])), 1)
    patient = write(exact(table_of([3500], rules={"patience": 3, "slack": 5})), 1)
    low = int(exact(table_of([3500])).config.levels.low[1])
    assert strict.codes[0] >= low
    assert low - 5 <= patient.codes[0] < low
    assert patient.ok.all()
    late = write(exact(table_of([3500], rules={"patience": 40, "slack": 5})), 1)
    assert late.sets[0] == strict.sets[0]


def test_the_drive_is_updated_when_the_entry_changes(exact: Callable[[PulseTable], FastEngine]) -> None:
    engine = exact(table_of([3500, 3500, 3500], rules={"rise": 1, "fall": 3}))
    # Entries 0, 1, 2, 2 ...: three updates, though all have the same codes. The next write begins with entry 0 again.
    assert write(engine, 1).activity.actions[Action.DRIVE_UPDATE] == 3
    assert write(engine, 2).activity.actions[Action.DRIVE_UPDATE] == 3
    single = exact(table_of([3500]))
    assert write(single, 1).activity.actions[Action.DRIVE_UPDATE] == 1
    assert write(single, 2).activity.actions[Action.DRIVE_UPDATE] == 0


def test_what_the_host_says_of_the_first_pulse() -> None:
    moves = np.array([[0, 0, 1, 2], [0, 0, 0, 1], [1, 0, 0, 0], [2, 1, 0, 0]])
    table = table_of([1, 2, 3], first=True, entry_of_move=moves)
    levels, held = np.array([3, 2, 2, 0], np.uint8), np.array([3, 1, 3, 3], np.int16)
    fields = table.begin(levels, held)
    assert fields.first.tolist() == [0, 1, 1, 1]
    assert fields.polarity.tolist() == [SET, SET, RESET, RESET]
    assert fields.entry.tolist() == [0, 0, 0, 2]
    unknown = table.begin(levels, None)
    assert not unknown.first.any()
    assert unknown.polarity.tolist() == [SET] * 4
    by_level = replace(table, by_level=True)
    assert by_level.begin(levels, held).entry.tolist() == [3, 2, 2, 0]
    # Without a first pulse, the direction still says which bound is compared first.
    read_first = replace(table, first=False).begin(levels, held)
    assert not read_first.first.any()
    assert read_first.polarity.tolist() == [SET, SET, RESET, RESET]
