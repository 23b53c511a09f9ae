"""A command line in this process, with a trainer that takes no time."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.run_folder import RunFolder


def report_of(config: ExperimentConfig) -> dict[str, Any]:
    return {"schema": 1, "config": config.to_json(), "epochs": [{"epoch": 1, "test_accuracy": 0.5}], "totals": {}}


class Trainer:
    """Stands for `twinbar.host.experiment.train.train`: notes what it was called with, and does what a test sets."""

    def __init__(self) -> None:
        self.calls: list[SimpleNamespace] = []
        self.error: BaseException | None = None
        self.built: list[Path] = []

    def train(self, config: ExperimentConfig, folder: RunFolder, progress: Progress, resume: bool) -> dict[str, Any]:
        self.calls.append(SimpleNamespace(config=config, path=folder.path, resume=resume))
        progress.start(10, "epoch 1/1")
        progress.advance(10, loss=0.5)
        if self.error is not None:
            raise self.error
        report = report_of(config)
        folder.write_report(report)
        return report

    def compare(self, config: Any, policies: tuple[str, ...], out: RunFolder, progress: Progress) -> dict[str, Any]:
        reports = {}
        for name in policies:
            run_config = config.for_policy(name)
            with out.child(name, run_config) as folder:
                reports[name] = self.train(run_config, folder, progress, folder.resumed)
        return {"schema": 1, "policies": reports, "reduction_vs_closed_loop": {}}


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """Put the fast trainer, and a page that is not drawn, in the place of the real ones."""
    trainer = Trainer()
    # It takes more from the comparison of policies than the stand-in below has.
    importlib.import_module("twinbar.host.experiment.write_comparison")
    for name, members in {
        "twinbar.host.experiment.train": {"train": trainer.train},
        "twinbar.host.experiment.policy_comparison": {"compare": trainer.compare},
        # Would import more of the module above.
        "twinbar.host.experiment.write_comparison": {"compare_writes": trainer.compare},
        "twinbar.host.report.page": {"build_report": trainer.built.append},
    }.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return trainer


@pytest.fixture
def twinbar(twinbar: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return twinbar
