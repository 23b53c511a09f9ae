"""A cell model as a file: every number with its unit, its source and how certain it is.

A preset is TOML, checked on the way in; a user's own preset is a file of the same form, no code. The built-in ones lie
in ``presets/``. `twinbar.emulator.devices.tables` turns a preset into the integer tables of the engines.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError, model_validator

from twinbar.emulator.devices.preset_errors import sentence_of
from twinbar.emulator.devices.preset_sections import (
    AmplitudeLaw,
    CycleToCycle,
    DeviceToDevice,
    Drift,
    Endurance,
    Faults,
    GateLaw,
    Initial,
    LogarithmicRelaxation,
    PolynomialRelaxation,
    Pulses,
    Read,
    ReadNoise,
    Section,
    Window,
    Write,
    WriteNoise,
)
from twinbar.emulator.devices.quantity import Quantity
from twinbar.emulator.devices.responses import Exponential, Response
from twinbar.hw import toml
from twinbar.hw.errors import ConfigError

PRESET_FOLDER: Final = Path(__file__).parent / "presets"
"""Where the built-in presets are."""


class Preset(Section):
    """A cell model.

    Quantities carry their unit and origin (`Quantity`); ``sources`` maps the short names that they cite to references.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    material: str
    note: str = ""
    sources: dict[str, str]
    window: Window
    read: Read
    pulse: Pulses
    response: Response
    cycle_to_cycle: CycleToCycle | None = None
    device_to_device: DeviceToDevice | None = None
    read_noise: ReadNoise | None = None
    write_noise: WriteNoise | None = None
    relaxation: PolynomialRelaxation | LogarithmicRelaxation | None = Field(default=None, discriminator="kind")
    drift: Drift | None = None
    initial: Initial
    faults: Faults | None = None
    amplitude: AmplitudeLaw | None = None
    gate: GateLaw | None = None
    write: Write
    endurance: Endurance | None = None

    @model_validator(mode="after")
    def _parts_agree(self) -> "Preset":
        for path, quantity in self.quantities():
            if quantity.source is not None and quantity.source not in self.sources:
                raise ValueError(f"{path} cites {quantity.source!r}, which [sources] does not list")
        spread = self.device_to_device
        if spread is not None and spread.nonlinearity is not None and not isinstance(self.response, Exponential):
            raise ValueError(
                "device_to_device.nonlinearity is for the exponential response; this one has no such label"
            )
        if self.amplitude is not None:
            for polarity in ("set", "reset"):
                threshold = getattr(self.amplitude, f"{polarity}_threshold")
                nominal = getattr(self.pulse, f"{polarity}_voltage")
                if threshold.si >= nominal.si:
                    raise ValueError(
                        f"amplitude.{polarity}_threshold is {threshold}; it must be below the nominal {nominal}"
                    )
        low, high, mean = self.window.g_min.si, self.window.g_max.si, self.initial.mean
        if not low * (1 - 1e-9) <= mean.si <= high * (1 + 1e-9):
            raise ValueError(
                f"initial.mean is {mean}; it must lie in the window {self.window.g_min} to {self.window.g_max}"
            )
        if self.gate is None and self.write.algorithm == "gate-ramp":
            raise ValueError("write.algorithm is gate-ramp, so [gate] must say what conductance a gate voltage allows")
        return self

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Iterate over the dotted names and values of all quantities, in the order of the file's sections."""
        yield from _walk("", self)

    @property
    def on_off(self) -> float:
        """Give Gmax / Gmin."""
        return self.window.g_max.si / self.window.g_min.si


def _walk(path: str, node: Any) -> Iterator[tuple[str, Quantity]]:
    if isinstance(node, Quantity):
        yield path, node
    elif isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from _walk(f"{path}.{name}" if path else name, getattr(node, name))
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _walk(f"{path}[{index}]", item)


def preset_names() -> list[str]:
    """Give the names of the built-in presets, sorted."""
    return sorted(file.stem for file in PRESET_FOLDER.glob("*.toml"))


def load_preset(name_or_path: str | Path) -> Preset:
    """Load a built-in preset by name, or a user's own from a TOML file.

    Raises
    ------
    ConfigError
        If there is no such preset or file, or if the file is not a sound preset; the text names file, key and remedy.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml" and path.name == str(name_or_path):
        names = preset_names()
        if path.name not in names:
            close = difflib.get_close_matches(path.name, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}, or give a .toml file"
            raise ConfigError(f"there is no device preset {path.name!r}; {hint}")
        path = PRESET_FOLDER / f"{path.name}.toml"
    data = toml.read(path, f"the device preset {path}")
    try:
        return Preset.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{path}: {sentence_of(error, Preset)}") from None
