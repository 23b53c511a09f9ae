"""Time passes in ticks, between programs: what was written relaxes and drifts, and reading it changes nothing."""

from collections.abc import Callable

import numpy as np
import pytest
from program_runner import write_list

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices.preset import load_preset, preset_names
from twinbar.emulator.engines.bulk.engine import FastEngine

AGEING = [name for name in preset_names() if load_preset(name).relaxation or load_preset(name).drift]
STABLE = "taox-hfox"


@pytest.fixture(params=[*AGEING, STABLE])
def written(request: pytest.FixtureRequest, make_crossbar: Callable[..., CrossbarConfig]) -> FastEngine:
    """A tile whose cells have all been written in tick 0, to levels above the lowest."""
    engine = FastEngine(make_crossbar(request.param, subtract_pairs=False, adc_bits=12), 1, np.array([8]))
    engine.write(write_list([[(cell, 2 + cell % 6) for cell in range(64)]]))
    return engine


def ages(engine: FastEngine) -> bool:
    return bool(engine.config.cells.scalars[0].ages)


def column_codes(engine: FastEngine) -> tuple[np.ndarray, np.ndarray]:
    """Mean code of each column, and the standard error of that mean."""
    block = TileBlock(0, np.arange(8)[None], np.array([8]), np.array([8]), 8)
    codes = engine.multiply(block, np.full((32, 8), 15), 8 * 15 * 1024.0).codes[0, 0]
    return codes.mean(axis=0), np.maximum(codes.std(axis=0), 0.3) / np.sqrt(32)


def test_some_presets_age_and_some_do_not() -> None:
    assert AGEING
    assert STABLE not in AGEING


def test_reading_changes_no_state(written: FastEngine) -> None:
    written.set_tick(5)
    before, seen = written.state_dict(), written.conductances_s()
    for _ in range(50):
        written.read(np.array([0, 64]), np.arange(64, dtype=np.int32))
    after = written.state_dict()
    assert (written.conductances_s() == seen).all()
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    # Only the channels' count of conversions, from which read noise is drawn.
    assert changed == ["conversions"]


def test_nothing_relaxes_within_the_tick_of_a_write(written: FastEngine) -> None:
    state, shift = written.state_dict(), 24 - written.config.geometry.grid_bits
    grid = (state["g"][0].astype(np.int64) + (1 << shift - 1)) >> shift
    unit = written.config.cells.g_max_s / 2**written.config.geometry.grid_bits
    assert written.conductances_s().ravel().tolist() == (grid * unit).tolist()


def test_a_later_tick_shows_what_has_relaxed(written: FastEngine) -> None:
    seen, state = written.conductances_s(), written.state_dict()["g"]
    written.set_tick(1000)
    later = written.conductances_s()
    assert (later != seen).any() == ages(written)
    assert (written.state_dict()["g"] == state).all()
    # A function of the ticks since the pulse, not of the way there.
    written.set_tick(1)
    written.set_tick(1000)
    assert (written.conductances_s() == later).all()
    written.set_tick(0)
    assert (written.conductances_s() == seen).all()


def test_column_sums_follow_the_tick(written: FastEngine) -> None:
    now = written.conductances_s()
    before, error = column_codes(written)
    written.set_tick(30_000_000)
    after, later_error = column_codes(written)
    code_s = written.config.cells.g_max_s * 8 / written.config.geometry.code_range[1]
    lost = (now - written.conductances_s())[0].sum(axis=0) / code_s
    tolerance = 5 * np.hypot(error, later_error)
    assert (np.abs((before - after) - lost) < tolerance).all()
    if ages(written):
        assert (np.abs(lost) > 2 * tolerance).any()


def test_a_write_starts_the_clock_of_its_cell_anew(written: FastEngine) -> None:
    written.set_tick(1000)
    cell = 9
    aged = written.conductances_s()
    level = 0 if aged[0, 1, 1] > written.config.cells.g_max_s / 2 else 7
    result = written.write(write_list([[(cell, level)]]))
    assert result.sets[0] + result.resets[0] > 0
    fresh = written.conductances_s()
    shift = 24 - written.config.geometry.grid_bits
    grid = (int(written.state_dict()["g"][0, cell]) + (1 << shift - 1)) >> shift
    assert fresh[0, 1, 1] == grid * (written.config.cells.g_max_s / 2**written.config.geometry.grid_bits)
    others = np.ones((8, 8), bool)
    others[1, 1] = False
    assert (fresh[0][others] == aged[0][others]).all()
