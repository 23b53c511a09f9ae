"""Files and dotted names that pages and docstrings quote exist: what is renamed is renamed there too."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("hw", "emulator", "host", "boards")
FOLDERS = (*PACKAGES, "twinbar", "tools", "benchmarks", "examples", "tests", "docs")
QUOTED = re.compile(r"`+([^`\n]+)`+")
FILE = re.compile(rf"(?:[\w.*-]+/)*[\w*-]+\.(?:py|h)|(?:{'|'.join(FOLDERS)})/[\w./*-]*")
DOTTED = re.compile(rf"(twinbar\.(?:{'|'.join(PACKAGES)})(?:\.\w+)*)(?:\(.*\))?")
"""Plug-ins' groups of entry points (`twinbar.policies`) are no modules."""
IMPORTED = re.compile(rf"^from (twinbar\.(?:{'|'.join(PACKAGES)})[\w.]*) import ([\w, ]+)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"[A-Z]{3,}")
"""Part of a name that the reader chooses: `hw/parts/NAME.py`."""


def is_there(name: str, root: Path) -> bool:
    """Whether a file or folder is there, by its path or by the end of it."""
    if any(root.glob(name.rstrip("/"))):
        return True
    return any(any((root / folder).rglob(name)) for folder in FOLDERS)


def resolves(dotted: str, root: Path) -> bool:
    """Whether a module is there, and what it is asked for is a name in it."""
    parts = dotted.split(".")[1:]
    place = root
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    if parts and (place / f"{parts[0]}.py").is_file():
        place /= f"{parts.pop(0)}.py"
    else:
        place /= "__init__.py"
    text = place.read_text(encoding="utf-8") if place.is_file() else ""
    return all(re.search(rf"\b{part}\b", text) for part in parts)


def stale(text: str, root: Path) -> set[str]:
    """Return what a text quotes or imports and is not there."""
    quoted = {name for name in QUOTED.findall(text) if not PLACEHOLDER.search(name)}
    files = {name for name in quoted if FILE.fullmatch(name) and not is_there(name, root)}
    dotted = {name for name in quoted if (match := DOTTED.fullmatch(name)) and not resolves(match[1], root)}
    imported = {f"{module}.{name.strip()}" for module, names in IMPORTED.findall(text) for name in names.split(",")}
    return files | dotted | {name for name in imported if not resolves(name, root)}


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node, clean=False) or ""


def test_what_pages_quote_is_there(page: Path, root: Path) -> None:
    assert stale(page.read_text(encoding="utf-8"), root) == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_docstrings_quote_is_there(folder: str, root: Path) -> None:
    paths = [path for path in (root / folder).rglob("*.py") if path != Path(__file__)]
    found = {str(path.relative_to(root)): stale("\n".join(docstrings(path)), root) for path in paths}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "see `host/nn/mapping.py` and `mapping.py`, `hw/parts/`, ``tests/network/kinds*.py``, `hw/parts/NAME.py`",
            set(),
        ),
        ("see `twinbar.hw.errors.ConfigError`, `twinbar.hw.parts` and `twinbar.hw.errors`", set()),
        ("see `host/nn/maps.py`", {"host/nn/maps.py"}),
        ("see `build.py` in `hw/physics/`", {"build.py", "hw/physics/"}),
        ("see `twinbar.hw.errors.WrongError`", {"twinbar.hw.errors.WrongError"}),
        ("see `twinbar.hw.faults`", {"twinbar.hw.faults"}),
        ("```python\nfrom twinbar.hw.errors import ConfigError, LinkError\n```", set()),
        ("```python\nfrom twinbar.hw.errors import ConfigError, Wrong\n```", {"twinbar.hw.errors.Wrong"}),
    ],
)
def test_a_stale_name_is_found(text: str, found: set[str], root: Path) -> None:
    assert stale(text, root) == found
