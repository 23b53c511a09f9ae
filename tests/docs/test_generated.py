from collections import Counter
from pathlib import Path
from types import ModuleType

from twinbar.emulator.devices.preset import preset_names
from twinbar.host.experiment.config import ExperimentConfig


def test_the_pages_hold_what_the_code_says(generator: ModuleType) -> None:
    old = [path.name for path in generator.PAGES if generator.fill(path.read_text()) != path.read_text()]
    assert old == [], "run make docs"


def test_every_part_has_its_place(generator: ModuleType) -> None:
    placed = Counter(part for path in generator.PAGES for part in generator.parts_of(path.read_text()))
    assert placed == Counter(dict.fromkeys(generator.PARTS, 1))


def test_a_stale_part_is_noticed(generator: ModuleType) -> None:
    page = next(path.read_text() for path in generator.PAGES if path.name == "configuration.md")
    assert "| `16` |" in page
    assert generator.fill(page.replace("| `16` |", "| `17` |")) == page


def test_every_key_is_described(generator: ModuleType) -> None:
    described = generator.configuration()
    for section, field in ExperimentConfig.model_fields.items():
        assert field.annotation is not None
        block = described.partition(f"## `[{section}]`")[2].partition("\n## ")[0]
        for key in field.annotation.model_fields:
            (row,) = [line for line in block.splitlines() if line.startswith(f"| `{key}` |")]
            assert row.rstrip(" |").endswith(".")


def test_the_number_of_presets_is_right(root: Path) -> None:
    counted = f"{len(preset_names())} presets"
    assert counted in (root / "README.md").read_text()
    assert counted in (root / "CHANGELOG.md").read_text()
