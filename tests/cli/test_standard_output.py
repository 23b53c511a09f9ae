"""Standard output that cannot be written: one sentence names it, and what was computed is not lost."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinbar.host.cli.standard_output import OutputError, StandardOutput

FULL = Path("/dev/full")
SENTENCE = "standard output cannot be written (No space left on device); make room, or redirect it elsewhere"

needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


@needs_full_device
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["train", "--print-config"], ["board", "list"]])
def test_a_full_standard_output_is_named(arguments: list[str], tmp_path: Path) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "twinbar", *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, f"Error: {SENTENCE}\n")


@needs_full_device
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_result_that_cannot_be_shown_is_kept(
    twinbar: Callable[..., Any], trainer: Any, options: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patched:
        full = StandardOutput(FULL.open("wb", buffering=0), encoding="utf-8")
        patched.setattr(sys, "stdout", full)
        outcome = twinbar("train", "--out", "run", *options)
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == f"Error: {SENTENCE}; the results are in run"
    assert json.loads((tmp_path / "run" / "report.json").read_text())["schema"] == 1


@needs_full_device
def test_another_full_file_is_not_taken_for_it() -> None:
    other = FULL.open("wb", buffering=0)
    with pytest.raises(OSError, match="No space left on device") as caught:
        other.write(b"text")
    other.close()
    assert not isinstance(caught.value, OutputError)


def test_a_reader_that_has_gone_is_no_failure(tmp_path: Path) -> None:
    """As of ``twinbar train --help | head -1``: the command ends, and says nothing."""
    child = subprocess.Popen(
        [sys.executable, "-m", "twinbar", "train", "--help"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    assert child.stderr.read() == b""
    child.wait(timeout=60)
