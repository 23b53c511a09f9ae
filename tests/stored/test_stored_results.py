"""Trainings come to what is stored of them: every count, cycle, joule and accuracy, every cell, and every step."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

STORED = Path(__file__).parent
SCRIPT = STORED.parents[1] / "tools" / "store_results.py"
NAMES = sorted(path.stem for path in STORED.glob("*.json"))

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="the results are stored as x86-64 rounds sums of float32"
)


def load(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def train_again(folder: Path, *arguments: str) -> None:
    """Train in a process of its own: which vector instructions are used is settled when libraries are loaded."""
    command = [sys.executable, str(SCRIPT), "--into", str(folder), *arguments]
    # With the flags that users' netlists are compiled with, too.
    environment = {name: value for name, value in os.environ.items() if name != "CXXFLAGS"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, env=environment)
    assert done.returncode == 0, done.stderr


def figures(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """List what a nested value holds, by dotted name; an empty list or object is a figure too."""
    if isinstance(value, dict | list) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from figures(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def changed(stored: dict[str, Any], found: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the stored figures that differ, as (stored, found); figures that are new are not compared."""
    now = dict(figures(found))
    return {
        name: (value, now.get(name, "missing")) for name, value in figures(stored) if now.get(name, "missing") != value
    }


def test_trainings_come_to_what_is_stored(compiled_kernels: None, tmp_path: Path) -> None:
    train_again(tmp_path)
    assert len(NAMES) > 10
    for name in NAMES:
        assert changed(load(STORED, name), load(tmp_path, name)) == {}, name


@pytest.mark.compiler
def test_an_epoch_on_the_netlist_comes_to_what_is_stored(compiled_kernels: None, tmp_path: Path) -> None:
    for engine in ("rtl", "fast"):
        (tmp_path / engine).mkdir()
        train_again(tmp_path / engine, "defaults", "--engine", engine)
    netlist, fast = (load(tmp_path / engine, "defaults") for engine in ("rtl", "fast"))
    assert changed(load(STORED, "defaults"), netlist) == {}
    # Figures that are not stored yet are the same too.
    assert netlist == fast


@pytest.mark.ci
def test_chained_layers_on_single_events_come_to_what_is_stored(compiled_kernels: None, tmp_path: Path) -> None:
    train_again(tmp_path, "chained-layers", "--engine", "events")
    assert changed(load(STORED, "chained-layers"), load(tmp_path, "chained-layers")) == {}


def test_the_stored_trainings_cover_what_training_can_do() -> None:
    choices = [load(STORED, name)["changes"] for name in NAMES]
    for key, values in {
        "policy.name": {"closed-loop", "closed-loop-analog", "float"},
        "array.inputs": {"planes"},
        "array.adc_channels": {2},
        "array.chained_layers": {True},
        "array.front_end": {"icebreaker", "emulated"},
        "device.preset": {"ibm-pcm", "umass-hfo2", "chip"},
        "model.kind": {"lenet"},
    }.items():
        assert {change.get(key) for change in choices} >= values


def test_one_figure_that_changed_is_noticed() -> None:
    stored, other = load(STORED, "siamese"), load(STORED, "siamese")
    assert changed(stored, other) == {}
    other["report"]["epochs"][1]["phase_cycles"]["write"]["settle"] += 1
    del other["report"]["wear"]["total_pulses"]
    other["report"]["new"] = 1
    assert list(changed(stored, other)) == ["report.epochs.1.phase_cycles.write.settle", "report.wear.total_pulses"]
