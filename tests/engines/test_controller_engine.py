"""The fast engine's bulk path against programs of beats on every controller that is simulated: equal, not close."""

from typing import Any

import numpy as np
import pytest
from comparison import assert_same_activity, assert_same_state, compare
from layer_samples import crossbar, random_layer, random_writes
from shared_netlists import ALONE, PAIR, QUEUES, WIDE

from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine, MakeController
from twinbar.emulator.engines.controllers import CONTROLLERS, controller_maker
from twinbar.hw.gateware.controller_config import ControllerConfig

CASES: dict[str, tuple[dict[str, Any], ControllerConfig]] = {
    "one tile, DAC inputs, subtracted pairs": ({}, ALONE),
    "planes, separate, two channels": ({"inputs": "planes", "pairs": "separate"}, PAIR),
    "ramps, averaging": ({"ramps": True, "discard": 1, "cycles": {"samples": 5}}, PAIR),
    "rows held while converting": ({"sample_and_hold": False, "inputs": "planes"}, WIDE),
    "offsets and gain errors": (
        {"adc_offset_codes": 2.0, "adc_gain_error": 0.03, "cycles": {"samples": 2}, "pairs": "separate"},
        PAIR,
    ),
    "offsets of pairs": ({"adc_offset_codes": 3.0}, ALONE),
    "short queues, every plane": ({"inputs": "planes", "skip_empty": False}, QUEUES),
    "no currents, codes without a sign": (
        {"inputs": "planes", "pairs": "separate", "skip_empty": False, "adc_noise_codes": 0.0},
        ALONE,
    ),
    # At a clock at which the shorter of its pulses takes a cycle.
    "ageing cells": ({"preset": "gst-pcm", "cycles": {"convert": 1}, "clock_hz": 8e6}, PAIR),
}


DRAWN = {"seed": 5}
"""The operations, in three rounds."""
DRAWN_SHORT = {"seed": 6, "rounds": 2}
"""Fewer operations, pulses of both polarities among them: Amaranth's simulator takes milliseconds per cycle, and `rtl`
runs the same netlist for longer."""


def engine(name: str, case: str = "") -> Any:
    """Return an engine that runs programs, with what pytest must know of it, as a parameter."""
    marks = [pytest.mark.compiler] if name == "rtl" else []
    # Amaranth's simulator runs the netlists that `rtl` compiles: in a normal run, one of them.
    if name == "pysim" and case and case != "planes, separate, two channels":
        marks.append(pytest.mark.slow)
    return pytest.param(name, *[case] * bool(case), marks=marks)


@pytest.fixture(params=[engine(name) for name in sorted(CONTROLLERS)])
def name(request: pytest.FixtureRequest) -> str:
    """Each of the engines that run programs."""
    return str(request.param)


@pytest.fixture
def make(name: str) -> MakeController:
    """What makes its controllers."""
    return controller_maker(name)


@pytest.mark.parametrize(("name", "case"), [engine(name, case) for name in sorted(CONTROLLERS) for case in CASES])
def test_operations_give_what_the_fast_engine_gives(name: str, case: str) -> None:
    choices, controller = CASES[case]
    drawn = DRAWN_SHORT if name == "pysim" else DRAWN
    found = compare(crossbar(controller, **choices), controller.tiles, controller_maker(name), **drawn)
    # The comparison is worth something only where pulses of both polarities were given.
    assert found["pulses"].min() > 0


def test_a_restored_engine_goes_on_as_the_one_that_was_saved(make: MakeController) -> None:
    config = crossbar(PAIR, adc_offset_codes=2.0, adc_gain_error=0.02)
    mapped = np.full(2, config.array.columns)
    rng = np.random.default_rng(5)
    found = compare(config, 2, make, rounds=1)
    saved = found["fast"].state_dict()
    fast, other = FastEngine(config, 2, mapped), ControllerEngine(config, 2, mapped, make=make)
    for engine in (fast, other):
        engine.write(random_writes(config, 2, np.random.default_rng(1)))
        engine.load_state_dict(saved)
        assert_same_state(found["fast"], engine)
    todo = random_writes(config, 2, rng)
    block, inputs = random_layer(config, 2, rng, 2)
    expected = found["fast"].write(todo).activity, found["fast"].multiply(block, inputs, 3000.0).activity
    for engine in (fast, other):
        assert_same_activity(expected[0], engine.write(todo).activity)
        assert_same_activity(expected[1], engine.multiply(block, inputs, 3000.0).activity)


def test_empty_programs_take_no_time(make: MakeController) -> None:
    config = crossbar(PAIR)
    empty = np.zeros(0, np.int32)
    fast, other = FastEngine(config, 2, np.array([8, 8])), ControllerEngine(config, 2, np.array([8, 8]), make=make)
    for engine in (fast, other):
        codes, activity = engine.read(np.zeros(3, np.int64), empty)
        assert len(codes) == 0
        assert (activity.cycles, activity.link_cycles, int(activity.phases.sum())) == (0, 0, 0)
