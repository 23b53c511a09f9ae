"""Imports point one way: ``hw`` <- ``emulator`` <- ``host``, and ``hw`` <- ``boards`` <- ``host``."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "hw": {"hw"},
    "emulator": {"hw", "emulator"},
    "boards": {"hw", "boards"},
    "host": {"hw", "emulator", "boards", "host"},
}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it; relative imports made absolute."""
    package = ("twinbar", *path.relative_to(ROOT).parent.parts)
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            # ``from twinbar import host`` names a folder too.
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def files(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts]


@pytest.mark.parametrize("folder", ALLOWED)
def test_layers_know_only_what_lies_below_them(folder: str) -> None:
    assert files(folder)
    wrong = []
    for path in files(folder):
        for module in imports(path):
            parts = module.split(".")
            if parts[0] in ALLOWED:
                wrong.append(f"{path.relative_to(ROOT)} imports {module} without twinbar")
            elif parts[0] == "twinbar" and parts[1] not in ALLOWED[folder]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


def test_layers_are_really_connected() -> None:
    # Else the test above would hold for files that it does not understand.
    def knows(folder: str) -> set[str]:
        modules = [module.split(".") for path in files(folder) for module in imports(path)]
        return {parts[1] for parts in modules if parts[0] == "twinbar"}

    assert knows("emulator") == {"hw", "emulator"}
    assert knows("host") >= {"hw", "emulator", "host"}


@pytest.mark.parametrize("heavy", ["numba", "torch", "scipy", "matplotlib"])
def test_the_controller_imports_nothing_heavy(heavy: str) -> None:
    for path in files("hw"):
        assert heavy not in {module.split(".")[0] for module in imports(path)}, path


@pytest.mark.parametrize("module", ["twinbar.hw.timing", "twinbar.hw.actions", "twinbar.hw.errors"])
def test_phases_and_cycles_need_the_standard_library_alone(module: str) -> None:
    program = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = set(ran.stdout.split())
    assert "twinbar" in loaded
    assert not loaded & {"numpy", "numba", "torch", "scipy", "pydantic"}
