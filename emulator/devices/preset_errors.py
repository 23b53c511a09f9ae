"""What is wrong with a preset file, in one sentence."""

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError

from twinbar.emulator.devices.quantity import UNITS


def sentence_of(error: ValidationError, model: type[BaseModel]) -> str:
    """Turn the first complaint of pydantic into one sentence: which key, what is wrong, what would be right.

    Parameters
    ----------
    error : ValidationError
    model : type of BaseModel
        What was validated: unknown keys are compared with its keys.
    """
    problems = error.errors(include_url=False)
    # A quantity may be a number or a list; what is said about the branch that was not meant would only confuse.
    problem = problems[0]
    loc = [
        str(part)
        for part in problem["loc"]
        if not str(part).startswith(("list[", "constrained-", "float", "function-"))
    ]
    kinds = {"exponential", "soft-bounds", "linear-step", "jump-table", "polynomial", "logarithmic"}
    loc = [part for index, part in enumerate(loc) if not (part in kinds and index == 1)]
    key = ".".join(loc)
    kind, message = problem["type"], problem["msg"].removeprefix("Value error, ")
    example = '{ value = 1.0, unit = "uS", certainty = "published", source = "..." }'
    if kind == "extra_forbidden":
        known = sorted(_known_keys(model, loc[:-1]))
        close = difflib.get_close_matches(loc[-1], known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else (f"known here: {', '.join(known)}" if known else "remove it")
        return f"unknown key {key}; {hint}"
    if kind == "missing":
        if loc[-1] == "unit":
            units = ", ".join(unit for group in UNITS.values() for unit in group)
            return f'{".".join(loc[:-1])} has no unit; write unit = "..." with one of {units}'
        return f"{key} is missing; it is required"
    if kind == "model_type" or (kind == "model_attributes_type"):
        return f"{key} is {problem['input']!r}; write it with its unit and origin, like {example}"
    if kind == "union_tag_not_found":
        return f"{key}.kind is missing; it is one of {problem['ctx'].get('discriminator', '')} {message}"
    if kind == "value_error":
        joiner = " " if message.startswith(("is ", "has ", "must ")) else ": "
        return f"{key}{joiner}{message}" if key else message
    return f"{key}: {message[:1].lower()}{message[1:]} (got {problem['input']!r})"


def _known_keys(model: type[BaseModel], path: list[str]) -> set[str]:
    """Give the keys that a section knows, following annotations down ``path``."""
    nodes: list[Any] = [model]
    for part in path:
        below: list[Any] = []
        for node in nodes:
            for inner in _models(node):
                if part in inner.model_fields:
                    below.extend(_models(inner.model_fields[part].annotation))
                elif part.isdigit():
                    below.append(inner)
        nodes = below
    return {name for node in nodes for inner in _models(node) for name in inner.model_fields}


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Give the models named in an annotation, unions and lists opened."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]
