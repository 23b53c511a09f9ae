"""What follows a run: hooks in their order, state in the checkpoint, and policies that remember something."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.host.experiment import resolved_crossbar
from twinbar.host.experiment.callbacks import Callbacks
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train
from twinbar.host.update.policies.siamese import Siamese
from twinbar.host.update.policy import Decision, UpdatePolicy
from twinbar.host.update.programmed import ProgrammedLayer
from twinbar.hw.errors import ConfigError

SMALL: dict[str, Any] = {
    "data.limit": 60,
    "model.hidden": (16,),
    "array.rows": 32,
    "array.columns": 32,
    "training.epochs": 2,
    "training.batch_size": 20,
    "engine.threads": 1,
}
"""Two epochs of three steps."""


class Stopped(Exception):
    pass


class Diary:
    """Write down every hook that is called, and count the steps."""

    state_key = "diary"

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps = 0

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda run, *arguments: self.lines.append(name)

    def on_step(self, run: Any, row: dict[str, Any]) -> None:
        self.lines.append("on_step")
        self.steps += 1
        row["diary"] = self.steps

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.steps = state["steps"]


def run(folder: Path, callbacks: list[object]) -> dict[str, Any]:
    config = ExperimentConfig().merge(SMALL)
    opened = RunFolder.open(folder) if folder.exists() else RunFolder.create(folder, config)
    with opened:
        return train(config, opened, SilentProgress(), resume=opened.resumed, callbacks=callbacks)


STEP = ["on_step_begin", "on_step"]
SAVE = ["on_checkpoint", "on_saved"]
EPOCH = ["on_epoch_begin", *STEP * 3, "on_evaluation", "on_epoch_figures", "on_epoch", *SAVE]


def test_hooks_are_called_in_their_order(compiled_kernels: None, tmp_path: Path) -> None:
    diary = Diary()
    report = run(tmp_path / "run", [diary])
    first = ["on_start", "on_initialized", *SAVE]
    assert diary.lines == [*first, *EPOCH, *EPOCH, "on_finish", "on_report_figures", "on_end"]
    assert report["totals"]["steps"] == 6


def test_what_a_callback_keeps_is_in_the_checkpoint(compiled_kernels: None, tmp_path: Path) -> None:
    class OnceAnEpoch(Diary):
        def on_saved(self, run: Any) -> None:
            self.lines.append("on_saved")
            if run.epochs:
                raise Stopped

    with pytest.raises(Stopped):
        run(tmp_path / "run", [OnceAnEpoch()])
    again = Diary()
    run(tmp_path / "run", [again])
    assert again.lines == ["on_resume", *EPOCH, "on_finish", "on_report_figures", "on_end"]
    assert again.steps == 6
    rows = (tmp_path / "run" / "steps.csv").read_text().splitlines()
    assert rows[0].split(",")[-1] == "diary"
    assert [row.rsplit(",", 1)[1] for row in rows[1:]] == ["1", "2", "3", "4", "5", "6"]


def test_two_callbacks_do_not_share_a_key() -> None:
    with pytest.raises(ConfigError, match="two callbacks keep their state under the key 'diary'"):
        Callbacks([Diary(), Diary()])


class Patient(Siamese):
    """Decide as `siamese`, but for each layer only every third time: what it counts decides what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def decide(self, weights: np.ndarray, cells: ProgrammedLayer, progress: float) -> Decision:
        self.calls += 1
        if self.calls % 3:
            return Decision(np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0, np.int32), 0)
        return super().decide(weights, cells, progress)

    def state_dict(self) -> dict[str, Any]:
        return {"calls": self.calls}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if set(state) != {"calls"}:
            raise ConfigError("the checkpoint holds no state of the policy Patient")
        self.calls = state["calls"]


class Forgetful(Patient):
    """The same without its state in the checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


class StopAfterSteps:
    def __init__(self, steps: int) -> None:
        self._left = steps

    def on_saved(self, run: Any) -> None:
        self._left -= run.step > 0
        if run.step and self._left == 0:
            raise Stopped


def steps_of(folder: Path, policy: type[UpdatePolicy], monkeypatch: pytest.MonkeyPatch, *, stopped: bool) -> str:
    monkeypatch.setattr(resolved_crossbar, "build_policy", lambda config: policy())
    if stopped:
        with pytest.raises(Stopped):
            run(folder, [StopAfterSteps(1)])
    run(folder, [])
    return (folder / "steps.csv").read_text()


class Numeric(UpdatePolicy):
    """A policy that gives no decision."""

    def decide(self, weights: np.ndarray, cells: Any, progress: float) -> Any:
        return 5


def test_a_policy_that_gives_no_decision_is_named(
    compiled_kernels: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"the policy Numeric decided 5 for layer \S+; decide returns a Decision"):
        steps_of(tmp_path / "run", Numeric, monkeypatch, stopped=False)


@pytest.mark.parametrize(("policy", "equal"), [(Patient, True), (Forgetful, False)])
def test_a_policy_that_remembers_is_resumed_as_it_was(
    compiled_kernels: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: type[UpdatePolicy], equal: bool
) -> None:
    # Two layers and three steps an epoch: after 6 calls the count is a multiple of 3, so limit the images to 2 steps.
    monkeypatch.setitem(SMALL, "data.limit", 40)
    alone = steps_of(tmp_path / "alone", policy, monkeypatch, stopped=False)
    resumed = steps_of(tmp_path / "resumed", policy, monkeypatch, stopped=True)
    assert (alone == resumed) is equal


def test_a_policy_whose_state_does_not_fit_is_refused_before_the_first_step(
    compiled_kernels: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(resolved_crossbar, "build_policy", lambda config: Patient())
        with pytest.raises(Stopped):
            run(tmp_path / "run", [StopAfterSteps(1)])
    before = (tmp_path / "run" / "steps.csv").read_bytes()
    with pytest.raises(ConfigError, match=r"holds a state of its update policy \(calls\), but Siamese keeps none"):
        run(tmp_path / "run", [])
    assert (tmp_path / "run" / "steps.csv").read_bytes() == before
