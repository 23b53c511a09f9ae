"""Cells that do not work: they take pulses and heat, and stay where they are."""

from collections.abc import Callable

import numpy as np
import pytest
from program_runner import write_list

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices.layout import (
    FAULT_NON_RESPONDING,
    FAULT_NONE,
    FAULT_STUCK_HIGH,
    FAULT_STUCK_LOW,
    G_ONE,
)
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError

LIMIT = 30
SICK, SOUND = 5, 6


def engine_with(config: CrossbarConfig, fault: int) -> FastEngine:
    faults = np.zeros((1, config.array.cells), np.uint8)
    faults[0, SICK] = fault
    return FastEngine(config, 1, np.array([config.array.columns]), faults)


@pytest.mark.parametrize(
    ("fault", "level", "polarity"),
    [
        (FAULT_STUCK_LOW, 7, Action.PULSE_SET),
        (FAULT_STUCK_HIGH, 0, Action.PULSE_RESET),
        (FAULT_NON_RESPONDING, 7, Action.PULSE_SET),
    ],
)
def test_a_cell_that_does_not_work_takes_pulses_and_stays(
    make_crossbar: Callable[..., CrossbarConfig], fault: int, level: int, polarity: Action
) -> None:
    engine = engine_with(make_crossbar(limit=LIMIT), fault)
    before = engine.state_dict()["g"][0, SICK]
    result = engine.write(write_list([[(SICK, level), (SOUND, 3)]]))
    after = engine.state_dict()
    assert after["g"][0, SICK] == before
    assert result.ok.tolist() == [False, True]
    assert result.sets[0] + result.resets[0] == LIMIT == after["pulses"][0, SICK]
    assert result.activity.actions[polarity] >= LIMIT
    assert result.activity.actions[Action.WRITE_FAILED] == 1
    assert after["g"][0, SOUND] != engine_with(engine.config, fault).state_dict()["g"][0, SOUND]


def test_stuck_cells_lie_at_the_ends_of_their_window(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    config = make_crossbar("taox-hfox")  # one window for all cells
    low, high = config.cells.window
    assert engine_with(config, FAULT_STUCK_LOW).state_dict()["g"][0, SICK] == low
    assert engine_with(config, FAULT_STUCK_HIGH).state_dict()["g"][0, SICK] == high == G_ONE


def test_a_stuck_cell_in_its_window_costs_no_pulse(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    engine = engine_with(make_crossbar(limit=LIMIT), FAULT_STUCK_HIGH)
    result = engine.write(write_list([[(SICK, 7)]]))
    assert result.ok.all()
    assert engine.pulse_counts().sum() == 0


@pytest.mark.parametrize(
    "faults",
    [np.zeros((1, 63), np.uint8), np.zeros((2, 64), np.uint8), np.full((1, 64), 4, np.uint8)],
    ids=["too few cells", "too many tiles", "unknown fault"],
)
def test_a_fault_map_that_does_not_fit_is_refused(
    make_crossbar: Callable[..., CrossbarConfig], faults: np.ndarray
) -> None:
    with pytest.raises(ConfigError, match=r"it must be \(1, 64\) with values 0 to 3"):
        FastEngine(make_crossbar(), 1, np.array([8]), faults)


def test_faults_are_drawn_as_often_as_the_preset_says(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    config = make_crossbar(rows=256, columns=128)
    shares = {
        FAULT_STUCK_LOW: ("stuck_low", 0.02),
        FAULT_STUCK_HIGH: ("stuck_high", 0.03),
        FAULT_NON_RESPONDING: ("non_responding", 0.1),
    }
    for field, share in shares.values():
        config.cells.scalars[0][field] = int(share * 2**32)
    fault = FastEngine(config, 2, np.array([128, 128])).state_dict()["fault"]
    for kind, (_, share) in shares.items():
        sigma = np.sqrt(share * (1 - share) / fault.size)
        assert abs((fault == kind).mean() - share) < 5 * sigma


def test_without_variation_no_cell_is_faulty(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    engine = FastEngine(make_crossbar("stellar", variation=False), 1, np.array([8]))
    assert (engine.state_dict()["fault"] == FAULT_NONE).all()
    assert len(np.unique(engine.state_dict()["g"])) == 1
