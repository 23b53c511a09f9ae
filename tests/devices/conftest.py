from collections.abc import Callable
from typing import Any

import pytest

from twinbar.emulator.devices.cell_tables import CellTables, build_tables
from twinbar.emulator.devices.preset import Preset, load_preset
from twinbar.emulator.sections.array_section import ArrayConfig

DEFAULTS: dict[str, Any] = {"seed": 1, "clock_hz": 1e9, "variance_max": 4095}


@pytest.fixture(scope="session")
def tables_of() -> Callable[..., CellTables]:
    """Build the tables of a preset, by name or object, with arguments that a test may change."""

    def build(preset: str | Preset, **changes: Any) -> CellTables:
        model = load_preset(preset) if isinstance(preset, str) else preset
        array = {key: changes.pop(key) for key in ArrayConfig.model_fields if key in changes}
        return build_tables(model, ArrayConfig(**{"adc_noise_codes": 0.0, **array}), **{**DEFAULTS, **changes})

    return build


@pytest.fixture(scope="session")
def changed() -> Callable[..., Preset]:
    """Return a preset with some sections replaced, checked like a file."""

    def change(name: str, **sections: Any) -> Preset:
        return Preset.model_validate({**load_preset(name).model_dump(), **sections})

    return change


@pytest.fixture(scope="session")
def assumed() -> Callable[[float | list[float], str], dict[str, Any]]:
    """Write a quantity as a file would."""

    def quantity(value: float | list[float], unit: str) -> dict[str, Any]:
        return {"value": value, "unit": unit, "certainty": "assumed", "note": "a test"}

    return quantity
