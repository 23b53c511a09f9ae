"""Write a preset as TOML, in the form of the built-in files: one quantity per line."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.quantity import Quantity


def preset_toml(preset: Preset) -> str:
    """Return the text of a preset file; `load_preset` of it gives the same preset."""
    return "\n".join(_section("", preset)).lstrip("\n") + "\n"


def _section(path: str, model: BaseModel) -> Iterator[str]:
    """Return the lines of a section: its own values first, then its sub-sections."""
    values: list[str] = []
    below: list[tuple[str, Any]] = []
    for name in sorted(type(model).model_fields, key=lambda name: name != "kind"):
        value = getattr(model, name)
        if value is None:
            continue
        if isinstance(value, Quantity):
            values.append(f"{name} = {_quantity(value)}")
        elif isinstance(value, list):
            values.append(f"{name} = [")
            values.extend(f"  {_quantity(item)}," for item in value)
            values.append("]")
        elif isinstance(value, (BaseModel, dict)):
            below.append((f"{path}.{name}" if path else name, value))
        else:
            values.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    if path and values:
        yield ""
        yield f"[{path}]"
    yield from values
    for name, value in below:
        if isinstance(value, dict):
            yield ""
            yield f"[{name}]"
            for key, text in value.items():
                yield f"{key} = {json.dumps(text, ensure_ascii=False)}"
        else:
            yield from _section(name, value)


def _quantity(quantity: Quantity) -> str:
    value = quantity.value
    numbers = "[" + ", ".join(f"{item:.10g}" for item in value) + "]" if isinstance(value, list) else f"{value:.10g}"
    parts = [f"value = {numbers}", f"unit = {json.dumps(quantity.unit)}", f'certainty = "{quantity.certainty}"']
    for name in ("source", "note"):
        text = getattr(quantity, name)
        if text is not None:
            parts.append(f"{name} = {json.dumps(text, ensure_ascii=False)}")
    return "{ " + ", ".join(parts) + " }"
