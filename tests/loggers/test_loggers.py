"""Callbacks that pass figures on: what they write is what the run folder holds, also after a run was stopped."""

import csv
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

import twinbar as tb
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train
from twinbar.host.loggers import CsvLogger, TensorBoardLogger, WandbLogger, lightning_logger, tensorboard_logger
from twinbar.host.loggers import wandb_logger as wandb_module
from twinbar.host.loggers.scalars import scalars
from twinbar.hw.errors import ConfigError, ToolMissingError

SMALL: dict[str, Any] = {
    "data.limit": 60,
    "data.pool": 2,
    "model.hidden": (6,),
    "training.epochs": 2,
    "training.batch_size": 20,
    "engine.threads": 1,
}
"""Two epochs of three steps."""


class StopAfter:
    """Ends a run after a step, which no checkpoint has."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: Any, row: dict[str, Any]) -> None:
        if run.step == self.step:
            raise InterruptedError


def run(folder: Path, *callbacks: object) -> dict[str, Any]:
    config = ExperimentConfig().merge(SMALL)
    resumed = (folder / "config.toml").exists()
    with RunFolder.open(folder) if resumed else RunFolder.create(folder, config) as opened:
        return train(config, opened, SilentProgress(), resumed, callbacks=callbacks)


def stopped_and_resumed(folder: Path, make: Any) -> dict[str, Any]:
    """Stop a run in the middle of its second epoch, and resume it with another logger of the same kind."""
    with pytest.raises(InterruptedError):
        run(folder, make(), StopAfter(5))
    return run(folder, make())


def test_nested_figures_have_paths() -> None:
    figures = {"epoch": 1, "pulses": {"set": 3, "reset": 4}, "name": "x", "on": True, "none": None, "nan": float("nan")}
    assert scalars(figures, "e/") == {"e/epoch": 1.0, "e/pulses/set": 3.0, "e/pulses/reset": 4.0}


def test_a_table_has_a_row_for_each_epoch(tmp_path: Path) -> None:
    report = stopped_and_resumed(tmp_path / "run", lambda: CsvLogger(tmp_path / "table.csv"))
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["epoch"]) for row in rows] == [1, 2]
    for row, entry in zip(rows, report["epochs"], strict=True):
        assert float(row["test_accuracy"]) == entry["test_accuracy"]
        assert float(row["pulses/set"]) == entry["pulses"]["set"]
        assert float(row["energy_j/total"]) == entry["energy_j"]["total"]


def test_a_table_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it is a folder; name a file"):
        CsvLogger(tmp_path)


def test_tensorboard_shows_what_the_run_holds(tmp_path: Path) -> None:
    report = stopped_and_resumed(tmp_path / "run", lambda: TensorBoardLogger(tmp_path / "events"))
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    losses = events.Scalars("step/loss")
    # The step that the checkpoint did not have was made again, and is there once.
    assert [event.step for event in losses] == [1, 2, 3, 4, 5, 6]
    with (tmp_path / "run" / "steps.csv").open() as file:
        expected = [float(row["loss"]) for row in csv.DictReader(file)]
    assert [event.value for event in losses] == pytest.approx(expected, rel=1e-6)
    accuracies = events.Scalars("epoch/test_accuracy")
    assert [event.step for event in accuracies] == [3, 6]
    assert [event.value for event in accuracies] == pytest.approx(
        [entry["test_accuracy"] for entry in report["epochs"]]
    )


class FakeRun:
    """What `wandb.init` returns."""

    def __init__(self, choices: dict[str, Any]) -> None:
        self.choices = choices
        self.id = choices["id"] or "new-id"
        self.logged: list[dict[str, float]] = []
        self.summary: dict[str, float] = {}
        self.finished = False

    def log(self, figures: dict[str, float]) -> None:
        self.logged.append(figures)

    def define_metric(self, name: str, step_metric: str) -> None:
        assert (name, step_metric) == ("*", "trainer/step")

    def finish(self) -> None:
        self.finished = True


def test_wandb_goes_on_in_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[FakeRun] = []

    def init(**choices: Any) -> FakeRun:
        runs.append(FakeRun(choices))
        return runs[-1]

    monkeypatch.setattr(wandb_module, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=init))
    report = stopped_and_resumed(tmp_path, lambda: WandbLogger(project="cells"))
    first, second = runs
    assert (first.choices["project"], first.choices["id"], first.choices["resume"]) == ("cells", None, None)
    assert first.choices["config"]["training"]["epochs"] == 2
    assert (second.choices["id"], second.choices["resume"]) == ("new-id", "allow")
    assert [figures["trainer/step"] for figures in second.logged if "step/loss" in figures] == [4, 5, 6]
    assert second.logged[-1]["epoch/test_accuracy"] == report["epochs"][-1]["test_accuracy"]
    assert second.summary["totals/energy_j/total"] == report["totals"]["energy_j"]["total"]
    assert (first.finished, second.finished) == (False, True)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (tensorboard_logger, wandb_module):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ToolMissingError, match=r'pip install "twinbar\[tensorboard\]"'):
        TensorBoardLogger(tmp_path)
    with pytest.raises(ToolMissingError, match="pip install wandb"):
        WandbLogger()


class Classifier(nn.Module):
    """Stands for a LightningModule: it keeps what it is told to log."""

    def __init__(self, *networks: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(networks)
        self.logged: dict[str, float] = {}

    def log_dict(self, figures: dict[str, float]) -> None:
        self.logged |= figures


def test_lightning_logs_what_the_network_has_cost() -> None:
    network = tb.convert(nn.Linear(4, 2), device="ideal", levels=8)
    optimizer = network.attach(torch.optim.SGD(network.parameters(), lr=10.0), steps=1)
    network(torch.rand(8, 4)).square().mean().backward()
    optimizer.step()
    module = Classifier(nn.Flatten(), network)
    lightning_logger().on_train_epoch_end(None, module)
    cost = network.cost
    assert module.logged["crossbar/cell_writes"] == cost["cell_writes"] > 0
    assert module.logged["crossbar/energy_j/total"] == cost["energy_j"]["total"] > 0
    with pytest.raises(ConfigError, match="the network has no figure 'energy'; there are "):
        lightning_logger(["energy"]).on_train_epoch_end(None, module)
    with pytest.raises(ConfigError, match=r"Classifier holds no networks that twinbar\.convert has made"):
        lightning_logger().on_train_epoch_end(None, Classifier(nn.Linear(2, 2)))


def test_loggers_are_imported_without_what_they_write_with() -> None:
    names = ("tensorboard", "wandb", "lightning")
    code = f"import json, sys, twinbar.host.loggers; print(json.dumps([n for n in {names} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
