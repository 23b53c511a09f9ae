"""Files that are complete or not there, whatever moment the process or the machine stops at."""

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old content or the new one, even after a power failure.

    The new content is on the disk under another name before that name replaces the old file.

    Raises
    ------
    OSError
        If it cannot be written; an older file is then as it was.
    """
    temporary = temporary_path(path)
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def temporary_path(path: Path) -> Path:
    """Return the name under which `replace_file` writes."""
    return path.with_name(f".{path.name}.tmp")


def is_temporary(path: Path) -> bool:
    """Whether a file is one that `replace_file` left unfinished."""
    return path.name.startswith(".") and path.suffix == ".tmp"


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk, on systems whose folders can be opened (POSIX)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
