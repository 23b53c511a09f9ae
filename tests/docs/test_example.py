import runpy
from pathlib import Path

import pytest


def test_the_example_trains(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = runpy.run_path(str(root / "examples" / "own_network.py"))["main"]()
    assert accuracy > 0.9
    assert f"accuracy {accuracy:.1%}" in capsys.readouterr().out
