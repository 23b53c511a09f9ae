"""A name means one thing: files and classes of the product are told apart by their names alone."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("hw", "emulator", "host", "boards", "twinbar", "tools")
PACKAGE_FILES = {"__init__", "__main__"}
COMPONENTS, MODELS = Path("hw/gateware"), Path("emulator/engines/events")
"""A component of the gateware and its model in `events` are one concept, and have one name in both."""


def sources(suffix: str, folders: Iterable[str] = FOLDERS, root: Path = ROOT) -> list[Path]:
    found = [path.relative_to(root) for folder in folders for path in (root / folder).rglob(f"*{suffix}")]
    return [path for path in found if "__pycache__" not in path.parts and path.stem not in PACKAGE_FILES]


def classes(path: Path, root: Path = ROOT) -> list[str]:
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    return [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def are_component_and_model(paths: Sequence[Path], root: Path = ROOT) -> bool:
    """Whether two files are a component and its model: a class that both declare, or functions alone as the model."""
    model, component = (next((path for path in paths if room in path.parents), None) for room in (MODELS, COMPONENTS))
    if len(paths) != 2 or model is None or component is None:
        return False
    modelled = classes(model, root)
    return not modelled or not set(modelled).isdisjoint(classes(component, root))


def ambiguous_files(paths: Iterable[Path], root: Path = ROOT) -> dict[str, list[Path]]:
    """Names of more than one file, except of a component and its model."""
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(paths):
        by_stem[path.stem].append(path)
    return {
        stem: found for stem, found in by_stem.items() if len(found) > 1 and not are_component_and_model(found, root)
    }


@pytest.mark.parametrize("suffix", [".py", ".h"])
def test_a_file_name_means_one_thing(suffix: str) -> None:
    paths = sources(suffix)
    assert len(paths) > 10
    assert ambiguous_files(paths) == {}


@pytest.mark.parametrize(
    ("first", "second", "text", "found"),
    [
        ("host/train.py", "emulator/train.py", "class Train: pass", {"train"}),
        ("hw/gateware/control/tile.py", "hw/gateware/tile.py", "class Tile: pass", {"tile"}),
        ("hw/gateware/tile.py", "host/tile.py", "class Tile: pass", {"tile"}),
        ("hw/gateware/tile.py", "emulator/engines/events/tile.py", "class Tile: pass", set()),
        ("hw/gateware/tile.py", "emulator/engines/events/tile.py", "class Other: pass", {"tile"}),
        ("hw/gateware/tile.py", "emulator/engines/events/tile.py", "def step(): pass", set()),
    ],
)
def test_an_ambiguous_file_is_found(first: str, second: str, text: str, found: set[str], tmp_path: Path) -> None:
    for name, content in ((first, "class Tile: pass"), (second, text)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert set(ambiguous_files(sources(".py", root=tmp_path), tmp_path)) == found


def ambiguous_classes(paths: Iterable[Path], root: Path = ROOT) -> dict[str, list[Path]]:
    """Classes that several files declare, or one file twice, except those of a component and of its model."""
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(paths):
        for name in classes(path, root):
            by_name[name].append(path)
    return {
        name: found
        for name, found in by_name.items()
        if len(found) > 1 and not (are_component_and_model(found, root) and found[0].stem == found[1].stem)
    }


def test_a_class_name_means_one_thing() -> None:
    paths = sources(".py", (*FOLDERS, "benchmarks"))
    assert sum(len(classes(path)) for path in paths) > len(paths)
    assert ambiguous_classes(paths) == {}


@pytest.mark.parametrize(
    ("second", "text", "found"),
    [
        ("host/board.py", "class Tile: pass", {"Tile"}),
        ("host/board.py", "def make():\n    class Tile: pass", {"Tile"}),
        ("emulator/engines/events/tile_parts.py", "class Tile: pass", {"Tile"}),
        ("emulator/engines/events/tile.py", "class Tile: pass", set()),
        ("host/board.py", "class Board: pass", set()),
    ],
)
def test_an_ambiguous_class_is_found(second: str, text: str, found: set[str], tmp_path: Path) -> None:
    for name, content in (("hw/gateware/tile.py", "class Tile: pass"), (second, text)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert set(ambiguous_classes(sources(".py", root=tmp_path), tmp_path)) == found
