"""Writing the files of a report: complete or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from twinbar.hw.errors import ConfigError


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one step; its folder is made where it is missing.

    Raises
    ------
    ConfigError
        If the file cannot be written; an older file is then as it was.
    """
    with _beside(path) as temporary:
        temporary.write_bytes(content)
        temporary.replace(path)


def write_text(path: Path, content: str) -> None:
    """Replace a text file (UTF-8) in one step; errors as in `write_bytes`."""
    write_bytes(path, content.encode("utf-8"))


def check_writable(path: Path) -> None:
    """See whether a file can be written, before what is to be in it is computed; its folder is made.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    if path.is_dir():
        raise ConfigError(f"{path} cannot be written: it is a folder; name a file")
    with _beside(path) as temporary:
        temporary.touch()
        temporary.unlink()


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Make the folder of a file, and name a temporary file in it, which is gone if it cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise ConfigError(f"{path} cannot be written: {error.strerror}; give a folder that can") from None
