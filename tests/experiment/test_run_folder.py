import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.run_folder import RunFolder, default_run_folder, json_text
from twinbar.hw.errors import ConfigError, ToolMissingError, TwinbarError

CONFIG = ExperimentConfig().merge({"device.levels": 8})


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def ignore(_: str) -> None:
    pass


def test_a_new_run_has_its_configuration(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path / "a" / "b", CONFIG) as folder:
        assert not folder.resumed
        assert ExperimentConfig.from_toml(folder.path / "config.toml") == CONFIG


def test_a_missing_tool_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError), RunFolder.create(tmp_path / "a" / "b", CONFIG):
        raise ToolMissingError("no compiler")
    assert list(tmp_path.iterdir()) == []
    # What has begun stays.
    folder = RunFolder.create(tmp_path / "a", CONFIG)
    folder.save_checkpoint({})
    with pytest.raises(ToolMissingError), folder:
        raise ToolMissingError("no compiler")
    assert (tmp_path / "a" / "config.toml").exists()


def test_an_empty_folder_can_be_used(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, CONFIG):
        pass
    with RunFolder.open(tmp_path) as folder:
        assert folder.resumed
        assert folder.config == CONFIG


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (CONFIG, "already holds this very run; continue it with twinbar train --resume"),
        (CONFIG.merge({"engine.seed": 9}), "already holds a different run; choose another folder with --out"),
        (CompareConfig(), "already holds a different run"),
    ],
)
def test_a_run_is_never_overwritten(tmp_path: Path, config: ExperimentConfig, sentence: str) -> None:
    with RunFolder.create(tmp_path, CONFIG) as folder:
        folder.write_report({"schema": 1})
    before = snapshot(tmp_path)
    with pytest.raises(ConfigError, match=sentence):
        RunFolder.create(tmp_path, config)
    assert snapshot(tmp_path) == before


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(ConfigError, match="is not empty and holds no run"):
        RunFolder.create(tmp_path, CONFIG)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(ConfigError, match="is a file; a run needs a new or empty folder"):
        RunFolder.create(path, CONFIG)
    with pytest.raises(ConfigError, match=r"cannot be written \(Not a directory\)"):
        RunFolder.create(path / "below", CONFIG)
    assert path.read_text() == "x"


@pytest.mark.parametrize("call", ["mkdir", "open", "replace"])
def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(ConfigError, match=r"cannot be written \(Permission denied\); choose another with --out"):
        RunFolder.create(tmp_path / "run", CONFIG)
    monkeypatch.undo()
    assert not (tmp_path / "run" / "config.toml").exists()


def test_a_refused_run_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such preset"), RunFolder.create(tmp_path / "a" / "b", CONFIG):
        raise ConfigError("no such preset")
    assert os.listdir(tmp_path) == []


def test_a_run_that_fails_later_keeps_what_it_has(tmp_path: Path) -> None:
    def fail(folder: RunFolder) -> None:
        with folder:
            folder.table("steps.csv").append({"step": 1})
            raise ConfigError("later")

    with pytest.raises(ConfigError, match="later"):
        fail(RunFolder.create(tmp_path / "run", CONFIG))
    assert {"config.toml", "steps.csv"} <= set(os.listdir(tmp_path / "run"))


def test_a_run_that_is_stopped_can_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), RunFolder.create(tmp_path, CONFIG):
        raise KeyboardInterrupt
    with RunFolder.open(tmp_path) as folder:
        assert folder.load_checkpoint(ignore) is None


def test_a_run_that_fails_before_it_has_made_anything_is_not_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), RunFolder.create(tmp_path / "run", CONFIG):
        raise RuntimeError
    assert not (tmp_path / "run").exists()


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    code = (
        "import sys; from pathlib import Path; from twinbar.host.experiment.run_folder import RunFolder\n"
        "try: RunFolder.open(Path(sys.argv[1])).close()\n"
        "except ValueError as error: print(error)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with RunFolder.create(tmp_path, CONFIG):
        busy = subprocess.run(command, capture_output=True, text=True, check=True)
    free = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "is being written by another process" in busy.stdout
    assert free.stdout == ""


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "there is no such folder; start a run there with --out"),
        (lambda path: path.mkdir(), "it holds no config.toml; start a run there with --out"),
    ],
)
def test_what_is_no_run_cannot_be_resumed(tmp_path: Path, make: Any, sentence: str) -> None:
    make(tmp_path / "run")
    with pytest.raises(ConfigError, match=sentence):
        RunFolder.open(tmp_path / "run")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_a_run_folder_is_not_waited_for(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, CONFIG).close()
    os.mkfifo(tmp_path / "steps.csv")
    with pytest.raises(ConfigError, match=r"steps\.csv is not a file but a pipe"):
        RunFolder.open(tmp_path)


