"""The first program of README.md runs as it stands there, and prints what stands below it."""

import contextlib
import io
import re
from pathlib import Path

import torch

SNIPPET = re.compile(r"```python\n(.*?)```\n\n<!-- output of the snippet -->\n\n```\n(.*?)```", re.DOTALL)


def test_the_snippet_prints_what_the_page_shows(root: Path) -> None:
    found = SNIPPET.search((root / "README.md").read_text(encoding="utf-8"))
    assert found is not None
    printed = io.StringIO()
    generator = torch.get_rng_state()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(found[1], "README.md", "exec"), {})
    finally:
        torch.set_rng_state(generator)
    assert printed.getvalue() == found[2]
