"""Imports point one way: ``hw`` <- ``emulator`` <- ``host``, and ``hw`` <- ``boards`` <- ``host``."""

import ast
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "hw": {"hw"},
    "emulator": {"hw", "emulator"},
    "boards": {"hw", "boards"},
    "host": {"hw", "emulator", "boards", "host"},
}
ROOMS: Sequence[Collection[str]] = (
    {"kernels", "sections"},
    {"devices"},
    {"crossbar", "wires"},
    {"contract"},
    {"ledger", "pins"},
    {"engines"},
    {"verify", "virtual", "warm_up"},
    {"cocotb"},
)
"""The floors of `emulator`: a room imports from the floors below its own."""
ENGINES: Sequence[Collection[str]] = (
    {"front_end_memory"},
    {"controller_engine", "side_by_side"},
    {"controllers"},
    {"bulk", "events", "program", "rtl"},
)
"""The floors of `emulator/engines`: no engine knows another one."""
EVENTS: Sequence[Collection[str]] = (
    {"clock", "decoding", "register_file", "listener", "input_planes"},
    {"stream_queue", "sum_link", "router", "safety", "drive", "counters"},
    {"arbiter", "consumer", "admission", "front_end", "front_end_time", "cascade_member", "activation_buffer"},
    {"tile", "table_walk"},
    {"product_outlet", "transfer_start"},
    {"dispatcher", "joint_start", "sampling", "housekeeping", "products"},
    {"pulses", "calibration", "comparing"},
    {"cells"},
    {"operations"},
    {"sequencer"},
    {"events_controller"},
    {"__init__"},
)
"""The floors of `emulator/engines/events`."""


def run_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Every statement outside of functions; what only a type checker runs is among them."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def imports(path: Path, root: Path = ROOT) -> set[str]:
    """Every module that a file imports, anywhere in it; relative imports made absolute."""
    package = ("twinbar", *path.relative_to(root).parent.parts)
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            # ``from twinbar import host`` names a folder too.
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def files(folder: str, root: Path = ROOT) -> list[Path]:
    return [path for path in (root / folder).rglob("*.py") if "__pycache__" not in path.parts]


def import_graph(root: Path = ROOT) -> dict[str, set[str]]:
    """The modules of the product, with those that each imports: a circle within functions is one too."""
    paths = {}
    for path in (path for folder in (*ALLOWED, "twinbar") for path in files(folder, root)):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[0] != "twinbar":
            parts = ("twinbar", *parts)
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph: dict[str, set[str]] = {}
    for module, path in paths.items():
        # ``from module import name`` imports a module of that name, or else the module that has it.
        named = imports(path, root)
        graph[module] = {name if name in paths else name.rpartition(".")[0] for name in named} & paths.keys() - {module}
    return graph


def import_circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def against_the_floors(folder: str, floors: Sequence[Collection[str]], root: Path = ROOT) -> list[str]:
    """Imports within a folder, anywhere in a file, that do not lead from one of its rooms to a floor below."""
    level = {room: number for number, floor in enumerate(floors) for room in floor}
    prefix = ("twinbar", *Path(folder).parts)
    wrong = []
    for path in files(folder, root):
        room = path.relative_to(root / folder).with_suffix("").parts[0]
        for module in imports(path, root):
            parts = tuple(module.split("."))
            if parts[: len(prefix)] != prefix:
                continue
            # ``from package import name`` takes it from a room, or from the package's own file.
            target = next((part for part in parts[len(prefix) :][:1] if part in level), "__init__")
            if target != room and level.get(target, len(floors)) >= level.get(room, -1):
                wrong.append(f"{path.relative_to(root)} imports {module}")
    return wrong


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


def test_no_imports_run_in_a_circle() -> None:
    graph = import_graph()
    assert import_circle(graph) == []
    assert sum(map(len, graph.values())) > len(graph)


@pytest.mark.parametrize(
    "second",
    [
        "from twinbar.hw.first import x",
        "from .first import x",
        "from . import first",
        "import twinbar.hw.first",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from twinbar.hw.first import x",
        "def late():\n    from twinbar.hw import first",
    ],
)
def test_a_circle_is_found(second: str, tmp_path: Path) -> None:
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "first.py").write_text("from twinbar.hw.second import y\n", encoding="utf-8")
    (tmp_path / "hw" / "second.py").write_text(second, encoding="utf-8")
    assert set(import_circle(import_graph(tmp_path))) == {"twinbar.hw.first", "twinbar.hw.second"}
    (tmp_path / "hw" / "second.py").write_text("from twinbar.hw import third\n", encoding="utf-8")
    assert import_circle(import_graph(tmp_path)) == []


@pytest.mark.parametrize(
    ("folder", "floors"),
    [("emulator", ROOMS), ("emulator/engines", ENGINES), ("emulator/engines/events", EVENTS)],
)
def test_rooms_know_only_the_floors_below_them(folder: str, floors: Sequence[Collection[str]]) -> None:
    declared = [room for floor in floors for room in floor]
    there = {path.relative_to(ROOT / folder).with_suffix("").parts[0] for path in files(folder)}
    assert sorted({"__init__", *declared}) == sorted(there)
    assert against_the_floors(folder, floors) == []


@pytest.mark.parametrize(
    "line",
    [
        "from twinbar.emulator.high import x",
        "from twinbar.emulator import beside",
        "from .high.deep import x",
        "import twinbar.emulator.unheard_of",
        "def late():\n    from twinbar.emulator.high import x",
    ],
)
def test_an_arrow_upwards_is_found(line: str, tmp_path: Path) -> None:
    low, beside, high = (tmp_path / "emulator" / f"{name}.py" for name in ("low", "beside", "high"))
    low.parent.mkdir()
    high.write_text("from twinbar.emulator import low\n", encoding="utf-8")
    beside.write_text("", encoding="utf-8")
    low.write_text("from twinbar.hw.high import x\n", encoding="utf-8")
    floors = ({"low", "beside"}, {"high"})
    assert against_the_floors("emulator", floors, tmp_path) == []
    low.write_text(line, encoding="utf-8")
    assert len(against_the_floors("emulator", floors, tmp_path)) == 1


def test_the_page_of_events_shows_its_floors() -> None:
    # Its table has one block of rows for each floor, with a file in every pair of back quotes on the left.
    page = ast.get_docstring(ast.parse((ROOT / "emulator/engines/events/__init__.py").read_text(encoding="utf-8")))
    assert page is not None
    table = page.split("\n====")[1]
    blocks = table.split("\n----")
    shown = [{name for row in block.splitlines()[1:] for name in row[:46].split("`")[1::2]} for block in blocks]
    assert shown == [set(floor) for floor in EVENTS[:-1]]


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


def test_modules_of_one_system_are_imported_where_they_are_needed() -> None:
    foreign = {"fcntl", "grp", "msvcrt", "pty", "pwd", "resource", "termios", "tty", "winreg"}
    for path in (path for folder in ALLOWED for path in files(folder)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in run_at_import(tree):
            if isinstance(node, ast.Import):
                assert not foreign & {alias.name for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert node.module not in foreign, path
