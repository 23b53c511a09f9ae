import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinbar.host.experiment.config import ExperimentConfig


def test_flags_become_the_configuration(twinbar: Callable[..., Any], trainer: Any, tmp_path: Path) -> None:
    outcome = twinbar(
        *("train", "--data", "digits", "--limit", "100", "--model", "mlp", "--hidden", "64,32", "--device", "ag-si"),
        *("--levels", "8", "--policy", "closed-loop", "--engine", "fast", "--epochs", "2", "--batch-size", "10"),
        *("--lr", "0.1", "--schedule", "linear", "--accumulate", "4", "--seed", "7", "--out", "r1"),
    )
    assert outcome.status == 0, outcome.err
    expected = ExperimentConfig().merge(
        {
            "data.name": "digits",
            "data.limit": 100,
            "model.hidden": (64, 32),
            "device.preset": "ag-si",
            "device.levels": 8,
            "policy.name": "closed-loop",
            "training.epochs": 2,
            "training.batch_size": 10,
            "training.lr": 0.1,
            "training.schedule": "linear",
            "training.accumulate": 4,
            "engine.seed": 7,
        }
    )
    (call,) = trainer.calls
    assert call.config == expected
    assert call.resume is False
    assert ExperimentConfig.from_toml(tmp_path / "r1" / "config.toml") == expected


