"""An engine that goes on from a saved state does what the first one goes on to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from program_runner import random_multiplication, write_list

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.hw.errors import ConfigError

TILES = 2


def play(engine: FastEngine, seed: int) -> list[Any]:
    """Run a program that writes, reads, multiplies and lets time pass; give all that the engine answered."""
    rng = np.random.default_rng(seed)
    answers: list[Any] = []
    for tick in range(seed, seed + 3):
        engine.set_tick(tick)
        entries = [[(int(rng.integers(64)), int(rng.integers(8))) for _ in range(20)] for _ in range(TILES)]
        written = engine.write(write_list(entries))
        read, activity = engine.read(np.array([0, 3, 6]), rng.integers(64, size=6).astype(np.int32))
        block, inputs = random_multiplication(TILES, engine.config, rng)
        product = engine.multiply(block, inputs, 0.2 * engine.config.sums.largest_sum)
        answers += [written.codes.tolist(), read.tolist(), product.codes.tolist()]
        for part in (written.activity, activity, product.activity):
            answers += [part.phases.tolist(), part.actions.tolist(), part.cell_energy.tolist()]
    return answers


@pytest.mark.parametrize("preset", ["taox-hfox", "neurram", "reram-es"])
@pytest.mark.parametrize("pairs", ["separate", "subtract"])
def test_a_restored_engine_goes_on_alike(make_crossbar: Callable[..., CrossbarConfig], preset: str, pairs: str) -> None:
    config = make_crossbar(preset, pairs=pairs, adc_channels=2)
    first = FastEngine(config, TILES, np.array([8, 6]))
    play(first, 1)
    state = first.state_dict()
    expected = play(first, 10)
    second = FastEngine(config, TILES, np.array([8, 6]))
    assert play(second, 10) != expected
    second.load_state_dict(state)
    assert play(second, 10) == expected
    assert (second.conductances_s() == first.conductances_s()).all()


def test_a_saved_state_is_a_copy(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    engine = FastEngine(make_crossbar(), TILES, np.array([8, 8]))
    state = engine.state_dict()
    before = {name: np.copy(value) for name, value in state.items()}
    play(engine, 1)
    assert all(np.array_equal(state[name], before[name]) for name in state)


def test_faults_belong_to_the_state(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    config = make_crossbar()
    faults = np.random.default_rng(1).integers(0, 4, size=(TILES, 64)).astype(np.uint8)
    engine = FastEngine(config, TILES, np.array([8, 8]))
    engine.load_state_dict(FastEngine(config, TILES, np.array([8, 8]), faults).state_dict())
    assert (engine.state_dict()["fault"] == faults).all()


def test_a_state_of_another_crossbar_is_refused(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    state = FastEngine(make_crossbar(), TILES, np.array([8, 8])).state_dict()
    other = FastEngine(make_crossbar(rows=16), TILES, np.array([8, 8]))
    with pytest.raises(ConfigError, match=r"the checkpoint's g has shape \(2, 64\), this crossbar needs \(2, 128\)"):
        other.load_state_dict(state)
