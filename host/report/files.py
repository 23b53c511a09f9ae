"""Writing the files of a report: complete or not at all."""

import contextlib
import os
from pathlib import Path

from twinbar.hw.errors import ConfigError


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one step; its folder is made where it is missing.

    Raises
    ------
    ConfigError
        If the file cannot be written; an older file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise ConfigError(f"{path} cannot be written: {error.strerror}; give a folder that can") from None


def write_text(path: Path, content: str) -> None:
    """Replace a text file (UTF-8) in one step; errors as in `write_bytes`."""
    write_bytes(path, content.encode("utf-8"))
