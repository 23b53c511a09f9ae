"""The engine `events` uses what SimPy documents: it touches no private field of its environments and events."""

import ast
from pathlib import Path

import pytest
import simpy

from twinbar.emulator.engines import events

SIMPY = Path(simpy.__file__).parent


def private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def fields_of_simpy() -> set[str]:
    """Private attributes of SimPy's own objects."""
    return {
        node.attr
        for path in SIMPY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and private(node.attr)
    }


def touched(source: str) -> list[str]:
    """Private attributes of other objects than ``self``, and SimPy's own of any object whose class derives from it."""
    fields = fields_of_simpy()
    tree = ast.parse(source)
    inherited = {
        id(node)
        for made in ast.walk(tree)
        if isinstance(made, ast.ClassDef) and any("simpy" in ast.unparse(base) for base in made.bases)
        for node in ast.walk(made)
    }
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and private(node.attr)
        and (ast.unparse(node.value) != "self" or (id(node) in inherited and node.attr in fields))
    ]


def test_no_private_field_is_touched() -> None:
    sources = list(Path(events.__file__).parent.glob("*.py"))
    assert len(sources) > 20
    assert {path.name: found for path in sources if (found := touched(path.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "event._ok = True",
        "cycle = self.clock._now",
        "self._clock._queue.clear()",
        "class Moment(simpy.Event):\n    def happen(self):\n        self._value = None",
        "class Clock(simpy.Environment):\n    def cycle(self):\n        return self._now",
    ],
)
def test_a_private_field_is_found(source: str) -> None:
    assert touched(source)


def test_fields_of_its_own_are_no_ones_business() -> None:
    assert touched("class Clock(simpy.Environment):\n    def cycle(self):\n        return self._stages") == []
    assert touched("class Queue:\n    def clear(self):\n        self._queue = []") == []
