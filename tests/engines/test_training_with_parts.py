"""Training with serial parts: `fast` goes through programs by itself, and every engine accounts the same."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from comparison import assert_same_activity, assert_same_state
from layer_samples import random_layer, random_writes

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine, MakeController
from twinbar.emulator.engines.events import EventsController
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.engines.rtl.pysim import PysimController
from twinbar.emulator.engines.rtl.rtl_controller import RtlController
from twinbar.emulator.verify.elaborations import SERIAL
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.hw.errors import ConfigError
from twinbar.hw.timing import Phase

WITH_PARTS: dict[str, Any] = {
    "array.front_end": "icebreaker",
    "timing.clock_hz": 12e6,
    "timing.select": 4,
    "timing.settle_drive": 84,
    "timing.settle_read": 2,
    "timing.settle_multiply": 2,
    "timing.recover": 1,
    "device.preset": "umass-hfo2",
    "array.rows": 16,
    "array.columns": 16,
    "array.inputs": "planes",
    "array.pairs": "separate",
    "array.input_bits": 2,
}
SMALL: dict[str, Any] = WITH_PARTS | {
    "data.limit": 8,
    "model.hidden": (3,),
    "device.levels": 4,
    "training.batch_size": 4,
    "training.epochs": 1,
    "write.pulse_limit": 10,
    "engine.threads": 1,
}


TILES = 6
"""Of the network of `SMALL`: one netlist serves all tests."""


def crossbar(**changes: Any) -> CrossbarConfig:
    return build_crossbar(
        ExperimentConfig().merge(WITH_PARTS | {name.replace("__", "."): value for name, value in changes.items()})
    )


def test_fast_trains_through_programs_and_other_engines_account_the_same(
    train_steps: Callable[[dict[str, Any]], Any],
) -> None:
    trained = [train_steps(SMALL | {"engine.name": name}) for name in ("fast", "events", "rtl")]
    fast, ledger, losses = trained[0]
    assert isinstance(fast, ControllerEngine)
    assert isinstance(fast.controller, FastController)
    assert fast.tiles == TILES
    for engine, other_ledger, other_losses in trained[1:]:
        assert losses == other_losses
        assert ledger == other_ledger
        assert np.array_equal(fast.pulse_counts(), engine.pulse_counts())


WALKING = replace(
    SERIAL["walking"].config,
    registers=replace(SERIAL["walking"].config.registers, limit=2),
    timing=replace(SERIAL["walking"].config.timing, settle_read=2, settle_drive=4, settle_multiply=3),
)
"""One ADC walks over the channels: what a conversion takes depends on the one before it. Conversions are what
the tests are about: pulses are few, and waits short."""


@pytest.mark.parametrize("make", [FastController, EventsController, RtlController])
def test_a_restored_engine_takes_the_cycles_of_the_one_that_was_saved(make: MakeController) -> None:
    """The outputs of the DACs are part of what is saved: whether a code must be sent depends on them."""
    config = crossbar(array__adc_offset_codes=1.0, array__adc_gain_error=0.02)
    _assert_restored(config, TILES, FastController, make)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (FastController, True),
        (FastController, False),
        (EventsController, False),
        pytest.param(PysimController, False, marks=pytest.mark.slow),
    ],
)
def test_what_an_adc_has_chosen_is_restored(make: MakeController, told: bool) -> None:
    # Amaranth's simulator takes milliseconds per cycle.
    size = {"most": 2, "vectors": 1} if make is PysimController else {}
    _assert_restored(WALKING, 1, make, make, told=told, **size)


def _assert_restored(
    config: CrossbarConfig,
    tiles: int,
    first: MakeController,
    second: MakeController,
    *,
    told: bool = True,
    most: int = 6,
    vectors: int = 2,
) -> None:
    """Restore an engine from another one's state, of which the parts may not have told what they remember."""
    mapped, rng = np.full(tiles, config.array.columns), np.random.default_rng(3)
    saved = ControllerEngine(config, tiles, mapped, make=first)
    other = ControllerEngine(config, tiles, mapped, make=second)
    saved.write(random_writes(config, tiles, rng))
    block, inputs = random_layer(config, tiles, rng, vectors)
    saved.multiply(block, inputs, 3000.0)
    todo = random_writes(config, tiles, rng, most)
    for operation in ("multiply", "write"):
        other.write(random_writes(config, tiles, rng, most))
        state = saved.state_dict()
        if not told:
            state.pop("front_end", None)
        other.load_state_dict(state)
        _assert_same(saved, other, told)
        for _ in range(2):
            if operation == "write":
                assert_same_activity(saved.write(todo).activity, other.write(todo).activity)
            products = [engine.multiply(block, inputs, 3000.0).activity for engine in (saved, other)]
            assert_same_activity(*products)
            assert_same_activity(saved.write(todo).activity, other.write(todo).activity)
            _assert_same(saved, other, told)


