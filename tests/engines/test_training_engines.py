"""Training gives the same run whichever engine carries it out: losses, cells, and everything that is accounted."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from crossbar_choices import shape_of
from shared_netlists import QUEUES

from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.host.experiment.sections import SIMULATED_ENGINES

SMALL: dict[str, Any] = {
    "data.limit": 8,
    "model.hidden": (3,),
    **{f"array.{name}": value for name, value in shape_of(QUEUES).items()},
    "array.command_depth": QUEUES.command_depth,
    "array.adc_offset_codes": 1.0,
    "device.levels": 4,
    "training.batch_size": 4,
    "training.epochs": 1,
    "timing.settle_read": 1,
    "timing.settle_drive": 2,
    "timing.settle_multiply": 1,
    "timing.convert": 1,
    "write.pulse_limit": 10,
    "engine.threads": 1,
}
FEW: dict[str, Any] = SMALL | {"data.limit": 4, "training.batch_size": 2, "model.hidden": (1,)}
"""What a netlist in Amaranth's simulator carries out in half a minute."""


# Amaranth's simulator runs the netlist that `rtl` compiles.
_MARKS = {"pysim": pytest.mark.slow}
OTHERS = [pytest.param(name, marks=_MARKS.get(name, ())) for name in SIMULATED_ENGINES if name != "fast"]


@pytest.mark.parametrize("engine", OTHERS)
def test_steps_leave_the_cells_and_the_ledger_of_the_fast_engine(
    engine: str, train_steps: Callable[[dict[str, Any]], Any]
) -> None:
    (fast, ledger, losses), (other, other_ledger, other_losses) = (
        train_steps((FEW if engine == "pysim" else SMALL) | {"engine.name": name}) for name in ("fast", engine)
    )
    assert isinstance(other, ControllerEngine)
    assert fast.tiles > 1
    assert other_losses == losses
    assert other_ledger == ledger
    assert np.array_equal(fast.conductances_s(), other.conductances_s())
    assert np.array_equal(fast.pulse_counts(), other.pulse_counts())
    assert fast.pulse_counts().sum() > 0


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("compensation", ["residual", "read-back"])
def test_levels_that_are_not_even_are_the_same_on_engines(
    engine: str, compensation: str, train_steps: Callable[[dict[str, Any]], Any]
) -> None:
    """The controller takes any table of windows; what it answers is read by the same table."""
    changes = {"device.level_spacing": (0.0, 0.1, 0.4, 1.0), "policy.compensation": compensation}
    (fast, ledger, losses), (other, other_ledger, other_losses) = (
        train_steps((FEW if engine == "pysim" else SMALL) | changes | {"engine.name": name})
        for name in ("fast", engine)
    )
    assert other_losses == losses
    assert other_ledger == ledger
    assert np.array_equal(fast.conductances_s(), other.conductances_s())
    assert np.array_equal(fast.pulse_counts(), other.pulse_counts())
    assert not fast.config.levels.even
    if engine != "pysim":
        _, even, _ = train_steps(SMALL | {"policy.compensation": compensation, "engine.name": "fast"})
        assert even != ledger


def test_layers_and_copies_side_by_side_are_the_same_on_engines(train_steps: Callable[[dict[str, Any]], Any]) -> None:
    side_by_side = SMALL | {"training.pipeline": 2, "array.copies": (2,)}
    (fast, ledger, losses), (other, other_ledger, other_losses) = (
        train_steps(side_by_side | {"engine.name": name, "training.pipeline_ratio": 3.0}) for name in ("fast", "events")
    )
    assert other_losses == losses
    assert other_ledger == ledger
    assert np.array_equal(fast.conductances_s(), other.conductances_s())
    # One layer after the other, or in parts of 2 and 2 images instead of 3 and 1.
    for changes in (SMALL, side_by_side):
        _, apart, _ = train_steps(changes | {"engine.name": "fast"})
        assert apart != ledger
