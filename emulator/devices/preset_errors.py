"""What is wrong with a preset file, in one sentence."""

import difflib
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from twinbar.emulator.devices.quantity import UNITS

_EXAMPLE: Final = '{ value = 1.0, unit = "uS", certainty = "published", source = "..." }'
_TAGS: Final = {"polynomial", "logarithmic"}
"""Values of ``kind``, which tell the models of a section apart."""


def sentence_of(error: ValidationError, model: type[BaseModel]) -> str:
    """Turn the first complaint of pydantic into one sentence: which key, what is wrong, what would be right.

    Parameters
    ----------
    error : ValidationError
    model : type of BaseModel
        What was validated: unknown keys are compared with its keys.
    """
    problems = error.errors(include_url=False)
    # A misspelt key is also a missing one, and the misspelling is what helps.
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    loc = _keys(problem["loc"])
    key = ".".join(loc)
    kind, message, given = problem["type"], problem["msg"].removeprefix("Value error, "), problem["input"]
    if kind == "extra_forbidden":
        known = sorted(_known_keys(model, loc[:-1]))
        if loc[-1] in known:
            return f"{key} does not belong to this kind of {loc[-2]}; remove it, or change kind"
        close = difflib.get_close_matches(loc[-1], known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else (f"known here: {', '.join(known)}" if known else "remove it")
        return f"unknown key {key}; {hint}"
    if kind == "missing" and loc[-1] == "unit":
        units = ", ".join(unit for group in UNITS.values() for unit in group)
        return f'{".".join(loc[:-1])} has no unit; write unit = "..." with one of {units}'
    if kind == "missing":
        return f"{key} is missing; it is required"
    if kind in ("model_type", "model_attributes_type"):
        if problem.get("ctx", {}).get("class_name") != "Quantity":
            return f"{key} is {given!r}; it must be a section, [{key}]"
        return f"{key} is {given!r}; write it with its unit and origin, like {_EXAMPLE}"
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        tags = problem["ctx"].get("expected_tags") or ", ".join(repr(tag) for tag in _tags(model, loc))
        state = "is missing" if kind == "union_tag_not_found" else f"is {problem['ctx']['tag']!r}"
        return f"{key}.kind {state}; it is one of {tags}"
    if kind == "string_pattern_mismatch":
        return f"{key} is {given!r}; it must be of lower-case letters, digits and hyphens"
    if kind == "law":
        return message
    if kind == "value_error":
        joiner = " " if message.startswith(("is ", "has ", "must ")) else ": "
        return f"{key}{joiner}{message}" if key else message
    return f"{key} is {given!r}; {message.replace('Input should', 'it must', 1)}"


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    """Give the keys of the file on the way to a problem, without the branches of unions that pydantic names between."""
    parts = [str(part) for part in loc]
    inner = [
        part for part in parts[1:] if part not in _TAGS and not part.startswith(("list[", "constrained-", "float"))
    ]
    return parts[:1] + inner


def _tags(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the values of ``kind`` that a section may have."""
    return [
        tag
        for section in _sections(model, path)
        for tag in section.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    ]


def _known_keys(model: type[BaseModel], path: list[str]) -> set[str]:
    """Return the keys that a section knows."""
    return {name for section in _sections(model, path) for name in section.model_fields}


def _sections(model: type[BaseModel], path: list[str]) -> list[type[BaseModel]]:
    """Return the models that stand at ``path``, following annotations down from ``model``."""
    nodes = [model]
    for part in path:
        if not part.isdigit():
            fields = [node.model_fields[part] for node in nodes if part in node.model_fields]
            nodes = [inner for field in fields for inner in _models(field.annotation)]
    return nodes


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models named in an annotation, unions and lists opened."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]
