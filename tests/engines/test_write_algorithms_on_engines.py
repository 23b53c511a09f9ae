"""Write algorithms on engines: bulk kernels, the compiled controller and SimPy give the same, cycle by cycle."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.contract.bulk_operations import Engine, WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import controller_maker

TILES = 2
Crossbars = Callable[..., CrossbarConfig]

ALGORITHMS: dict[str, tuple[str, dict[str, Any]]] = {
    "strong, first": ("taox-hfox", {"algorithm": "strong", "first": True}),
    "distance, patience": ("taox-hfox", {"algorithm": "distance", "patience": 2, "first": True}),
    "proportional-integral": ("neurram", {"algorithm": "proportional-integral"}),
    "burst": ("taox-hfox", {"algorithm": "burst", "pulse_limit": 20}),
    "coarse-fine, compare": ("taox-hfox", {"algorithm": "coarse-fine", "verify": "compare", "first": True}),
    "ramp, compare": ("umass-hfo2", {"verify": "compare", "read_back": True}),
    "gate by level": ("umass-hfo2", {"algorithm": "gate-by-level", "first": True, "initial_algorithm": "preset"}),
    "two-pulse, compare": ("umass-hfo2", {"algorithm": "two-pulse", "verify": "compare", "first": True}),
    "blind": ("umass-hfo2", {"algorithm": "blind"}),
    "blind, read back": ("umass-hfo2", {"algorithm": "blind", "verify": "compare", "read_back": True}),
}


def engines_of(config: CrossbarConfig) -> dict[str, Engine]:
    mapped = np.full(TILES, config.array.columns)
    found: dict[str, Engine] = {"bulk": FastEngine(config, TILES, mapped)}
    for name in ("fast", "events"):
        found[name] = ControllerEngine(config, TILES, mapped, make=controller_maker(name))
    return found


def drawn_lists(config: CrossbarConfig, seed: int, lists: int) -> list[WriteList]:
    """Write lists as a training has them: the first one programs, the others move from the level that is held."""
    rng, cells, levels = np.random.default_rng(seed), config.array.cells, len(config.levels)
    at = rng.integers(0, levels, (TILES, cells))
    offsets = np.array([0, cells, 2 * cells])
    everywhere = np.tile(np.arange(cells, dtype=np.int32), TILES)
    found = [WriteList(offsets, everywhere, at.ravel().astype(np.uint8), initial=True)]
    for number in range(lists):
        many = rng.integers(0, cells + 1, TILES)
        places = [rng.permutation(cells)[:n] for n in many]
        held = [at[tile, some] for tile, some in enumerate(places)]
        for tile, some in enumerate(places):
            at[tile, some] = np.clip(at[tile, some] + rng.choice([-2, -1, 0, 1, 1, 3], len(some)), 0, levels - 1)
        wanted = np.concatenate([at[tile, some] for tile, some in enumerate(places)]).astype(np.uint8)
        known = np.concatenate(held).astype(np.int16) if number % 3 else None
        cell = np.concatenate(places).astype(np.int32)
        found.append(WriteList(np.cumsum([0, *many]), cell, wanted, known, initial=number == lists - 2))
    return found


def write_on_all(engines: dict[str, Engine], todo: WriteList) -> None:
    results = {name: engine.write(todo) for name, engine in engines.items()}
    bulk = results.pop("bulk")
    for name, other in results.items():
        for what in ("codes", "sets", "resets", "ok"):
            assert getattr(bulk, what).tolist() == getattr(other, what).tolist(), (name, what)
        assert bulk.activity == other.activity, name
    states = {name: engine.state_dict() for name, engine in engines.items()}
    for name, state in states.items():
        for key in ("g", "pulses", "conversions", "driven", "served"):
            assert np.array_equal(states["bulk"][key], state[key]), (name, key)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_engines_write_alike(make_crossbar: Crossbars, name: str) -> None:
    preset, keys = ALGORITHMS[name]
    channels = {"adc_channels": 2, "adc_offset_codes": 2.0, "adc_gain_error": 0.02, "samples": 3, "discard": 1}
    config = make_crossbar(preset, rows=4, columns=4, levels=6, **channels, **keys)
    engines = engines_of(config)
    for todo in drawn_lists(config, 7, 6):
        write_on_all(engines, todo)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("seed", range(2))
def test_engines_write_alike_whatever_the_levels_are(make_crossbar: Crossbars, name: str, seed: int) -> None:
    preset, keys = ALGORITHMS[name]
    rng = np.random.default_rng(seed)
    levels = int(rng.integers(3, 9))
    shares = np.append(0, np.cumsum(rng.uniform(0.1, 1, levels - 1)))
    spacing = tuple((shares / shares[-1]).tolist())
    chosen: dict[str, Any] = {"tolerance": float(rng.choice([0.25, 0.5, 0.8])), "level_spacing": spacing}
    config = make_crossbar(preset, rows=4, columns=4, levels=levels, seed=seed, **chosen, **keys)
    assert not config.levels.even
    engines = engines_of(config)
    for todo in drawn_lists(config, 11 + seed, 4):
        write_on_all(engines, todo)


@pytest.mark.parametrize("name", ["distance, patience", "two-pulse, compare", "gate by level"])
@pytest.mark.parametrize("engine", ["bulk", "fast", "events"])
def test_a_restored_engine_goes_on_writing(make_crossbar: Crossbars, name: str, engine: str) -> None:
    preset, keys = ALGORITHMS[name]
    config = make_crossbar(preset, rows=4, columns=4, levels=6, **keys)
    lists = drawn_lists(config, 3, 6)
    for stop in (1, 3):
        going_on, restored = engines_of(config), engines_of(config)
        for todo in lists[:stop]:
            going_on[engine].write(todo)
        restored[engine].load_state_dict(going_on[engine].state_dict())
        for todo in lists[stop:]:
            one, other = going_on[engine].write(todo), restored[engine].write(todo)
            assert one.codes.tolist() == other.codes.tolist()
            assert one.activity == other.activity
