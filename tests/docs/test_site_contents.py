"""Every page is in one of the lists of the site."""

import re
from pathlib import Path

LIST = re.compile(r"^```\{toctree\}\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_every_page_is_listed_once(root: Path) -> None:
    docs = root / "docs"
    text = (docs / "index.md").read_text(encoding="utf-8")
    listed = [line for block in LIST.findall(text) for line in block.splitlines() if line and not line.startswith(":")]
    pages = [path.relative_to(docs).with_suffix("").as_posix() for path in docs.rglob("*.md")]
    assert sorted(listed) == sorted([*(page for page in pages if page != "index" and page[:4] != "adr/"), "adr/*"])
