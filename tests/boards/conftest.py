"""The command line in this process. The stand-ins for boards lie with the tests of the link."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from twinbar.host.cli import main

sys.path.append(str(Path(__file__).parent.parent / "link"))


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def twinbar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command line and give its exit status and output."""
    monkeypatch.delenv("TWINBAR_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        code = caught.value.code
        return Outcome(code if isinstance(code, int) else 0 if code is None else 1, *capsys.readouterr())

    return run
