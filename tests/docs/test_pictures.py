"""Pictures that pages show are drawn by scripts, are small, and have a background of their own."""

import ast
import re
from pathlib import Path

PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


def drawn(root: Path) -> set[str]:
    """The names that tools/draw_pictures.py knows."""
    for node in ast.walk(ast.parse((root / "tools" / "draw_pictures.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "PICTURES":
            assert isinstance(node.value, ast.Dict)
            return {ast.literal_eval(key) for key in node.value.keys if key is not None}
    raise AssertionError("no PICTURES")


def test_every_picture_is_drawn_and_shown(root: Path) -> None:
    folder = root / "docs" / "pictures"
    assert {path.stem for path in folder.glob("*.svg")} == drawn(root)
    pages = [root / "README.md", *(root / "docs").glob("*.md")]
    shown = {
        (page.parent / link).resolve()
        for page in pages
        for _, link in PICTURE.findall(page.read_text(encoding="utf-8"))
    }
    # The others are of measurements that take an hour: benchmarks draw them from the numbers that lie beside them.
    measured = (root / "docs" / "figures").glob("*.png")
    assert shown == {path.resolve() for path in (*folder.glob("*.svg"), *measured)}


def test_pictures_are_described(page: Path) -> None:
    assert all(text.strip() for text, _ in PICTURE.findall(page.read_text(encoding="utf-8")))


def test_pictures_are_small_and_readable_on_dark_pages(root: Path) -> None:
    for path in (root / "docs" / "pictures").glob("*.svg"):
        assert path.stat().st_size < 200_000, path
        assert "fill: #fefefe" in path.read_text(encoding="utf-8"), path