def test_a_comparison_is_resumed_as_a_comparison(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "c", CompareConfig()).close()
    RunFolder.create(tmp_path / "t", CONFIG).close()
    with pytest.raises(ConfigError, match="resume it with twinbar compare --resume"):
        RunFolder.open(tmp_path / "c")
    with pytest.raises(ConfigError, match="resume it with twinbar train --resume"):
        RunFolder.open(tmp_path / "t", CompareConfig)
    with RunFolder.open(tmp_path / "c", CompareConfig) as folder:
        assert folder.config == CompareConfig()


def test_a_resumed_run_keeps_its_configuration(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, CONFIG).close()
    before = snapshot(tmp_path)
    with pytest.raises(ConfigError) as caught:
        RunFolder.open(tmp_path, changes={"training.epochs": 9, "data.name": "mnist", "device.levels": 8})
    assert str(caught.value) == (
        f'{tmp_path} was started with data.name = "digits" (not "mnist"), training.epochs = 3 (not 9); '
        "a resumed run keeps its configuration: leave these out, or start a new run with --out"
    )
    assert snapshot(tmp_path) == before


def test_a_resumed_run_may_use_other_threads(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, CONFIG).close()
    with RunFolder.open(tmp_path, changes={"engine.threads": 2, "device.levels": 8}) as folder:
        assert folder.config.engine.threads == 2


def test_a_relative_path_given_again_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fashion").mkdir()
    monkeypatch.chdir(tmp_path)
    RunFolder.create(tmp_path / "run", CONFIG.merge({"data.name": "fashion"}).with_absolute_paths()).close()
    RunFolder.open(tmp_path / "run", changes={"data.name": "fashion"}).close()


def train(folder: RunFolder, begin: int, end: int, stop_at: int | None = None) -> None:
    """A run whose rows depend on all steps before: a checkpoint after each third step."""
    state = folder.load_checkpoint(ignore) if folder.resumed else None
    step, total = (state["step"], state["total"]) if state else (begin, 0.0)
    table = folder.table("steps.csv")
    while step < end:
        step += 1
        total += math.sin(step)
        table.append({"step": step, "total": total, "note": None})
        if step % 3 == 0:
            folder.save_checkpoint({"step": step, "total": total})
        if step == stop_at:
            table.sync()
            return


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4, 5, 9, 10])
def test_a_resumed_table_is_that_of_a_run_left_alone(tmp_path: Path, stop_at: int) -> None:
    with RunFolder.create(tmp_path / "whole", CONFIG) as folder:
        train(folder, 0, 11)
    with RunFolder.create(tmp_path / "stopped", CONFIG) as folder:
        train(folder, 0, 11, stop_at)
    with (tmp_path / "stopped" / "steps.csv").open("ab") as stream:
        stream.write(b"99,0.")  # a row torn by the kill
    with RunFolder.open(tmp_path / "stopped") as folder:
        train(folder, 0, 11)
    whole, resumed = (tmp_path / name / "steps.csv" for name in ("whole", "stopped"))
    assert resumed.read_bytes() == whole.read_bytes()
    assert whole.read_text().splitlines()[:2] == ["step,total,note", f"1,{math.sin(1)!r},"]


def test_the_table_follows_a_fall_back_to_the_checkpoint_before(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, CONFIG) as folder:
        train(folder, 0, 7)
    newest = max((tmp_path / "checkpoint").iterdir())
    newest.write_bytes(b"")
    notices: list[str] = []
    with RunFolder.open(tmp_path) as folder:
        state = folder.load_checkpoint(notices.append)
        folder.table("steps.csv").sync()
    assert state is not None
    assert state["step"] == 3
    assert (tmp_path / "steps.csv").read_text().splitlines()[-1].startswith("3,")
    assert len(notices) == 1


