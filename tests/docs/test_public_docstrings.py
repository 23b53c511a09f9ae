"""What docs/api.md lists has docstrings that name all parameters and errors, and the shapes of arrays."""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import twinbar

API = Path(__file__).resolve().parents[2] / "docs" / "api.md"
LISTED = re.findall(r"^\.\. auto(?:function|class|exception):: (\S+)$", API.read_text(encoding="utf-8"), re.MULTILINE)
OF_THE_LANGUAGE = {"NotImplementedError", "AttributeError"}
PROTOCOL = "twinbar.host.update.cell_access.CellAccess"
"""Nobody makes an object of it, so its constructor takes nothing."""


class Documented(NamedTuple):
    name: str
    call: Callable[..., Any]
    text: str
    beside: str
    """Docstring of the class that holds it."""


def load(name: str) -> Any:
    parts = name.split(".")
    found: Any = None
    for part in parts:
        try:
            found = importlib.import_module(part if found is None else f"{found.__name__}.{part}")
        except (ImportError, AttributeError):
            found = getattr(found, part)
    return found


def documented() -> Iterator[Documented]:
    for name in LISTED:
        what = load(name)
        text = inspect.getdoc(what) or ""
        if not inspect.isclass(what):
            yield Documented(name, what, text, "")
            continue
        if name != PROTOCOL and not issubclass(what, Exception) and "__init__" in vars(what):
            yield Documented(name, what, text, "")
        for member, value in vars(what).items():
            call = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if inspect.isfunction(call) and not member.startswith("_") and member != "elaborate":
                yield Documented(f"{name}.{member}", call, inspect.getdoc(getattr(what, member)) or "", text)


def section(text: str, heading: str) -> str:
    found = re.search(rf"^{heading}\n-+\n(.*?)(?=^\w+\n-+$|\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def named(text: str) -> set[str]:
    """Parameters that the section names, and what one-line docstrings quote."""
    lines = (line.split(" : ")[0] for line in section(text, "Parameters").splitlines() if line[:1].strip())
    return {name.strip().lstrip("*") for line in lines for name in line.split(",")} | set(
        re.findall(r"``(\w+)``", text)
    )


def gaps(item: Documented) -> Iterator[str]:
    """Give what the docstring lacks."""
    if not item.text:
        yield "has no docstring"
        return
    signature = inspect.signature(item.call)
    for parameter in signature.parameters.values():
        if parameter.name not in ("self", "cls") and parameter.name not in named(item.text):
            yield f"does not say what {parameter.name} is"
    if "NDArray" in str(signature) or "ndarray" in str(signature):
        shaped = r"\[[^\]]*\]|\(n,\)|\bshape\b"
        if not re.search(shaped, item.text + item.beside):
            yield "does not say the shape of an array"
    if not inspect.isclass(item.call):
        for error in raised(item.call) - OF_THE_LANGUAGE:
            if error not in section(item.text, "Raises") and error not in item.text.partition("\n")[0]:
                yield f"does not say when it raises {error}"


def raised(call: Callable[..., Any]) -> set[str]:
    """Names of the errors that a function raises itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(call)))
    found = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise))
    return {each.func.id for each in found if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}


def test_all_names_of_the_package_and_of_the_bench_are_listed() -> None:
    bench = importlib.import_module("twinbar.cocotb")
    wanted = {f"twinbar.{name}" for name in twinbar.__all__} | {f"twinbar.cocotb.{name}" for name in bench.__all__}
    # A version, a package that can be called (its function is listed), and a constant.
    wanted -= {"twinbar.__version__", "twinbar.boards", "twinbar.cocotb.COVERED"}
    assert wanted - set(LISTED) == set()
    assert "twinbar.boards.known_boards.board_names" in LISTED


def test_what_plug_ins_derive_from_is_listed(root: Path) -> None:
    page = (root / "docs" / "extending.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in page.splitlines() if line.startswith("| "))
    classes = {name.rpartition(".")[2] for name in re.findall(r"`((?:twinbar\.[\w.]+\.)?[A-Z]\w+)`", table)}
    assert len(classes) == 10
    assert classes - {name.rpartition(".")[2] for name in LISTED} == set()


@pytest.mark.parametrize("item", documented(), ids=lambda item: item.name)
def test_a_docstring_is_complete(item: Documented) -> None:
    assert [f"{item.name} {gap}" for gap in gaps(item)] == []


def test_the_check_finds_what_is_missing() -> None:
    def bare(rate: float) -> None:
        """Set it."""
        raise ValueError(rate)

    item = Documented("bare", bare, inspect.getdoc(bare) or "", "")
    assert list(gaps(item)) == ["does not say what rate is", "does not say when it raises ValueError"]
