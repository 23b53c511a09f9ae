"""To add something to the repository is to add its file: nothing else has to name it."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinbar.hw.built_in import declared, one_per_module, toml_files
from twinbar.hw.registry import Loaders

ADDED: dict[str, tuple[str, str, str, str, Callable[[], Loaders]]] = {
    "policy": (
        "twinbar.host.update.policies",
        "wait_and_see.py",
        "from twinbar.host.update.policies.siamese import Siamese\nPOLICY = type('WaitAndSee', (Siamese,), {})\n",
        "wait-and-see",
        one_per_module("twinbar.host.update.policies", "POLICY", first="siamese"),
    ),
    "response law": (
        "twinbar.emulator.devices.responses",
        "flat_step.py",
        "from twinbar.emulator.devices.responses.soft_bounds import SoftBounds\nRESPONSE = SoftBounds\n",
        "flat-step",
        one_per_module("twinbar.emulator.devices.responses", "RESPONSE"),
    ),
    "part": (
        "twinbar.hw.parts",
        "ad5668.py",
        "from twinbar.hw.parts.ad5628 import AD5628\nPARTS = (AD5628(name='AD5668', bits=16),)\n",
        "AD5668",
        declared("twinbar.hw.parts", "PARTS"),
    ),
    "board": (
        "twinbar.boards",
        "orange.py",
        "from dataclasses import replace\nfrom twinbar.boards.icebreaker import BOARD as ICE\n"
        "BOARD = replace(ICE, name='orange')\n",
        "orange",
        declared("twinbar.boards", "BOARD"),
    ),
    "plot": (
        "twinbar.host.report.plots",
        "blank.py",
        "from twinbar.host.report.plot_kinds import RunPlot\nPLOTS = (RunPlot('blank', lambda run: None),)\n",
        "blank",
        declared("twinbar.host.report.plots", "PLOTS"),
    ),
}


@pytest.mark.parametrize("kind", ADDED)
def test_a_file_in_its_folder_is_found(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, file, text, name, find = ADDED[kind]
    before: Any = find()
    (tmp_path / file).write_text(text)
    module = importlib.import_module(package)
    monkeypatch.setattr(module, "__path__", [*module.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    after = find()
    assert after.keys() - before.keys() == {name}
    assert after[name]() is not None
    monkeypatch.delitem(sys.modules, f"{package}.{file.removesuffix('.py')}", raising=False)


def test_names_are_listed_without_importing_and_the_first_one_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_lamps"
    package.mkdir()
    for name in ("__init__", "dim_green", "red", "blue"):
        (package / f"{name}.py").write_text("" if name == "__init__" else f"raise ImportError('{name}')")
    monkeypatch.syspath_prepend(tmp_path)
    found = one_per_module("some_lamps", "LAMP", first="red")()
    assert list(found) == ["red", "blue", "dim-green"]
    with pytest.raises(ImportError, match="dim_green"):
        found["dim-green"]()


def test_toml_files_have_the_name_of_what_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "lamp_files" / "lamps"
    folder.mkdir(parents=True)
    (tmp_path / "lamp_files" / "__init__.py").write_text("")
    for name in ("green.toml", "blue.toml", "notes.txt"):
        (folder / name).write_text(name)
    monkeypatch.syspath_prepend(tmp_path)
    found = toml_files("lamp_files", "lamps")()
    assert list(found) == ["blue", "green"]
    blue: Any = found["blue"]()
    assert blue.read_text() == "blue.toml"
