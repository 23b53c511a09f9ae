"""What goes wrong while training is said in a sentence."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import WriteResult
from twinbar.host.experiment.callbacks import Run
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train
from twinbar.host.experiment.watch import Watch, programming_warning
from twinbar.host.network.layer_cost import LayerWrites
from twinbar.host.network.programmer import Programmed
from twinbar.hw.errors import TwinbarError


def run_with(plus: Any = (5, 4, 3, 0), failures: Any = (1, 1, 0, 0)) -> Run:
    """As much of a run as the watch looks at: a network on crossbars that tells ten classes apart."""
    cells = SimpleNamespace(plus=np.array([plus]), minus=np.zeros((1, len(plus))), failures=np.array([failures]))
    network = SimpleNamespace(layers=[SimpleNamespace(cells=cells)], weights=len(plus))
    return cast("Run", SimpleNamespace(network=network, classes=10, policy=SimpleNamespace(gives_pulses=False)))


RUN = run_with(failures=(1,) * 60)

SOUND = {
    "epoch": 2,
    "clipped_fraction": {"1": 0.001, "3": 0.0},
    "train_loss": 0.5,
    "cell_writes": 5000,
    "failed_writes": 3000,
    "cells_written": 1000,
    "cells_failed": 10,
    "test_accuracy": 0.9,
    "twin_test_accuracy": 0.93,
    "agreement": 0.95,
}


def test_a_sound_run_is_not_warned_of(train_run: Callable[..., Any]) -> None:
    assert train_run({"data.limit": None, "model.hidden": (64,), "training.epochs": 6}).report["warnings"] == []


class Heard(SilentProgress):
    """Keeps the parts of a run among its sentences."""

    def start(self, total: int, description: str, unit: str = "images", done: int = 0) -> None:
        self.messages.append(description)


def test_what_is_known_of_the_cells_is_said_before_the_first_batch(tmp_path: Path) -> None:
    progress = Heard()
    config = ExperimentConfig().merge(
        {"device.preset": "gst-pcm", "data.limit": 64, "model.hidden": (8,), "training.epochs": 1}
    )
    with RunFolder.create(tmp_path / "run", config) as folder:
        train(config, folder, progress, resume=False)
    said = [index for index, text in enumerate(progress.messages) if "above its SET threshold of 0.35 V" in text]
    assert len(said) == 1
    assert said[0] < progress.messages.index("epoch 1/1")


def test_a_saturated_converter_is_noticed(train_run: Callable[..., Any]) -> None:
    run = train_run({"array.range_margin": 1.0, "array.range_tracking": False, "training.lr": 0.2})
    saturated = [sentence for sentence in run.report["warnings"] if "saturated" in sentence]
    assert saturated
    assert any("of the conversions of layer 3 saturated in epoch 1" in sentence for sentence in saturated)
    assert run.report["epochs"][-1]["clipped_fraction"]["3"] > 0.01
    # Progress says it too, and the twin went on without the crossbar.
    assert [f"warning: {sentence}" for sentence in run.report["warnings"]] == run.messages
    assert any("no longer agrees with the twin" in sentence for sentence in run.report["warnings"])


def test_a_tracking_range_keeps_its_sums(train_run: Callable[..., Any]) -> None:
    run = train_run({"array.range_margin": 1.0, "training.lr": 0.2})
    assert max(run.report["epochs"][-1]["clipped_fraction"].values()) < 0.01


def test_failing_writes_are_noticed(train_run: Callable[..., Any]) -> None:
    run = train_run({"write.pulse_limit": 1})
    assert any("did not reach their level when they were first programmed" in s for s in run.report["warnings"])
    assert any("of the writes of epoch 1 used up their pulses" in s for s in run.report["warnings"])
    # Each is said once, however many epochs it lasts.
    assert len(run.report["warnings"]) == len(set(run.report["warnings"]))
    assert sum("used up their pulses" in s for s in run.report["warnings"]) == 1


def test_levels_that_lie_too_close_are_warned_of_before_training(train_run: Callable[..., Any]) -> None:
    run = train_run({"device.levels": 64, "training.epochs": 1})
    assert run.report["warnings"][0].startswith("64 levels lie 3.2 ADC codes apart, but a read of the highest level")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, None),
        ({"clipped_fraction": {"1": 0.02, "3": 0.0}}, "2.0% of the conversions of layer 1 saturated in epoch 2"),
        ({"cells_failed": 80}, "8.0% of the writes of epoch 2 used up their pulses"),
        ({"cells_failed": 9, "cells_written": 10}, None),  # too few to say anything
        ({"test_accuracy": 0.8}, "after epoch 2 the crossbar classifies 13.0% fewer test images than its twin"),
        ({"test_accuracy": 0.99}, None),  # better than the twin is no reason to worry
        ({"train_loss": 2.4}, "the training loss of epoch 2 is 2.4, above the 2.3 of guessing"),
    ],
    ids=str,
)
def test_what_an_epoch_is_warned_of(change: dict[str, Any], sentence: str | None) -> None:
    watch = Watch()
    watch.on_epoch(RUN, SOUND | change)
    watch.on_epoch(RUN, SOUND | change | {"epoch": 3})
    if sentence is None:
        assert watch.warnings == []
    else:
        (said,) = watch.warnings
        assert said.startswith(sentence)


@pytest.mark.parametrize(
    ("change", "run", "cause"),
    [
        # 80 failed writes of 60 cells: each of them failed about once. Of two cells: they fail again and again.
        ({"cells_failed": 80}, RUN, "fewer levels or a wider window (write.tolerance) would help"),
        ({"cells_failed": 80}, run_with(), "they are those of 2 cells that fail again and again"),
        ({"train_loss": 2.4}, run_with(), "a lower learning rate (--lr) would let the network learn"),
        ({"train_loss": 2.4}, run_with(plus=(1, 0, 0, 0)), "75% of the weights are nearer to zero than to the first"),
    ],
    ids=str,
)
def test_a_warning_names_the_cause(change: dict[str, Any], run: Run, cause: str) -> None:
    watch = Watch()
    watch.on_epoch(run, SOUND | change)
    (said,) = watch.warnings
    assert cause in said


@pytest.mark.parametrize(
    ("sets", "resets", "cause"),
    [([9, 9, 1], [0, 0, 2], "still on their way"), ([9, 5, 1], [3, 4, 2], "went to and fro over the window")],
)
def test_a_first_programming_that_fails_says_whether_cells_were_on_their_way(
    sets: list[int], resets: list[int], cause: str
) -> None:
    ok = np.array([False, False, True])
    result = WriteResult(np.zeros(3), np.array(sets), np.array(resets), ok, Activity())
    # Retries are no cells: of three cells two failed.
    written = Programmed(3, result, {"1": LayerWrites(3, 3, 2)})
    said = programming_warning(written)
    assert said is not None
    assert said.startswith("66.7% of the cells did not reach their level when they were first programmed")
    assert cause in said


def test_what_was_said_is_not_said_again_after_a_resume() -> None:
    watch = Watch()
    watch.on_epoch(RUN, SOUND | {"cells_failed": 80})
    resumed = Watch()
    resumed.load_state_dict(watch.state_dict())
    resumed.on_epoch(RUN, SOUND | {"cells_failed": 90, "epoch": 3})
    assert resumed.warnings == watch.warnings


def test_a_learning_rate_at_which_nothing_is_learnt_is_noticed(train_run: Callable[..., Any]) -> None:
    run = train_run({"training.lr": 5.0, "training.epochs": 1})
    assert any("a lower learning rate (--lr) would let the network learn" in s for s in run.report["warnings"])


# The bounded twin keeps weights finite; biases are digital, and nothing bounds them.
@pytest.mark.parametrize("changes", [{"policy.name": "float"}, {"model.bias": True}], ids=str)
def test_a_training_that_diverges_ends_with_a_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = ExperimentConfig().merge(
        {"data.limit": 200, "model.hidden": (16,), "training.lr": 1e38, "engine.threads": 1} | changes
    )
    with (
        pytest.raises(TwinbarError, match="lower the learning rate") as caught,
        RunFolder.create(tmp_path / "run", config) as folder,
    ):
        train(config, folder, SilentProgress(), resume=False)
    assert caught.value.exit_status == 1
    assert "\n" not in str(caught.value)
