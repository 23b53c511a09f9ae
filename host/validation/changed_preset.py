"""A preset with one value changed, as a file: a chip takes no other kind."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.preset_toml import preset_toml
from twinbar.emulator.devices.quantity import Quantity
from twinbar.hw.toml_table import TomlTable


def scaled(preset: Preset, key: str, factor: float) -> Preset:
    """Return a preset with one value multiplied, whether or not it is one that can be used.

    Parameters
    ----------
    preset : Preset
    key : str
        Of the value, such as ``read.voltage``.
    factor : float
    """

    def of(node: Any, path: str) -> Any:
        if isinstance(node, Quantity):
            if path != key:
                return node
            value = node.value
            times = [item * factor for item in value] if isinstance(value, list) else value * factor
            return node.model_copy(update={"value": times})
        if isinstance(node, TomlTable):
            return node.model_copy(update={name: of(below, _joined(path, name)) for name, below in _fields(node)})
        if isinstance(node, list):
            return [of(item, f"{path}[{place}]") for place, item in enumerate(node)]
        return node

    changed: Preset = of(preset, "")
    return changed


@contextmanager
def preset_file(preset: Preset) -> Iterator[Path]:
    """Write a preset to a file, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{preset.name}.toml"
        path.write_text(preset_toml(preset), encoding="utf-8")
        yield path


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _fields(node: TomlTable) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(node, name)) for name in type(node).model_fields)
