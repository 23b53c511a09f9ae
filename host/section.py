"""Keys of a configuration that belong together."""

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator


def _takes_none(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


class Section(BaseModel):
    """Keys that belong together. TOML has no null, so that the word ``none`` stands for it."""

    # Strict, or else "8", 8.0 and true would all be accepted as 8 or 1 levels.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _read_none(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {
            key: None
            if value == "none" and key in cls.model_fields and _takes_none(cls.model_fields[key].annotation)
            else value
            for key, value in values.items()
        }
