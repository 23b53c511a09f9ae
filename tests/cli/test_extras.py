"""Packages that only some features need: the rest works without them, and what needs one names the command."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("package", "arguments", "sentence"),
    [
        (
            "pyarrow",
            ["train", "--record", "--limit", "64", "--out", "run"],
            "Error: --record needs the package pyarrow, which is not installed; "
            "run: python -m pip install 'twinbar[record]'",
        ),
        (
            "pyarrow",
            ["replay", "run"],
            "Error: replay needs the package pyarrow, which is not installed; "
            "run: python -m pip install 'twinbar[record]'",
        ),
        (
            "scipy",
            [
                *("device", "fit", "pulses.csv", "--set-voltage", "1V", "--reset-voltage", "1V"),
                *("--set-width", "1us", "--reset-width", "1us"),
            ],
            "Error: device fit needs the package scipy, which is not installed; "
            "run: python -m pip install 'twinbar[fit]'",
        ),
    ],
)
def test_what_needs_a_package_that_is_missing_names_the_command(
    twinbar: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    outcome = twinbar(*arguments)
    assert outcome.status == 3
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1] == sentence
    assert list(tmp_path.iterdir()) == []
