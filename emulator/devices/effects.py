"""Effects that are put beside those of a preset, or left out of it, so that one can be seen alone.

An effect is a TOML file with sections of a preset and their sources. The built-in ones lie in ``effect_files/``.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from twinbar.emulator.devices.effect_sections import EffectSections
from twinbar.emulator.devices.preset import Preset, revalidated
from twinbar.emulator.devices.preset_errors import sentence_of
from twinbar.hw import toml
from twinbar.hw.errors import ConfigError

EFFECT_FOLDER: Final = Path(__file__).parent / "effect_files"
"""Where the built-in effects are."""


class Effect(EffectSections):
    """Sections that replace those of a preset."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    sources: dict[str, str] = Field(default_factory=dict)


SECTIONS: Final = tuple(EffectSections.model_fields)
"""Sections of a preset that are effects: they can be added, and left out."""


def effect_names() -> list[str]:
    """Return the names of the built-in effects, sorted."""
    return sorted(path.stem for path in EFFECT_FOLDER.glob("*.toml"))


def load_effect(name_or_path: str | Path) -> Effect:
    """Load an effect by name, or from a TOML file.

    Raises
    ------
    ConfigError
        If there is no such effect or file, or it is not sound.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if path.suffix != ".toml" and path.name == name:
        if name not in effect_names():
            close = difflib.get_close_matches(name, effect_names(), n=1)
            others = f"there are {', '.join(effect_names())}, or give a .toml file"
            raise ConfigError(
                f"there is no effect {name!r} (device.effects); {f'did you mean {close[0]!r}?' if close else others}"
            )
        path = EFFECT_FOLDER / f"{name}.toml"
    data: Mapping[str, Any] = toml.read(path, f"the effect {path}")
    try:
        return Effect.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{path}: {sentence_of(error, Effect)}") from None


def with_effects(preset: Preset, effects: Iterable[str], without: Iterable[str]) -> Preset:
    """Return a preset with sections left out, and then those of effects put in.

    Parameters
    ----------
    preset : Preset
    effects : iterable of str
        Names or files; of one section the last one holds.
    without : iterable of str
        Names of `SECTIONS`.

    Raises
    ------
    ConfigError
        If a name is not known, a section to be left out is not there, or the parts do not go together.
    """
    update: dict[str, Any] = {}
    for name in without:
        if name not in SECTIONS:
            raise ConfigError(f"device.without names {name!r}; what can be left out are {', '.join(SECTIONS)}")
        if getattr(preset, name) is None:
            has = ", ".join(each for each in SECTIONS if getattr(preset, each) is not None)
            raise ConfigError(f"device.without names {name!r}, which preset {preset.name} does not have; it has {has}")
        update[name] = None
    sources = dict(preset.sources)
    for one in map(load_effect, effects):
        update |= {name: getattr(one, name) for name in SECTIONS if getattr(one, name) is not None}
        sources |= one.sources
    if not update:
        return preset
    return revalidated(preset.model_copy(update={**update, "sources": sources}), f"preset {preset.name} with effects")
