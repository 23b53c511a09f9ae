"""SIGKILL at random moments: what was resumed ends with the report of a run that was left alone."""

import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from killable_runs import Ended, Runs, Stop, serve

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

QUICK = [
    *("--data", "digits", "--limit", "500", "--hidden", "32", "--batch-size", "16"),
    *("--set", "array.rows=32", "--set", "array.columns=32", "--set", "engine.threads=1"),
    *("--device", "neurram", "--levels", "8"),  # its cells age, so that the ticks must go on too
]
TRAIN = [*QUICK, "--epochs", "3"]
POLICIES = ("closed-loop", "siamese", "float")
REPRODUCE = [
    *("--data", "digits", "--limit", "200", "--networks", "mlp-256", "--seeds", "1", "--epochs", "2"),
    *("--policies", "float,siamese,closed-loop", "--batch-size", "16"),
    *("--set", "array.rows=32", "--set", "array.columns=32", "--set", "engine.threads=1"),
]
COMPARE = [*QUICK, "--epochs", "1", "--policies", ",".join(POLICIES)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with serve(tmp_path_factory.mktemp("server")) as server:
        yield server


def timeless(value: Any) -> Any:
    """A report without what the clock says."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in ("host_seconds", "environment")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def read(path: Path) -> Any:
    return timeless(json.loads(path.read_text()))


def start(runs: Runs, command: str, arguments: list[str], folder: Path, stop: Stop | None = None) -> Ended:
    """Start a run, or take it up where it was started before."""
    where = ["--resume", folder] if (folder / "config.toml").exists() else [*arguments, "--out", folder]
    return runs.run(command, *where, stop=stop)


def to_the_end(runs: Runs, command: str, arguments: list[str], folder: Path) -> None:
    ended = start(runs, command, arguments, folder)
    assert ended.status == 0, ended.text


def kills(runs: Runs, command: str, arguments: list[str], folder: Path, tables: list[tuple[str, range]]) -> None:
    """Kill a run before it has begun, and for each table at a random moment after it has grown to one of some sizes."""
    moments = random.Random(0)
    stops = [Stop(signal.SIGKILL, moments.uniform(0, 0.3))]
    stops += [
        Stop(signal.SIGKILL, moments.uniform(0, 0.03), str(folder / name), moments.choice(sizes))
        for name, sizes in tables
    ]
    ended = [start(runs, command, arguments, folder, stop).status for stop in stops]
    assert set(ended) <= {-signal.SIGKILL, 0}
    # A run may come to its end before it is hit, but not as a rule.
    assert ended.count(-signal.SIGKILL) > len(ended) // 2


@pytest.fixture(scope="module")
def alone(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training run that was left alone."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    to_the_end(runs, "train", TRAIN, folder)
    return folder


def test_a_run_that_was_killed_ends_as_if_nothing_had_happened(runs: Runs, alone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    part = (alone / "steps.csv").stat().st_size // 5
    kills(runs, "train", TRAIN, folder, [("steps.csv", range(n * part + 1, (n + 1) * part)) for n in range(4)])
    to_the_end(runs, "train", TRAIN, folder)
    assert read(folder / "report.json") == read(alone / "report.json")
    for name in ("steps.csv", "config.toml"):
        assert (folder / name).read_text() == (alone / name).read_text()


def test_a_twin_of_few_bits_goes_on_too(runs: Runs, tmp_path: Path) -> None:
    folder, alone = tmp_path / "killed", tmp_path / "alone"
    few = [
        *QUICK,
        "--epochs",
        "2",
        "--accumulate",
        "2",
        "--set",
        "twin.kind=residual",
        "--set",
        "training.optimizer=adam",
    ]
    few += ["--lr", "0.005"]
    to_the_end(runs, "train", few, alone)
    size = (alone / "steps.csv").stat().st_size
    kills(runs, "train", few, folder, [("steps.csv", range(1, size // 2)), ("steps.csv", range(size // 2, size))])
    to_the_end(runs, "train", few, folder)
    assert read(folder / "report.json") == read(alone / "report.json")
    assert (folder / "steps.csv").read_text() == (alone / "steps.csv").read_text()


def test_a_comparison_that_was_killed_is_taken_up_in_its_policy(runs: Runs, tmp_path: Path) -> None:
    folder, alone = tmp_path / "killed", tmp_path / "alone"
    to_the_end(runs, "compare", COMPARE, alone)
    tables = [f"{policy}/steps.csv" for policy in POLICIES]
    kills(runs, "compare", COMPARE, folder, [(name, range(1, (alone / name).stat().st_size // 2)) for name in tables])
    to_the_end(runs, "compare", COMPARE, folder)
    for name in ("compare.json", *(f"{policy}/report.json" for policy in POLICIES)):
        assert read(folder / name) == read(alone / name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_with_a_complete_checkpoint(
    runs: Runs, alone: Path, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "run"
    ended = start(runs, "train", TRAIN, folder, Stop(number, file=str(folder / "steps.csv")))
    assert ended.status == 130, ended.text
    assert f"Interrupted; continue with: twinbar train --resume {folder}" in ended.text
    assert "Traceback" not in ended.text
    assert list((folder / "checkpoint").iterdir())
    assert not (folder / "report.json").exists()
    to_the_end(runs, "train", TRAIN, folder)
    assert read(folder / "report.json") == read(alone / "report.json")
    # A run that has ended can be resumed too: it says again what it said.
    before = (folder / "report.json").read_text()
    to_the_end(runs, "train", TRAIN, folder)
    assert (folder / "report.json").read_text() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_anything_is_programmed_says_how_to_continue_too(
    runs: Runs, alone: Path, tmp_path: Path, number: signal.Signals
) -> None:
    # On a loaded machine a run may come to its end before the signal is sent.
    for attempt in range(10):
        folder = tmp_path / f"run-{attempt}"
        ended = start(runs, "train", TRAIN, folder, Stop(number, 0.02, file=str(folder / "config.toml")))
        if ended.status != 0:
            break
    assert ended.status == 130, ended.text
    assert f"Interrupted; continue with: twinbar train --resume {folder}" in ended.text
    to_the_end(runs, "train", TRAIN, folder)
    assert read(folder / "report.json") == read(alone / "report.json")


def test_a_reproduction_that_was_killed_is_taken_up_in_its_training(runs: Runs, tmp_path: Path) -> None:
    folder, alone = tmp_path / "killed", tmp_path / "alone"
    to_the_end(runs, "reproduce", REPRODUCE, alone)
    tables = [f"mlp-256.{policy}.seed-0/steps.csv" for policy in ("siamese", "closed-loop")]
    kills(
        runs, "reproduce", REPRODUCE, folder, [(name, range(1, (alone / name).stat().st_size // 2)) for name in tables]
    )
    to_the_end(runs, "reproduce", REPRODUCE, folder)
    assert read(folder / "reproduction.json") == read(alone / "reproduction.json")
