"""The report says of every figure whether it is of this state of the source, and plainly what was not run."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

COVERAGE: dict[str, Any] = {
    "bins": 9,
    "hit": 8,
    "programs": 3,
    "commands": 40,
    "cycles": 500,
    "responses": 40,
    "pulses": 2,
    "simulator": "icarus",
    "rules": ["GateInPulses"],
}


@pytest.fixture
def report(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The makers of its parts, which read figures from an empty folder."""
    monkeypatch.syspath_prepend(str(root / "tools"))
    import verification_report

    monkeypatch.setattr(verification_report, "FIGURES", tmp_path)
    return verification_report


def store(folder: Path, name: str, found: Any) -> None:
    (folder / f"{name}.json").write_text(json.dumps(found))


def test_what_was_not_run_is_said(report: ModuleType) -> None:
    for part in report.PARTS.values():
        assert "**Not run.**" in part()


def test_figures_of_another_state_are_told_from_those_of_this_one(report: ModuleType, tmp_path: Path) -> None:
    this = sys.modules["source_state"].source_state(report.SOURCES["coverage"])  # type: ignore[attr-defined]
    for state, sentence in ((this, "of **this state**"), ("0" * 16, "of an **earlier state**")):
        store(tmp_path, "coverage", {"state": state, "found": COVERAGE})
        said = report.coverage()
        assert sentence in said
        assert said.startswith("8 of 9 bins were hit by 3 programs")
    store(tmp_path, "coverage", COVERAGE)
    assert "was **not recorded**" in report.coverage()


def test_proofs_that_were_not_run_are_named(report: ModuleType, tmp_path: Path) -> None:
    one, *others = report.PROOFS
    found = {"states": "x", "engine": "e", "unbounded": True, "depth": 2, "proven": False, "covers": ["c"]}
    found |= {"covers_reached": False, "mutants": [{"about": "m", "refuted": False}]}
    store(tmp_path, "proofs", {"schema": 1, "proofs": {one: found}})
    said = report.proofs()
    assert f"1 of {len(report.PROOFS)} proofs were run." in said
    assert f"Not run: {', '.join(f'`{name}`' for name in others)}." in said
    assert "| for all time | **no** | 1 NOT REACHED | 0 of 1 |" in said


def test_a_state_is_what_the_source_means(report: ModuleType, tmp_path: Path) -> None:
    state_of = sys.modules["source_state"].source_state  # type: ignore[attr-defined]
    texts = {
        "a.py": 'def f():\n    """Say."""\n    return 1\n',
        "b.py": "def f():\n    return 1  # one\n",
        "c.py": "def f():\n    return 2\n",
    }
    found = {}
    for name, text in texts.items():
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / "module.py").write_text(text)
        found[name] = state_of(("module.py",), folder)
    assert found["a.py"] == found["b.py"] != found["c.py"]
    with pytest.raises(FileNotFoundError, match=r"gone\.py is not in the source"):
        state_of(("gone.py",), tmp_path)
