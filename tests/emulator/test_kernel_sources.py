"""What holds for the text of every kernel: how it is compiled, and how many ways lead through it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import twinbar.emulator
import twinbar.host

DECORATORS = {"kernel", "inline", "allocating_kernel", "part", "callback", "_function"}
MOST_COMPLEX = 20
NUMBAS_OWN = {"njit", "jit", "cfunc", "vectorize", "guvectorize", "prange"}
BRANCHES = (ast.If, ast.For, ast.While, ast.IfExp, ast.ExceptHandler, ast.comprehension, ast.Assert)
PACKAGES = [Path(next(iter(package.__path__))) for package in (twinbar.emulator, twinbar.host)]


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def kernels() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and {name_of(mark) for mark in node.decorator_list} & DECORATORS:
                yield f"{path.stem}.{node.name}", node


def name_of(mark: ast.expr) -> str:
    called = mark.func if isinstance(mark, ast.Call) else mark
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def complexity(function: ast.AST) -> int:
    """Return the number of ways that branches open, plus one (McCabe, 1976)."""
    ways = 1
    for node in ast.walk(function):
        ways += isinstance(node, BRANCHES)
        if isinstance(node, ast.BoolOp):
            ways += len(node.values) - 1
        if isinstance(node, ast.comprehension):
            ways += len(node.ifs)
    return ways


KERNELS = dict(kernels())


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_simple_enough_to_read(name: str) -> None:
    assert complexity(KERNELS[name]) <= MOST_COMPLEX


def test_the_complexity_counts_every_branch() -> None:
    text = "for i in a:\n  if i and b or not i:\n    x = 1 if i else 2\nwhile b:\n  b = [j for j in a if j]\n"
    assert complexity(ast.parse(text)) == 1 + 1 + 1 + 2 + 1 + 1 + 2


def test_all_kernels_are_found() -> None:
    assert len(KERNELS) > 130
    assert {"program_kernel.run", "cell_writes._write_tile", "physics.apply_pulse", "array_abi.opens"} <= KERNELS.keys()


def test_numbas_own_decorators_stand_in_one_file_only() -> None:
    """Whatever they compile would be kept by Numba's rule, which does not see what it is made of."""
    users = [
        path.name
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in NUMBAS_OWN and ast.unparse(node.value) != "torch"
    ]
    assert users == ["compiled.py"]


def test_a_part_of_a_kernel_has_one_caller() -> None:
    """It is compiled into each of them.

    The functions that C code calls are the exception: they share what rebuilds the arrays, which none can return.
    """
    parts = sorted(name for name, node in kernels() if "part" in {name_of(mark) for mark in node.decorator_list})
    calls = []
    for path, tree in sources():
        imported = {
            alias.name: node.module.rpartition(".")[2]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                calls.append(f"{imported.get(node.func.id, path.stem)}.{node.func.id}")
    assert "program_kernel._step" in parts
    shared = "array_abi._state"
    assert shared in parts
    assert calls.count(shared) > 1
    assert sorted(call for call in calls if call in parts and call != shared) == [
        each for each in parts if each != shared
    ]
