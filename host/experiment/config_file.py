"""Configurations as TOML files, each key with its meaning as a comment."""

import textwrap
import tomllib
from collections.abc import Collection, Mapping
from typing import Any, Final, get_args

import tomli_w
from pydantic import BaseModel

_WIDTH: Final = 100


def write(config: BaseModel, left_out: Collection[str] = ()) -> str:
    """Return the text of a configuration file: plain keys first, then sections, all of them explicit.

    Parameters
    ----------
    config : BaseModel
    left_out : collection of str
        Dotted keys that become comments, so that who reads the file finds the defaults.
    """
    plain = [name for name in type(config).model_fields if not isinstance(getattr(config, name), BaseModel)]
    blocks = [line for name in plain for line in _key(config, name)] + [""] * bool(plain)
    for name in type(config).model_fields:
        section = getattr(config, name)
        if isinstance(section, BaseModel):
            blocks += [*_comment(type(section).__doc__ or ""), f"[{name}]"]
            for key in type(section).model_fields:
                *meaning, line = _key(section, key)
                blocks += [*meaning, f"# {line}" if f"{name}.{key}" in left_out else line]
            blocks.append("")
    return "\n".join(blocks[:-1]) + "\n"


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def read_text(text: str, annotation: Any) -> Any:
    """Read a value from the command line: text as it is where the key takes text, or has no type that is known."""
    return text if annotation is None or str in (annotation, *get_args(annotation)) else parse_value(text)


def parse_value(text: str) -> Any:
    """Read a number, ``true``, ``false`` or a TOML list from the command line; anything else stays text."""
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _key(section: BaseModel, key: str) -> list[str]:
    value = getattr(section, key)
    if isinstance(value, tuple):
        text = ", ".join(_inline(item) for item in value)
        text = f"[{text}]"
    else:
        text = _inline("none" if value is None else value)  # TOML has no null
    return [*_comment(type(section).model_fields[key].description or ""), f"{key} = {text}"]


def _inline(value: Any) -> str:
    return tomli_w.dumps({"value": value}).strip().removeprefix("value = ")


def _comment(text: str) -> list[str]:
    paragraph = " ".join(text.split())
    return textwrap.wrap(paragraph, _WIDTH, initial_indent="# ", subsequent_indent="# ")
