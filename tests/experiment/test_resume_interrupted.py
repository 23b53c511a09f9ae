"""Whatever a run does, it can be stopped after any step, and goes on to the same result."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train
from twinbar.hw.errors import ConfigError

SMALL: dict[str, Any] = {
    "data.limit": 200,
    "model.hidden": (16,),
    "array.rows": 32,
    "array.columns": 32,
    "training.epochs": 2,
    "training.batch_size": 20,
    "engine.threads": 1,
}
STEPS = 20
WAYS: dict[str, dict[str, Any]] = {
    "siamese": {},
    "read-back": {"policy.compensation": "read-back"},
    "no compensation": {"policy.compensation": "none"},
    "closed-loop": {"policy.name": "closed-loop"},
    "closed-loop-analog": {"policy.name": "closed-loop-analog"},
    "float": {"policy.name": "float"},
    "adam": {"training.optimizer": "adam", "training.lr": 0.01},
    "validation and write every 3": {"data.validation": 0.2, "policy.write_every": 3},
    "accumulation": {"training.accumulate": 2, "training.epochs": 4},
    "ageing cells": {"device.preset": "ibm-pcm", "array.tick_s": 100.0},
    "chained layers": {
        "array.cascade": True,
        "array.shared_inputs": True,
        "array.chain": True,
        "array.mapping": "contiguous",
        "array.chained_layers": True,
    },
    "faulty cells and planes": {"device.preset": "reram-es", "array.inputs": "planes", "array.pairs": "subtract"},
}


class InterruptingProgress(SilentProgress):
    """Sends this process SIGINT after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    def advance(self, n: int, **figures: Any) -> None:
        if "loss" in figures:
            self._left -= 1
            if self._left == 0:
                signal.raise_signal(signal.SIGINT)


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("host_seconds", "environment")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def run_to_the_end(folder: Path, config: ExperimentConfig, stops: tuple[int, ...]) -> dict[str, Any]:
    """Train with an interruption after each number of steps, in processes of their own as far as the folder tells."""
    for number, steps in enumerate(stops):
        run = RunFolder.open(folder) if number else RunFolder.create(folder, config)
        with run, pytest.raises(KeyboardInterrupt):
            train(config, run, InterruptingProgress(steps), resume=run.resumed)
    run = RunFolder.open(folder) if stops else RunFolder.create(folder, config)
    with run:
        return train(config, run, SilentProgress(), resume=run.resumed)


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_was_stopped_ends_like_one_that_was_not(tmp_path: Path, way: str) -> None:
    config = ExperimentConfig().merge(SMALL | WAYS[way])
    expected = run_to_the_end(tmp_path / "alone", config, ())
    # After the first step, in the middle, and after the last batch of the first epoch.
    steps_per_epoch = expected["epochs"][0]["steps"]
    stops = (1, 2, steps_per_epoch - 3, 1)
    found = run_to_the_end(tmp_path / "stopped", config, stops)
    assert timeless(found) == timeless(expected)
    for name in ("report.json", "metrics.csv"):
        assert (tmp_path / "stopped" / name).exists()
    assert timeless(json.loads((tmp_path / "stopped" / "report.json").read_text())) == timeless(found)
    assert (tmp_path / "stopped" / "steps.csv").read_text() == (tmp_path / "alone" / "steps.csv").read_text()


def test_a_run_whose_configuration_differs_is_not_resumed(tmp_path: Path) -> None:
    config = ExperimentConfig().merge(SMALL)
    with RunFolder.create(tmp_path / "run", config) as run, pytest.raises(KeyboardInterrupt):
        train(config, run, InterruptingProgress(3), resume=False)
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=r"device.levels = 16 \(not 8\); a resumed run keeps its configuration"):
        RunFolder.open(tmp_path / "run", ExperimentConfig, {"device.levels": 8})
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before