def test_a_table_shorter_than_its_checkpoint_is_refused(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, CONFIG) as folder:
        train(folder, 0, 6)
    (tmp_path / "steps.csv").write_bytes(b"step,total\n")
    with RunFolder.open(tmp_path) as folder:
        folder.load_checkpoint(ignore)
        with pytest.raises(ConfigError, match=r"steps\.csv has 11 bytes, but \d+ when the checkpoint was made"):
            folder.table("steps.csv")


def test_rows_are_only_trusted_after_the_checkpoint(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, CONFIG).close()
    with RunFolder.open(tmp_path) as folder, pytest.raises(RuntimeError, match="load_checkpoint comes first"):
        folder.table("steps.csv")


def test_a_row_with_other_columns_is_refused(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, CONFIG) as folder:
        folder.table("steps.csv").append({"step": 1, "loss": 0.5})
        with pytest.raises(ValueError, match="does not fit"):
            folder.table("steps.csv").append({"step": 2})


def test_runs_of_a_comparison_are_started_or_taken_up(tmp_path: Path) -> None:
    config = CompareConfig()
    with RunFolder.create(tmp_path, config) as folder, folder.child("float", config.for_policy("float")) as run:
        assert not run.resumed
    with RunFolder.open(tmp_path, CompareConfig) as folder:
        with folder.child("float", config.for_policy("float")) as run:
            assert run.resumed
        with folder.child("siamese", config.for_policy("siamese")) as run:
            assert not run.resumed
        other = config.for_policy("float").merge({"training.epochs": 9})
        with pytest.raises(ConfigError, match=r"started with training\.epochs = 3 \(not 9\)"):
            folder.child("float", other)


def test_reports_are_strict_json(tmp_path: Path) -> None:
    report = {
        "loss": math.nan,
        "accuracy": np.float32(0.5),
        "count": np.int64(3),
        "list": np.arange(2),
        "best": (math.inf, 1),
        7: None,
        "ok": True,
    }
    with RunFolder.create(tmp_path, CONFIG) as folder:
        folder.write_report(report)
    found = json.loads((tmp_path / "report.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert found == {
        "loss": None,
        "accuracy": 0.5,
        "count": 3,
        "list": [0, 1],
        "best": [None, 1],
        "7": None,
        "ok": True,
    }
    assert json_text(report) == (tmp_path / "report.json").read_text()


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with RunFolder.create(tmp_path, CONFIG) as folder:
        folder.write_report({"epoch": 1})
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(TwinbarError, match=r"report\.json cannot be written: No space left on device"):
            folder.write_report({"epoch": 2})
        monkeypatch.undo()
    assert json.loads((tmp_path / "report.json").read_text()) == {"epoch": 1}


def test_a_disk_that_is_full_at_the_first_checkpoint_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "runs" / "run"
    folder = RunFolder.create(path, CONFIG)
    folder.table("steps.csv")
    monkeypatch.setattr("twinbar.host.experiment.checkpoint.replace_file", full)

    def save() -> None:
        with folder:
            folder.save_checkpoint({"step": 1})

    with pytest.raises(TwinbarError, match="it would be the first of this run: make room, or choose another folder"):
        save()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_later_leaves_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = RunFolder.create(tmp_path / "run", CONFIG)
    folder.table("steps.csv")
    folder.save_checkpoint({"step": 1})
    monkeypatch.setattr("twinbar.host.experiment.checkpoint.replace_file", full)

    def save() -> None:
        with folder:
            folder.save_checkpoint({"step": 2})

    with pytest.raises(TwinbarError, match="the one before it is complete: make room, then continue with --resume"):
        save()
    with RunFolder.open(tmp_path / "run") as again:
        assert again.load_checkpoint(pytest.fail) == {"step": 1}


def test_default_folders_are_named_by_data_and_policy_and_never_taken_twice(tmp_path: Path) -> None:
    config = ExperimentConfig().merge({"data.name": "/data/my set", "policy.name": "float"})
    first = default_run_folder(config, tmp_path)
    assert first.parent == tmp_path
    assert first.name.endswith("-my-set-float")
    for _ in range(3):
        path = default_run_folder(config, tmp_path)
        path.mkdir(parents=True)
    assert len(os.listdir(tmp_path)) == 3
    assert default_run_folder(CompareConfig(), tmp_path).name.endswith("-digits-compare")
