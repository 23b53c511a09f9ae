"""Tutorials are notebooks that the site executes; here: they parse, and what they name is there."""

import ast
import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import twinbar as tb
from twinbar.host.cli import app

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "tutorials"
PAGES = sorted(FOLDER.glob("*.md"))
CELL = re.compile(r"^```\{code-cell\}\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^!((?:.*\\\n)*.*)$", re.MULTILINE)
"""A command for the shell, over several lines where they end in a backslash."""
HEAD = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n"


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def tutorial(request: pytest.FixtureRequest) -> str:
    return request.param.read_text(encoding="utf-8")


def program(tutorial: str) -> ast.Module:
    """All cells of a tutorial, as one program without its commands."""
    return ast.parse(COMMAND.sub("", "\n".join(CELL.findall(tutorial))))


def missing(tree: ast.Module) -> list[str]:
    """Names that are imported, or asked of Twinbar's package, and are not there."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("twinbar"):
            module = importlib.import_module(node.module or "")
            found += [f"{node.module}.{name.name}" for name in node.names if not hasattr(module, name.name)]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "tb":
            found += [f"twinbar.{node.attr}"] if not hasattr(tb, node.attr) else []
    return found


def unknown_words(line: str) -> list[str]:
    """Return the commands and options of a line that Twinbar does not have."""
    first, *words = shlex.split(line)
    if first != "twinbar":
        return []
    command: Any = get_command(app)
    found = []
    for word in words:
        if command.list_commands(None) if hasattr(command, "list_commands") else ():
            named = command.get_command(None, word)
            if named is None:
                return [word]
            command = named
        elif word.startswith("--") and word not in {name for option in command.params for name in option.opts}:
            found.append(word)
    return found


def test_there_are_five_and_the_site_executes_them() -> None:
    assert [path.stem for path in PAGES] == ["bench", "board", "first-run", "my-network", "pulses-to-network"]
    assert all(path.read_text(encoding="utf-8").startswith(HEAD) for path in PAGES)
    # A fence that the site would show instead of executing.
    assert not [path for path in PAGES if "```python" in path.read_text(encoding="utf-8")]


def test_they_parse_and_show_something(tutorial: str) -> None:
    text = ast.unparse(program(tutorial))
    assert len(CELL.findall(tutorial)) >= 4
    assert "plt.show()" in text or "run.plot(" in text


def test_what_they_name_is_there(tutorial: str) -> None:
    assert missing(program(tutorial)) == []
    for line in COMMAND.findall("\n".join(CELL.findall(tutorial))):
        assert unknown_words(line) == [], line


def test_what_is_not_there_is_found() -> None:
    stale = ast.parse("import twinbar as tb\nfrom twinbar.hw.errors import Wrong\ntb.trian()")
    assert missing(stale) == ["twinbar.hw.errors.Wrong", "twinbar.trian"]
    assert unknown_words("twinbar device fti pulses.csv") == ["fti"]
    assert unknown_words("twinbar core --rows 4 --colums 4") == ["--colums"]
    assert unknown_words("make -C my-core icarus") == []
