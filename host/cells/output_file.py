"""Files that verbs on cells write: never over another one unless that is asked for."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from twinbar.hw.errors import ConfigError


@contextlib.contextmanager
def writing(path: Path, *, overwrite: bool) -> Iterator[None]:
    """Stand around the writing of a file.

    Parameters
    ----------
    path : Path
    overwrite : bool
        An existing file may be replaced.

    Raises
    ------
    ConfigError
        If the file exists, or cannot be written.
    """
    if path.exists() and not overwrite:
        raise ConfigError(f"{path} exists already; choose another name, or overwrite=True")
    try:
        yield
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from None
