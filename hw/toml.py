"""TOML files that users write."""

import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from twinbar.hw.errors import ConfigError


def read(file: Path | Traversable, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Parameters
    ----------
    file : path
    what : str
        How a sentence calls it.

    Raises
    ------
    ConfigError
        If it cannot be read, or is not TOML.
    """
    try:
        return parse(file.read_text(encoding="utf-8-sig"), what)
    except OSError as error:
        raise ConfigError(f"{what} cannot be read: {error.strerror or error}") from None
    except ConfigError:
        raise
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{what} is not TOML: line {line} has a character that is not UTF-8; save the file as UTF-8"
        ) from None
    except ValueError as error:  # a zero byte in the name
        raise ConfigError(f"{what} is not TOML: {error}") from None


def parse(text: str, what: str) -> dict[str, Any]:
    """Read the text of a TOML file; parameters and errors as in `read`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{what} is not TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{what} is nested too deeply; a configuration has sections and their keys") from None