def test_flags_win_over_set_nothing_and_over_the_file(
    twinbar: Callable[..., Any], trainer: Any, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text("[device]\nlevels = 4\n[training]\nepochs = 9\n[policy]\nthreshold = 0.9\n")
    arguments = ("train", "--config", "mine.toml", "--levels", "8", "--set", "policy.threshold=0.75")
    assert twinbar(*arguments).status == 0
    config = trainer.calls[0].config
    assert (config.device.levels, config.training.epochs, config.policy.threshold) == (8, 9, 0.75)


def test_set_reads_every_kind_of_value(twinbar: Callable[..., Any], trainer: Any) -> None:
    settings = [
        "array.skip_empty=false",
        "policy.twin_bound=none",
        "write.set_ramp_v=[1, 0.05, 2]",
        "array.inputs=planes",
    ]
    assert twinbar("train", *(part for setting in settings for part in ("--set", setting))).status == 0
    config = trainer.calls[0].config
    assert config.array.skip_empty is False
    assert config.policy.twin_bound is None
    assert config.write.set_ramp_v == (1.0, 0.05, 2.0)
    assert config.array.inputs == "planes"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--levels", "300"], "device.levels is 300; it must be a whole number from 2 to 256"),
        (["--levels", "many"], 'device.levels is "many"; it must be a whole number from 2 to 256'),
        (["--batch-size", "0"], "training.batch_size is 0; it must be a whole number from 1 to 1000000"),
        (["--lr", "-1"], "training.lr is -1; it must be a number, above 0"),
        (["--policy", "simese"], 'policy.name is "simese"; it must be one of siamese, chi,'),
        (["--engine", "board"], "engine.port is missing; a board needs one"),
        (["--port", "/dev/ttyUSB1"], "engine.port is /dev/ttyUSB1, but engine fast has no port"),
        (
            ["--set", "policy.treshold=1"],
            "there is no configuration key policy.treshold; did you mean policy.threshold?",
        ),
        (["--set", "threshold"], "--set threshold cannot be read; write it as --set section.key=value"),
        (["--levels", "8", "--set", "device.levels=8"], "device.levels is given by --levels and again by --set"),
        (["--config", "none.toml"], "none.toml cannot be read: No such file or directory"),
        (["--out", "a", "--resume", "b"], "--out starts a run and --resume takes one up; give one of them"),
        (["--resume", "b"], "b cannot be resumed: there is no such folder; start a run there with --out b"),
        (["--print-config", "--resume", "b"], "--print-config shows what a new run would do"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(
    twinbar: Callable[..., Any], trainer: Any, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    outcome = twinbar("train", *arguments)
    assert outcome.status == 2
    assert outcome.err.startswith(f"Error: {sentence}")
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""
    assert os.listdir(tmp_path) == []
    assert trainer.calls == []


def test_an_unknown_option_is_bad_usage(twinbar: Callable[..., Any], trainer: Any) -> None:
    outcome = twinbar("train", "--epoch", "3")
    assert outcome.status == 2
    assert "No such option: --epoch" in outcome.err


def test_json_goes_to_standard_output_alone(twinbar: Callable[..., Any], trainer: Any, tmp_path: Path) -> None:
    outcome = twinbar("train", "--out", "r1", "--json")
    assert json.loads(outcome.out) == json.loads((tmp_path / "r1" / "report.json").read_text())
    assert "epoch 1/1: 10 images" in outcome.err


def test_the_result_is_a_table_and_the_folder(twinbar: Callable[..., Any], trainer: Any, tmp_path: Path) -> None:
    outcome = twinbar("train", "--out", "r1")
    assert outcome.status == 0
    assert "50.00 %" in outcome.out
    assert outcome.out.splitlines()[-1] == "Results: r1"
    assert trainer.built == [Path("r1")]


def test_the_folder_is_named_after_data_and_policy(twinbar: Callable[..., Any], trainer: Any) -> None:
    assert twinbar("train", "--policy", "float").status == 0
    (path,) = Path("runs").iterdir()
    assert path.name.endswith("-digits-float")


def test_the_printed_configuration_starts_the_same_run(
    twinbar: Callable[..., Any], trainer: Any, tmp_path: Path
) -> None:
    outcome = twinbar("train", "--levels", "8", "--print-config")
    assert outcome.status == 0
    assert trainer.calls == []
    assert os.listdir(tmp_path) == []
    assert tomllib.loads(outcome.out)["device"]["levels"] == 8
    (tmp_path / "mine.toml").write_text(outcome.out)
    twinbar("train", "--config", "mine.toml")
    assert trainer.calls[0].config == ExperimentConfig().merge({"device.levels": 8})


def test_resume_reads_the_configuration_of_the_run(twinbar: Callable[..., Any], trainer: Any) -> None:
    twinbar("train", "--levels", "8", "--out", "r1")
    assert twinbar("train", "--resume", "r1", "--json").status == 0
    first, second = trainer.calls
    assert second.config == first.config
    assert (first.resume, second.resume) == (False, True)
    assert second.path == first.path


def test_resume_accepts_what_the_run_was_started_with(
    twinbar: Callable[..., Any], trainer: Any, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text("[device]\nlevels = 8\n")
    (tmp_path / "other.toml").write_text("[device]\nlevels = 4\n")
    twinbar("train", "--config", "mine.toml", "--epochs", "2", "--out", "r1")
    same = twinbar("train", "--config", "mine.toml", "--epochs", "2", "--resume", "r1", "--set", "engine.threads=1")
    assert same.status == 0, same.err
    assert trainer.calls[1].config.engine.threads == 1
    other = twinbar("train", "--config", "other.toml", "--epochs", "5", "--resume", "r1")
    assert other.status == 2
    assert "device.levels = 8 (not 4), training.epochs = 2 (not 5)" in other.err
    assert len(trainer.calls) == 2


def test_a_run_is_not_overwritten(twinbar: Callable[..., Any], trainer: Any, tmp_path: Path) -> None:
    twinbar("train", "--out", "r1")
    before = {path.name: path.read_bytes() for path in (tmp_path / "r1").iterdir()}
    for arguments in ([], ["--levels", "8"]):
        outcome = twinbar("train", "--out", "r1", *arguments)
        assert outcome.status == 2
        assert outcome.err.startswith("Error: r1 already holds ")
    assert {path.name: path.read_bytes() for path in (tmp_path / "r1").iterdir()} == before
    assert len(trainer.calls) == 1


def test_an_unwritable_folder_is_status_2(twinbar: Callable[..., Any], trainer: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    outcome = twinbar("train", "--out", "file/run")
    assert outcome.status == 2
    assert "the run folder file/run cannot be written (Not a directory)" in outcome.err
