"""Pulses without reads, and ramps that change between programs: equal on every engine, and as counted by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from comparison import assert_same_activity, assert_same_state
from layer_samples import CYCLES, crossbar, random_writes
from shared_netlists import ALONE, PAIR

from twinbar.emulator.contract.bulk_operations import PulseList, WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.emulator.engines.controllers import CONTROLLERS, controller_maker
from twinbar.emulator.engines.side_by_side import SideBySide
from twinbar.hw.actions import Action
from twinbar.hw.timing import Phase

CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "one tile": ({}, ALONE),
    "two tiles, ramps": ({"ramps": True, "pairs": "separate"}, PAIR),
    "ageing cells": ({"preset": "gst-pcm", "cycles": {"convert": 1}, "clock_hz": 8e6}, PAIR),
}


def random_pulses(config: CrossbarConfig, tiles: int, rng: np.random.Generator) -> PulseList:
    todo: WriteList = random_writes(config, tiles, rng)
    return PulseList(
        todo.offsets,
        todo.cells,
        rng.integers(0, 2, len(todo)).astype(np.uint8),
        rng.integers(1, 5, len(todo)).astype(np.uint8),
    )


@pytest.mark.parametrize("case", CASES)
# `rtl` runs the netlist of pysim, in a fiftieth of its time.
@pytest.mark.parametrize("name", sorted(set(CONTROLLERS) - {"pysim"}))
def test_pulses_and_ramps_are_the_same_on_every_engine(case: str, name: str) -> None:
    choices, controller = CASES[case]
    config = crossbar(controller, **choices)
    tiles, rng = controller.tiles, np.random.default_rng(2)
    mapped = np.full(tiles, config.array.columns)
    fast = FastEngine(config, tiles, mapped)
    other = ControllerEngine(config, tiles, mapped, make=controller_maker(name))
    preset = config.registers
    others = replace(preset, set_gate=Ramp(preset.set_gate.start - 50, 0, preset.set_gate.start - 50))
    assert not len(fast.set_ramps(preset).actions.nonzero()[0])
    for step, ramps in enumerate((preset, others, preset)):
        for engine in (fast, other):
            engine.set_tick(5 * step)
        assert_same_activity(fast.set_ramps(ramps), other.set_ramps(ramps))
        todo = random_pulses(config, tiles, rng)
        expected = fast.pulse(todo)
        assert_same_activity(expected, other.pulse(todo))
        assert expected.actions[Action.PULSE_SET] + expected.actions[Action.PULSE_RESET] == todo.counts.sum()
        assert_same_state(fast, other)
        writes = random_writes(config, tiles, rng, most=2)
        assert other.write(writes).codes.tolist() == fast.write(writes).codes.tolist()
        assert_same_state(fast, other)


def test_the_cycles_of_a_train_are_those_of_its_pulses() -> None:
    config = crossbar(ALONE)
    engine = FastEngine(config, 1, np.array([config.array.columns]))
    todo = PulseList(
        np.array([0, 2]), np.array([3, 3], np.int32), np.array([SET, RESET], np.uint8), np.array([3, 2], np.uint8)
    )
    activity = engine.pulse(todo)
    # Two selections, a drive update for each polarity, and five pulses with their recoveries; no conversion.
    width = config.timing.width_set, config.timing.width_reset
    expected = {
        Phase.SELECT: 2 * CYCLES["select"],
        Phase.SETTLE: 2 * CYCLES["settle_drive"],
        Phase.PULSE: 3 * width[0] + 2 * width[1],
        Phase.RECOVER: 5 * CYCLES["recover"],
        Phase.CONVERT: 0,
        Phase.DECIDE: 0,
        Phase.RESPOND: 2,
    }
    assert {phase: int(activity.phases[phase]) for phase in expected} == expected
    assert engine.pulse_counts().ravel()[3] == 5


def test_other_ramps_cost_a_disarming_their_registers_and_an_arming() -> None:
    config = crossbar(PAIR)
    engine = FastEngine(config, 2, np.full(2, config.array.columns))
    start = config.registers.set_gate.start
    activity = engine.set_ramps(replace(config.registers, set_gate=Ramp(start - 9, 0, start - 9)))
    # The word line of SET stands in CODES, LOW, HIGH and STOP: registers of 2 cycles each; DISARM takes 1, ARM 24.
    assert activity.phases[Phase.DECIDE] == 2 * (1 + 4 * 2 + 24)
    assert activity.actions[Action.COMMAND_BEAT] == activity.actions[Action.RESPONSE_BEAT] == 2 * 6
    assert activity.actions[Action.DRIVE_UPDATE] == 0


def test_ramps_are_part_of_a_checkpoint() -> None:
    config = crossbar(ALONE)
    mapped = np.array([config.array.columns])
    ramps = replace(config.registers, set_gate=Ramp(3100, 0, 3100))
    engines = [FastEngine(config, 1, mapped) for _ in range(2)]
    engines.append(ControllerEngine(config, 1, mapped, make=controller_maker("fast")))
    engines[0].set_ramps(ramps)
    state = engines[0].state_dict()
    assert "ramps" not in engines[1].state_dict()
    todo = PulseList(np.array([0, 1]), np.array([2], np.int32), np.array([SET], np.uint8), np.array([4], np.uint8))
    for engine in engines[1:]:
        engine.load_state_dict(state)
    activities = [engine.pulse(todo) for engine in engines]
    for activity in activities[1:]:
        assert_same_activity(activities[0], activity)
    assert_same_state(engines[0], engines[2])


def test_controllers_side_by_side_pulse_what_one_does() -> None:
    config = crossbar(PAIR)
    mapped = np.full(4, config.array.columns)
    one, several = FastEngine(config, 4, mapped), SideBySide(FastEngine, config, mapped, 2)
    todo = random_pulses(config, 4, np.random.default_rng(0))
    expected, got = one.pulse(todo), several.pulse(todo)
    assert got.actions.tolist() == expected.actions.tolist()
    assert np.array_equal(one.pulse_counts(), several.pulse_counts())
    assert np.array_equal(one.conductances_s(), several.conductances_s())


TRAINED: dict[str, Any] = {
    "data.limit": 8,
    "data.pool": 4,
    "model.hidden": (3,),
    "array.rows": 4,
    "array.columns": 8,
    "device.levels": 4,
    "training.batch_size": 4,
    "training.epochs": 1,
    "write.pulse_limit": 10,
    "engine.threads": 1,
}
POLICIES: dict[str, dict[str, Any]] = {
    "open-loop": {"policy.read_every": 1, "training.lr": 0.5},
    "tiki-taka": {"policy.zero_shift_pulses": 1, "training.lr": 1.0},
    "two-pulse": {"device.preset": "umass-hfo2", "training.lr": 0.5, "policy.gate_steps": 6},
}


@pytest.mark.parametrize("name", POLICIES)
def test_policies_that_pulse_leave_the_same_cells_and_ledger_on_every_engine(
    name: str, train_steps: Callable[[dict[str, Any]], Any]
) -> None:
    choices = TRAINED | {"policy.name": name} | POLICIES[name]
    (fast, ledger, losses), (other, other_ledger, other_losses) = (
        train_steps(choices | {"engine.name": engine}) for engine in ("fast", "events")
    )
    assert isinstance(other, ControllerEngine)
    assert other_losses == losses
    assert other_ledger == ledger
    assert np.array_equal(fast.conductances_s(), other.conductances_s())
    assert np.array_equal(fast.pulse_counts(), other.pulse_counts())
