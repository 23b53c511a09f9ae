"""Keys that the pages must name: those of a real run, and those of the preset format."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from twinbar.emulator.devices.known_responses import RESPONSES
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.quantity import Quantity
from twinbar.host.experiment.config import CompareConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.run_folder import RunFolder


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from twinbar.host.experiment.policy_comparison import compare

    config = CompareConfig().merge(
        {
            "data.limit": 64,
            "data.validation": 0.25,
            "model.hidden": (8,),
            "training.epochs": 1,
            "policies": ("closed-loop", "siamese"),
        }
    )
    path = tmp_path_factory.mktemp("runs") / "comparison"
    with RunFolder.create(path, config) as folder:
        compare(config, config.policies, folder, SilentProgress())
    return path


@pytest.fixture(scope="module")
def described(root: Path) -> dict[str, set[str]]:
    """The names in code type of each section of docs/report.md."""
    parts = re.split(r"^##+ (.+)$", (root / "docs" / "report.md").read_text(), flags=re.MULTILINE)
    return {title: set(re.findall(r"`([a-z_]+)`", text)) for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_report_keys(comparison: Path, described: dict[str, set[str]]) -> None:
    report: dict[str, Any] = json.loads((comparison / "siamese" / "report.json").read_text())
    assert set(report) <= described["report.json"]
    assert set(report["wear"]) <= described["report.json"]
    assert set(report["epochs"][0]) <= described["An epoch"]
    assert set(report["totals"]) | set(report["initialization"]) <= described["An epoch"]
    for nested in ("pulses", "cycles", "seconds", "energy_j", "phase_cycles"):
        assert set(report["totals"][nested]) <= described["An epoch"]


def test_tables(comparison: Path, described: dict[str, set[str]]) -> None:
    with (comparison / "siamese" / "steps.csv").open() as stream:
        assert set(next(csv.reader(stream))) == described["steps.csv"]
    with np.load(comparison / "siamese" / "arrays.npz") as arrays:
        assert set(arrays.files) == described["arrays.npz"]


def test_comparison_keys(comparison: Path, described: dict[str, set[str]]) -> None:
    content = json.loads((comparison / "compare.json").read_text())
    assert set(content) - {"schema"} <= described["compare.json"]
    assert set(content["reduction_vs_closed_loop"]["siamese"]) <= described["compare.json"]


def preset_keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for inner in models(field.annotation):
            yield from preset_keys(inner)


def models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [] if annotation is Quantity else [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in models(part)]


def test_preset_keys(root: Path) -> None:
    page = (root / "docs" / "devices.md").read_text().partition("## The preset file")[2]
    words = set(re.findall(r"[a-z_]+", page))
    known = set(preset_keys(Preset))
    for law in RESPONSES.built_in().values():
        known |= set(preset_keys(law))
    assert "std_scale" in known
    assert "noise_exponent" in known
    assert known <= words
