"""Keys of a configuration that belong together."""

import types
from collections.abc import Mapping
from typing import Any, ClassVar, Self, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, create_model, model_validator

from twinbar.emulator.sections.config_errors import explain
from twinbar.hw.errors import ConfigError
from twinbar.hw.toml_table import TomlTable


def _takes_none(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


def none_for_word(table: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with None in place of the word ``none``, for the keys of a table that take None.

    Numbers and arrays of NumPy, which programs give, become those of Python.
    """
    fields = table.model_fields
    given = {key: plain_value(value) for key, value in values.items()}
    return {
        key: None
        if isinstance(value, str) and value == "none" and key in fields and _takes_none(fields[key].annotation)
        else value
        for key, value in given.items()
    }


def plain_value(value: Any) -> Any:
    """Return a number of NumPy as one of Python, an array as a list, and everything else as it is."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


class Section(TomlTable):
    """Keys that belong together. TOML has no null, so that the word ``none`` stands for it.

    Raises
    ------
    ConfigError
        If a section that has a `section_name` is made with a value that cannot be used; the sentence names the key.
        Within a whole configuration, that one says it.
    """

    # Strict, or else "8", 8.0 and true would all be accepted as 8 or 1 levels.
    model_config = ConfigDict(strict=True, allow_inf_nan=False)
    section_name: ClassVar[str] = ""
    """Name of the section in the configuration."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            if not self.section_name:
                raise
            whole = create_model("Configuration", **{self.section_name: (type(self), ...)})  # type: ignore[call-overload]
            raise ConfigError(explain(error, whole, self.section_name)) from None

    # Pydantic calls a model's own `__init__` for nested sections too, unless it is marked like this; their errors are
    # those of the configuration that holds them.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def with_defaults(self, defaults: Mapping[str, Any]) -> Self:
        """Return this section with other values for keys that were not given; they count as not given still."""
        changes = {
            key: value
            for key, value in defaults.items()
            if key not in self.model_fields_set and getattr(self, key) != value
        }
        if not changes:
            return self
        changed = self.model_copy(update=changes)
        changed.model_fields_set.difference_update(changes)
        return changed

    @model_validator(mode="before")
    @classmethod
    def _read_none(cls, values: Any) -> Any:
        return none_for_word(cls, values) if isinstance(values, Mapping) else values
