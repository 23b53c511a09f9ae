"""One clear sentence for each mistake in a configuration: the key, what is wrong, and what would be right."""

import difflib
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel], section_name: str = "") -> str:
    """Put pydantic's first complaint into one sentence.

    Parameters
    ----------
    error : ValidationError
        What ``model`` raised.
    model : type of BaseModel
        The configuration, whose fields are sections of keys.
    section_name : str
        The section that raised it, where it was not the whole configuration.
    """
    problem = error.errors(include_url=False)[0]
    path = [section_name] * bool(section_name) + [str(part) for part in problem["loc"]]
    key = ".".join(path[:2])
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    if problem["type"] == "extra_forbidden":
        return _unknown(path, model)
    section = _section(model, path[0]) if path else None
    if section is not None and len(path) == 1:
        return f"{key} is {show(problem['input'])}; it must be a section, with keys such as {_example(key, section)}"
    schema = _schema(model, path)
    position = path[2:] if section is not None else path[1:]
    if position and "items" in schema:
        key = key if section is not None else path[0]
        return f"{key} holds {show(problem['input'])}; each item must be {_phrase(schema['items'])}"
    return f"{key} is {show(problem['input'])}; it must be {_phrase(schema)}"


LONGEST: Final = 120
"""Characters of a value that a sentence quotes."""


def show(value: Any) -> str:
    """Write a value as a configuration file would; a long one is cut short."""
    text = _written(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _written(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(show(item) for item in value)}]"
    if isinstance(value, dict):
        return "a section"
    return str(value)


def dotted_keys(model: type[BaseModel]) -> Iterator[str]:
    """Iterate over the keys of a configuration, ``section.key``, in the order of the file."""
    for name in model.model_fields:
        section = _section(model, name)
        if section is None:
            yield name
        else:
            yield from (f"{name}.{key}" for key in section.model_fields)


def unknown_key(key: str, model: type[BaseModel]) -> str:
    """Say that there is no such key, and name the nearest one."""
    here = _section(model, key)
    if here is not None:
        return f"{key} is a section; name one of its keys: {', '.join(f'{key}.{name}' for name in here.model_fields)}"
    known = list(dotted_keys(model))
    last = key.rpartition(".")[2]
    names = {other.rpartition(".")[2] for other in known}
    near = difflib.get_close_matches(last, names, n=1)
    if near:
        # Several sections may have the name; the one most like the whole key is meant.
        same = [other for other in known if other.rpartition(".")[2] == near[0]]
        meant = max(same, key=lambda other: difflib.SequenceMatcher(None, key, other).ratio())
        return f"there is no configuration key {key}; did you mean {meant}?"
    section = _section(model, key.partition(".")[0])
    if section is not None:
        return f"there is no configuration key {key}; its section has {', '.join(section.model_fields)}"
    return f"there is no configuration key {key}; the sections are {', '.join(model.model_fields)}"


def _unknown(path: list[str], model: type[BaseModel]) -> str:
    if len(path) > 1:
        return unknown_key(".".join(path), model)
    near = difflib.get_close_matches(path[0], model.model_fields, n=1)
    if near:
        return f"there is no configuration section {path[0]}; did you mean {near[0]}?"
    return unknown_key(path[0], model)


def _section(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    field = model.model_fields.get(name)
    annotation = field.annotation if field else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _example(name: str, section: type[BaseModel]) -> str:
    return f"{name}.{next(iter(section.model_fields))}"


def _schema(model: type[BaseModel], path: list[str]) -> dict[str, Any]:
    """Return what pydantic derives from the annotation of a key: its type and bounds."""
    section = _section(model, path[0])
    owner, name = (model, path[0]) if section is None else (section, path[1])
    found: dict[str, Any] = owner.model_json_schema()["properties"][name]
    return found


def _phrase(schema: dict[str, Any]) -> str:
    """Say which values a key accepts."""
    if "anyOf" in schema:
        return ", or ".join(_phrase(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "examples" in schema:
        return f"one of {', '.join(schema['examples'])}, or package.module:Name"
    kind = schema.get("type")
    if kind == "null":
        return "none"
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        if "prefixItems" in schema:
            return f"a list of {len(schema['prefixItems'])} numbers"
        return f"a list, each item {_phrase(schema['items'])}"
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _bounds(schema)
    return "a text that is not empty" if schema.get("minLength") else "a text"


def _bounds(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    multiple = f", a multiple of {schema['multipleOf']}" if "multipleOf" in schema else ""
    if low is not None and high is not None:
        return f" from {low} to {high}{multiple}"
    limits = []
    if above is not None:
        limits.append(f"above {above:g}")
    if low is not None and below is None:
        limits.append(f"{low:g} or more")
    elif low is not None:
        limits.append(f"at least {low:g}")
    if below is not None:
        limits.append(f"below {below:g}")
    if high is not None:
        limits.append(f"at most {high:g}")
    return (f", {' and '.join(limits)}" if limits else "") + multiple
