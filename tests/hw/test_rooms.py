"""No description of hardware is too long to be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinbar import boards, hw
from twinbar.hw import gateware

MOST_LINES = 120
"""Lines of a function, with its signature and its comments."""


def functions_of(package: object) -> Iterator[tuple[str, str, int]]:
    """Return file, name and lines of the functions of a package."""
    folder = Path(str(package.__file__)).parent  # type: ignore[attr-defined]
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                yield str(path.relative_to(folder)), node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("package", [hw, boards])
def test_no_elaborate_is_too_long(package: object) -> None:
    found = [(path, lines) for path, name, lines in functions_of(package) if name == "elaborate"]
    assert found
    assert [(path, lines) for path, lines in found if lines > MOST_LINES] == []


def test_nor_is_any_other_function_of_the_gateware() -> None:
    assert [(path, name, lines) for path, name, lines in functions_of(gateware) if lines > MOST_LINES] == []