def _assert_same(saved: ControllerEngine, other: ControllerEngine, told: bool) -> None:
    if told:
        assert_same_state(saved, other)
        return
    states = [engine.state_dict() for engine in (saved, other)]
    for name in states[0].keys() - {"front_end"}:
        assert np.array_equal(states[0][name], states[1][name]), name


def test_the_controller_keeps_serial_parts_busy() -> None:
    """Idle, decide and stall cycles of closed-loop writes are less than one in a hundred."""
    config = crossbar()
    engine = ControllerEngine(config, 1, np.array([16]), make=FastController)
    phases = engine.write(random_writes(config, 1, np.random.default_rng(0), most=40)).activity.phases
    assert phases[[Phase.IDLE, Phase.DECIDE, Phase.STALL]].sum() < 0.01 * phases.sum()


def test_gain_is_not_calibrated_where_there_is_no_trim() -> None:
    config = crossbar(array__adc_gain_error=0.05, array__adc_offset_codes=2.0)
    engine = ControllerEngine(config, 1, np.array([16]), make=FastController)
    state = engine.state_dict()
    assert (state["trims"] == 128).all()
    # The converter of the Pmod gives no negative codes.
    assert state["offsets"].any()
    assert (state["offsets"] >= 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"array.inputs": "dac"}, "use array.inputs = 'planes'"),
        ({"array.pairs": "subtract"}, "use array.pairs = 'separate'"),
        ({"array.adc_bits": 13}, "array.adc_bits is 13; AD7476A resolves a current to 12 bits"),
        ({"array.front_end": "no-such-board"}, "there is no wiring 'no-such-board'; choose one of"),
        ({"array.front_end": "ice40-hx8k-b-evn"}, "array.front_end is 'ice40-hx8k-b-evn'"),
    ],
)
def test_what_the_parts_cannot_do_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_crossbar(ExperimentConfig().merge(WITH_PARTS | changes))
    assert message in str(caught.value)


def test_parts_that_get_too_little_time_are_warned_of() -> None:
    warnings = crossbar(timing__settle_drive=50, timing__select=2).warnings
    assert "timing.settle_drive is 50 cycles, but AD5628 takes 7000 ns to settle: give 84" in warnings
    assert any(warning.startswith("timing.select is 2 cycles, but 74HC595") for warning in warnings)
    assert any(warning.startswith("timing.settle_read is 2 cycles") for warning in warnings)
    # The DACs have their 84 cycles; the ADC's input path takes 3.7 us, 45 cycles, and the switches 3.
    enough = crossbar(timing__select=48, timing__settle_read=45, timing__settle_multiply=45)
    assert not any(warning.startswith("timing.") for warning in enough.warnings)


def test_bulk_kernels_are_for_direct_front_ends() -> None:
    with pytest.raises(ConfigError, match="make a ControllerEngine with FastController"):
        FastEngine(crossbar(), 1, np.array([16]))
