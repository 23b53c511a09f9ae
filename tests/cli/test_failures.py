import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinbar.hw.errors import ConfigError, LinkError, ToolMissingError, TwinbarError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TwinbarError("the disk is full"), 1),
        (ConfigError("levels are out of range"), 2),
        (ToolMissingError("a compiler is missing"), 3),
        (LinkError("the board does not answer"), 4),
    ],
)
def test_each_kind_of_error_has_its_status(
    twinbar: Callable[..., Any], trainer: Any, error: Exception, status: int
) -> None:
    trainer.error = error
    outcome = twinbar("train")
    assert outcome.status == status
    assert outcome.err.splitlines()[-1] == f"Error: {error}"
    assert outcome.out == ""


def test_an_unforeseen_error_is_one_line(twinbar: Callable[..., Any], trainer: Any) -> None:
    trainer.error = ZeroDivisionError("division by zero\nsomewhere")
    outcome = twinbar("train", "--json")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == (
        "Error: ZeroDivisionError: division by zero (--debug or TWINBAR_DEBUG=1 shows where)"
    )
    assert "Traceback" not in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("arguments", [["--debug", "train"], ["train", "--debug"]])
def test_debug_shows_where(twinbar: Callable[..., Any], trainer: Any, arguments: list[str]) -> None:
    trainer.error = ZeroDivisionError("division by zero")
    assert "Traceback" in twinbar(*arguments).err
    assert "Traceback" not in twinbar("train").err


@pytest.mark.parametrize(("value", "shown"), [("1", True), ("0", False), ("", False)])
def test_the_environment_can_ask_for_it(
    twinbar: Callable[..., Any], trainer: Any, monkeypatch: pytest.MonkeyPatch, value: str, shown: bool
) -> None:
    trainer.error = ConfigError("levels are out of range")
    monkeypatch.setenv("TWINBAR_DEBUG", value)
    outcome = twinbar("train")
    assert outcome.status == 2
    assert ("Traceback" in outcome.err) == shown


@pytest.mark.parametrize("command", ["train", "compare"])
def test_an_interrupted_run_says_how_to_continue(
    twinbar: Callable[..., Any], trainer: Any, command: str, tmp_path: Path
) -> None:
    trainer.error = KeyboardInterrupt()
    outcome = twinbar(command, "--out", "r1", "--json")
    assert outcome.status == 130
    assert outcome.err.splitlines()[-1] == f"Interrupted; continue with: twinbar {command} --resume r1"
    assert outcome.out == ""
    assert (tmp_path / "r1" / "config.toml").exists()


INTERRUPTED = """
import sys, time
from types import ModuleType
from twinbar.host.cli import main
from twinbar.host.experiment.interruption import Interruption

def train(config, folder, progress, resume):
    with Interruption() as interruption:
        print("ready", flush=True)
        while not interruption.requested:
            time.sleep(0.01)
        folder.save_checkpoint({"step": 7})
        raise KeyboardInterrupt

module = ModuleType("twinbar.host.experiment.train")
module.train = train
sys.modules[module.__name__] = module
main(["train", "--out", sys.argv[1]])
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_ctrl_c_ends_with_130_and_a_complete_checkpoint(tmp_path: Path) -> None:
    from twinbar.host.experiment.run_folder import RunFolder

    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130, err
    with RunFolder.open(tmp_path / "run") as folder:
        assert folder.load_checkpoint(pytest.fail) == {"step": 7}


def test_a_sentence_that_quotes_a_damaged_file_at_length_is_cut(twinbar: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f'[training]\noptimizer = "sgd{"{" * 5000}"\n', encoding="utf-8")
    outcome = twinbar("train", "--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "run"))
    assert outcome.status == 2
    shown = " ".join(outcome.err.split())
    assert len(shown) < 1100
    assert "training.optimizer is sgd{" in shown
    assert shown.endswith("sgd")
