"""Every page is in one of the lists of the site."""

import re
from pathlib import Path

LIST = re.compile(r"^```\{toctree\}\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_every_page_is_listed_once(root: Path) -> None:
    text = (root / "docs" / "index.md").read_text(encoding="utf-8")
    listed = [line for block in LIST.findall(text) for line in block.splitlines() if line and not line.startswith(":")]
    assert sorted(listed) == sorted(
        [*(path.stem for path in (root / "docs").glob("*.md") if path.stem != "index"), "adr/*"]
    )
