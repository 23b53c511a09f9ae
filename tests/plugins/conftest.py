import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin"


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the example's package on the path, without installing it."""
    monkeypatch.syspath_prepend(EXAMPLE)
    for name in [name for name in sys.modules if name.partition(".")[0] == "twinbar_example"]:
        monkeypatch.delitem(sys.modules, name)
    return EXAMPLE
