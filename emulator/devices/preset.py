"""A cell model as a file: every number with its unit, its source and how certain it is.

A preset is TOML, checked on the way in; a user's own preset is a file of the same form, no code. The built-in ones lie
in ``presets/``. `twinbar.emulator.devices.cell_tables` turns a preset into the integer tables of the engines.
"""

import contextlib
import difflib
import functools
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Union

from pydantic import (
    BaseModel,
    Field,
    SerializeAsAny,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from twinbar.emulator.devices.effect_sections import EffectSections
from twinbar.emulator.devices.known_responses import RESPONSES
from twinbar.emulator.devices.preset_errors import sentence_of
from twinbar.emulator.devices.preset_sections import AmplitudeLaw, GateLaw, Initial, Pulses, Read, Window, Write
from twinbar.emulator.devices.quantity import UNITS, Quantity
from twinbar.emulator.devices.response_law import ResponseLaw
from twinbar.hw import toml
from twinbar.hw.built_in import toml_files
from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import Registry, Unfit, is_reference
from twinbar.hw.toml_table import TomlTable

PRESET_FOLDER: Final = Path(__file__).parent / "presets"
"""Where the built-in presets are."""


MOST_GMAX: Final = 100.0
"""Spreads and changes of a conductance are at most so many times Gmax: what the fixed point of the physics holds."""
MOST_ACCESS: Final = 1e6
"""An access transistor has at most so many times the resistance of a cell at Gmax."""
MOST_SCALES: Final = 700
"""Exponentials of more than this leave the range of floats."""
_OF_WINDOW: Final = frozenset(
    {
        *("initial.sigma", "gate.spread", "read_noise.absolute", "read_noise.sigma"),
        *("relaxation.mean_per_ln", "relaxation.sigma_per_ln", "relaxation.sigma_offset"),
        *("response.set.mean", "response.set.std", "response.reset.mean", "response.reset.std"),
    }
)


class _Cell(TomlTable):
    """What a preset has beside effects; its sections come first in a file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    material: str
    note: str = ""
    sources: dict[str, str]
    window: Window
    read: Read
    pulse: Pulses
    response: SerializeAsAny[ResponseLaw]
    initial: Initial
    amplitude: AmplitudeLaw | None = None
    gate: GateLaw | None = None
    write: Write


class Preset(EffectSections, _Cell):
    """A cell model.

    Quantities carry their unit and origin (`Quantity`); ``sources`` maps the short names that they cite to references.
    """

    @field_validator("response", mode="before")
    @classmethod
    def _choose_law(cls, value: Any) -> Any:
        return law_of(value).model_validate(dict(value)) if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _parts_agree(self) -> "Preset":
        for path, quantity in self.quantities():
            if quantity.source is not None and quantity.source not in self.sources:
                raise ValueError(f"{path} cites {quantity.source!r}, which [sources] does not list")
        spread = self.device_to_device
        if spread is not None and spread.nonlinearity is not None and not self.response.labelled:
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
        elif self.threshold_spread is not None or (self.access is not None and self.access.at is not None):
            what = "threshold_spread" if self.threshold_spread is not None else "access.at"
            raise ValueError(f"{what} needs [amplitude], which says what a pulse of another voltage does")
        low, high, mean = self.window.g_min.si, self.window.g_max.si, self.initial.mean
        if not low * (1 - 1e-9) <= mean.si <= high * (1 + 1e-9):
            raise ValueError(
                f"initial.mean is {mean}; it must lie in the window {self.window.g_min} to {self.window.g_max}"
            )
        if self.gate is None and self.write.algorithm == "gate-ramp":
            raise ValueError("write.algorithm is gate-ramp, so [gate] must say what conductance a gate voltage allows")
        return self

    @model_validator(mode="after")
    def _physics_can_hold_it(self) -> "Preset":
        most_s, conductances = MOST_GMAX * self.window.g_max.si, UNITS["conductance"]
        for path, quantity in self.quantities():
            of_window = path in _OF_WINDOW and quantity.unit in conductances
            if of_window and max(map(abs, quantity.si_list)) > most_s:
                raise ValueError(
                    f"{path} is {quantity}; it must be at most {MOST_GMAX:g} times window.g_max, {self.window.g_max}"
                )
        if self.access is not None and self.access.resistance.si * self.window.g_max.si > MOST_ACCESS:
            raise ValueError(
                f"access.resistance is {self.access.resistance}; it must be at most {MOST_ACCESS:g} times that of a "
                f"cell at window.g_max, {self.window.g_max}"
            )
        for polarity in ("set", "reset") if self.amplitude is not None else ():
            threshold, scale = (getattr(self.amplitude, f"{polarity}_{key}") for key in ("threshold", "scale"))
            nominal = getattr(self.pulse, f"{polarity}_voltage")
            if nominal.si - threshold.si > MOST_SCALES * scale.si:
                raise ValueError(
                    f"amplitude.{polarity}_scale is {scale}; it must be at least 1/{MOST_SCALES} of what is "
                    f"between the threshold {threshold} and the nominal {nominal}"
                )
        return self

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Iterate over the dotted names and values of all quantities, in the order of the file's sections."""
        yield from _walk("", self)

    @property
    def on_off(self) -> float:
        """Return Gmax / Gmin."""
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


def law_of(section: Mapping[str, Any]) -> type[ResponseLaw]:
    """Return the response law that the section ``[response]`` names.

    Raises
    ------
    PydanticCustomError
        If there is none of the name, or it cannot be imported.
    """
    kind = section.get("kind")
    if not isinstance(kind, str) or not (is_reference(kind) or kind in RESPONSES.names()):
        state = "is missing" if kind is None else f"is {kind!r}"
        names = ", ".join(map(repr, RESPONSES.names()))
        raise PydanticCustomError("law", "response.kind {text}", {"text": f"{state}; it is one of {names}"})
    try:
        return RESPONSES.load(kind)
    except ConfigError as error:
        raise PydanticCustomError("law", "response.kind: {text}", {"text": str(error)}) from None


def check_preset(data: Mapping[str, Any], source: str) -> Preset:
    """Check the content of a preset file.

    Raises
    ------
    ConfigError
        One sentence on the first mistake, which begins with ``source``.
    """
    try:
        return Preset.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{source}: {sentence_of(error, _layout(data))}") from None


def revalidated(preset: Preset, source: str) -> Preset:
    """Check that the parts of a changed preset go together.

    Raises
    ------
    ConfigError
        One sentence on the first mistake, which begins with ``source``.
    """
    fields = {name: getattr(preset, name) for name in type(preset).model_fields}
    try:
        return Preset.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(f"{source}: {sentence_of(error, Preset)}") from None


def _layout(data: Mapping[str, Any]) -> type[Preset]:
    """Return a class with the keys of the laws, for messages."""
    laws: dict[type[ResponseLaw], None] = dict.fromkeys(RESPONSES.built_in().values())
    with contextlib.suppress(PydanticCustomError, LookupError, AttributeError):
        laws[law_of(data["response"])] = None
    return _layout_of(tuple(laws))


@functools.cache
def _layout_of(laws: tuple[type[ResponseLaw], ...]) -> type[Preset]:
    section: Any = Union[laws]  # noqa: UP007
    return create_model("Preset", __base__=Preset, response=(section, ...))


def _accept(found: object) -> Preset:
    if isinstance(found, Preset):
        return found
    if isinstance(found, Traversable):
        return check_preset(toml.read(found, f"the device preset {found}"), str(found))
    raise Unfit(
        f"is {found!r}; it must be a twinbar.emulator.devices.preset.Preset, or a TOML file as a path or resource"
    )


PRESETS: Final = Registry(
    "device preset",
    "twinbar.devices",
    toml_files("twinbar.emulator.devices", PRESET_FOLDER.name),
    _accept,
    lambda preset: preset.name,
)


def preset_names() -> list[str]:
    """Return the names of the built-in presets, sorted."""
    return PRESETS.built_in_names()


def load_preset(name_or_path: str | Path) -> Preset:
    """Load a preset by name or as ``package.module:NAME``, or a user's own from a TOML file.

    Raises
    ------
    ConfigError
        If there is no such preset or file, or if the file is not a sound preset; the text names file, key and remedy.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if path.suffix == ".toml" or path.name != name:
        return _accept(path)
    if not is_reference(name) and name not in PRESETS.names():
        close = difflib.get_close_matches(name, PRESETS.names(), n=1)
        others = f"there are {', '.join(PRESETS.names())}, or give a .toml file, or package.module:NAME"
        raise ConfigError(f"there is no device preset {name!r}; {f'did you mean {close[0]!r}?' if close else others}")
    return PRESETS.load(name)
