"""Commands in the pages: options that exist, values that are accepted."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from twinbar.host.cli import main
from twinbar.host.cli.command_table import COMMANDS

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
MODULE = re.compile(r"^```python\n(# (\w+\.py):.*?)^```", re.DOTALL | re.MULTILINE)
"""A module that the reader writes, named in its first line."""
FILES = {"mine.toml": "", "my-cell.toml": "", "my-chip.toml": ""}


def commands(page: Path) -> list[list[str]]:
    lines = [line for block in BLOCK.findall(page.read_text()) for line in block.splitlines()]
    words = [shlex.split(line.partition(" > ")[0]) for line in lines if line.startswith("twinbar ")]
    return [line[1:] for line in words]


def status(arguments: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as outcome:
        main(arguments)
    return outcome.value.code


def test_trainings_are_accepted(page: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("examples").symlink_to(root / "examples")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for text, name in MODULE.findall(page.read_text()):
        Path(name).write_text(text)
    for name, text in FILES.items():
        Path(name).write_text(text)
    for line in commands(page):
        if line[0] not in ("train", "compare") or line[1:] == ["--help"]:
            continue
        if "--resume" in line:  # a folder that only the reader has
            assert line[1:-1] == ["--resume"], line
            continue
        assert status([*line, *([] if "--print-config" in line else ["--print-config"])]) in (0, None), line


def test_commands_exist(page: Path, root: Path) -> None:
    for line in commands(page):
        assert line[0] in (*COMMANDS, "COMMAND"), line
    for target in re.findall(r"^make (\w+)", "\n".join(BLOCK.findall(page.read_text())), re.MULTILINE):
        assert re.search(rf"^{target}:", (root / "Makefile").read_text(), re.MULTILINE), target


def test_pages_show_commands(root: Path) -> None:
    assert len(commands(root / "docs" / "getting-started.md")) > 5
