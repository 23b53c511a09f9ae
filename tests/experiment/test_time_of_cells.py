"""Cells age by one time: that of the ledger, and the pauses that are stated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.crossbar.ticks import tick_of
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train

BASE = {"data.limit": 128, "model.hidden": (16,), "training.epochs": 2, "training.batch_size": 16}


@pytest.fixture
def ticks_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[list[int], dict[str, Any]]]:
    """Train, and note the ticks that the engine was set to."""

    def run(**changes: Any) -> tuple[list[int], dict[str, Any]]:
        heard: list[int] = []
        plain = FastEngine.set_tick

        def noting(self: FastEngine, tick: int) -> None:
            heard.append(tick)
            plain(self, tick)

        monkeypatch.setattr(FastEngine, "set_tick", noting)
        config = ExperimentConfig().merge(BASE | changes)
        folder_name = tmp_path / str(len(list(tmp_path.iterdir())))
        with RunFolder.create(folder_name, config) as folder:
            report = train(config, folder, SilentProgress(), resume=False)
        return heard, report

    return run


def test_by_hand() -> None:
    array = ArrayConfig(tick_s=0.5, pause_s=2.0)
    # 3 steps of 2 s and 1.3 s of the controller are 7.3 s: 14 halves of a second are over.
    assert tick_of(array, 3, lambda: 1.3) == 14
    assert tick_of(ArrayConfig(tick_s=0.5), 3, lambda: 1.3) == 3
    assert tick_of(ArrayConfig(tick_s=1e-3, pause_s=0.0), 3, lambda: 0.0125) == 12


def test_a_step_is_a_tick_unless_pauses_are_stated(ticks_of: Any) -> None:
    ticks, _ = ticks_of()
    assert ticks[-16:] == list(range(16))


def test_time_is_that_of_the_ledger(ticks_of: Any) -> None:
    # Preset with relaxation: without ageing an engine would ignore ticks.
    ticks, report = ticks_of(**{"device.preset": "neurram", "array.pause_s": 0.0, "array.tick_s": 1e-6})
    assert (np.diff(ticks) >= 0).all()
    programmed, total = report["initialization"]["seconds"]["total"], report["totals"]["seconds"]["total"]
    # The first step begins when the cells are programmed; the last one, a step before the end.
    first, last = ticks[-16] * 1e-6, ticks[-1] * 1e-6
    assert first == pytest.approx(programmed, abs=2e-6)
    assert programmed + 0.8 * total < last < programmed + total


def test_pauses_are_added(ticks_of: Any) -> None:
    ticks, _ = ticks_of(**{"device.preset": "neurram", "array.pause_s": 3600.0, "array.tick_s": 60.0})
    # The controller takes less than a minute: an hour is 60 ticks, one more or none.
    assert ticks[-16:] == [60 * step for step in range(16)]
