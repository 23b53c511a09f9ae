"""Tests use what users can: no private name of the product or of another helper is read, imported or replaced."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PUBLIC = {"_fields", "_replace", "_asdict", "_make", "_exit"}
"""Documented names that begin with an underscore: of named tuples, and of `os`."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__")) and name not in PUBLIC


def privates(source: str) -> Iterator[str]:
    """Return the line and the text of each use of a private name, but for those of the object's own (``self._x``)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            own |= ast.unparse(node.value) == "super()"
            names = [] if own else [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "setattr",
            "getattr",
            "hasattr",
            "delattr",
            "patch",
        ):
            texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            names = [part for text in texts if isinstance(text, str) for part in text.split(".")]
        else:
            continue
        if any(map(is_private, names)):
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_reaches_into_privates(path: Path) -> None:
    assert list(privates(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "engine._state",
        "self.engine._state.x",
        "from twinbar.hw.timing import _name",
        "from twinbar._hidden import name",
        "import twinbar._hidden",
        "monkeypatch.setattr(module, '_NAP_S', 0.0)",
        "monkeypatch.setattr('twinbar.module._name', 0.0)",
        "getattr(engine, '_state')",
    ],
)
def test_every_way_into_privates_is_found(source: str) -> None:
    assert len(list(privates(source))) == 1


@pytest.mark.parametrize("source", ["self._own", "record._replace(x=1)", "a.__dict__", "from __future__ import x", "_"])
def test_own_names_and_documented_ones_are_left_alone(source: str) -> None:
    assert list(privates(source)) == []
