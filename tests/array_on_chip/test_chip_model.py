"""What an array on a chip can compute, and the durations that runs for it have on every engine."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from chip_samples import crossbar

from twinbar.emulator.crossbar.chip_array import chip_model, with_chip_durations
from twinbar.emulator.devices.preset import preset_names
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.array.microprogram import array_cycles, array_program
from twinbar.hw.gateware.controller_config import ControllerConfig

CONTROLLER = ControllerConfig(rows=8, columns=4)
RUN: dict[str, Any] = {
    "data.limit": 8,
    "model.hidden": (3,),
    "array.rows": 64,
    "array.columns": 8,
    "device.preset": "chip",
    "device.levels": 4,
    "array.front_end": "emulated",
    "training.batch_size": 4,
    "training.epochs": 1,
    "write.pulse_limit": 10,
    "engine.threads": 1,
}


@pytest.mark.parametrize("preset", [name for name in preset_names() if name != "chip"])
def test_other_devices_are_refused_with_the_reason(preset: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot compute this device: .*; choose the preset chip"):
        chip_model(crossbar(CONTROLLER, preset=preset, clock_hz=100e6))


def test_wires_are_refused() -> None:
    with pytest.raises(ConfigError, match="its wires have a resistance"):
        chip_model(crossbar(CONTROLLER, wire_resistance_ohm=2.0))


def test_an_array_that_is_too_large_is_refused() -> None:
    large = ControllerConfig(rows=256, columns=256)
    with pytest.raises(ConfigError, match="at most about 50,000 cells"):
        array_cycles(large, chip_model(crossbar(CONTROLLER)))


def test_the_durations_of_a_run_are_at_least_those_of_the_array() -> None:
    given = {"timing.settle_read": 5000, "timing.convert": 10}
    direct = build_crossbar(ExperimentConfig().merge(RUN | given | {"array.front_end": "direct"}))
    raised = build_crossbar(ExperimentConfig().merge(RUN | given))
    controller, model = direct.array.controller(1), chip_model(direct)
    for packed in (False, True):
        needed = array_program(controller, model, packed=packed).cycles
        assert needed.read <= raised.timing.settle_read == 5000
        assert needed.convert <= raised.timing.convert
        assert needed.multiply <= raised.timing.settle_multiply
        assert needed.pulse <= raised.timing.recover
    assert direct.timing.convert == 10
    assert (raised.timing.select, raised.timing.samples) == (direct.timing.select, direct.timing.samples)


def test_durations_that_no_register_holds_are_refused() -> None:
    config = crossbar(ControllerConfig(rows=1024, columns=32, adc_channels=16))
    with pytest.raises(ConfigError, match=r"would have to be \d+ for the emulated array .* take fewer rows"):
        with_chip_durations(config)


def test_the_device_of_the_chip_trains_alike_on_engines(train_steps: Callable[[dict[str, Any]], Any]) -> None:
    (fast, ledger, losses), (events, other_ledger, other_losses) = (
        train_steps(RUN | {"engine.name": name}) for name in ("fast", "events")
    )
    assert other_losses == losses
    assert other_ledger == ledger
    assert np.array_equal(fast.conductances_s(), events.conductances_s())
    assert np.array_equal(fast.pulse_counts(), events.pulse_counts())
    assert fast.pulse_counts().sum() > 0
