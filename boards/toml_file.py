"""TOML files that are checked on the way in, with one sentence for what is wrong."""

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from twinbar.hw import toml
from twinbar.hw.errors import ConfigError

_Model = TypeVar("_Model", bound=BaseModel)


def read_toml(model: type[_Model], file: Path | Traversable, what: str) -> _Model:
    """Read a file.

    Parameters
    ----------
    model : type
        What it must hold.
    file : path
    what : str
        How a sentence calls it.

    Raises
    ------
    ConfigError
        If it cannot be read, is not TOML, or does not hold what it must.
    """
    content = toml.read(file, what)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{what}: there is no key {place!r}; docs/boards.md lists them") from None
        text = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{what}: {place}: {text[:1].lower()}{text[1:]}") from None
