"""`import twinbar as tb`: quick, whole, and the same as the command."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import twinbar as tb

INIT = Path(__file__).parent.parent / "twinbar" / "__init__.py"


def python(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, twinbar; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(python("-c", code).split())
    assert "twinbar" in loaded
    assert not loaded & {"torch", "numba", "numpy", "pydantic", "matplotlib", "rich", "typer", "amaranth"}


def test_choices_are_listed_without_pytorch() -> None:
    code = (
        "import sys, twinbar as tb; "
        "assert 'taox-hfox' in tb.presets() and 'siamese' in tb.policies(); "
        "assert 'macro-65nm' in tb.energy_tables() and 'icebreaker' in tb.boards(); "
        "print('torch' in sys.modules)"
    )
    assert python("-c", code).strip() == "False"


@pytest.mark.parametrize("name", tb.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    thing = getattr(tb, name)
    assert name in dir(tb)
    assert name == "__version__" or thing.__doc__


def test_type_checkers_see_the_names_that_programs_get() -> None:
    declared = {}
    for node in ast.walk(ast.parse(INIT.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("twinbar."):
            declared |= {alias.asname or alias.name: node.module for alias in node.names}
    assert set(declared) | {"__version__"} == set(tb.__all__)
    for name, module in declared.items():
        if name != "boards":
            assert getattr(tb, name) is getattr(importlib.import_module(module), name), name


def test_boards_is_the_package_and_the_list() -> None:
    from twinbar.boards.known_boards import board_names

    assert tb.boards() == board_names()
    assert "icebreaker" in tb.boards()
    code = "import twinbar as tb, twinbar.boards.wiring; print(tb.boards()[0])"
    assert python("-c", code).strip() == board_names()[0]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'twinbar' has no attribute 'convrt'"):
        tb.convrt  # noqa: B018


def test_the_package_is_the_command() -> None:
    assert python("-m", "twinbar", "--version").strip() == f"twinbar {tb.__version__}"


def test_the_folder_of_a_clone_that_is_not_installed_is_the_package() -> None:
    """Python finds `twinbar/` in the folder that it runs in first, also where a wheel is installed."""
    # Without site-packages there is no installation that could help; nothing here needs another package.
    code = "import twinbar.hw.errors as found; print(found.__file__)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=INIT.parents[1])
    assert done.stderr == ""
    assert Path(done.stdout.strip()) == INIT.parents[1] / "hw" / "errors.py"


def test_an_installed_package_looks_for_itself_in_no_folder_beside_it(tmp_path: Path) -> None:
    installed = tmp_path / "twinbar"
    for folder in (installed / "hw", tmp_path / "hw" / "protocol"):
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    (installed / "__init__.py").write_text(INIT.read_text(encoding="utf-8"), encoding="utf-8")
    code = "import twinbar; print(list(twinbar.__path__))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == repr([str(installed)])
