"""One place for files that cannot be read, whatever their format is and however they are damaged."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinbar.hw.errors import ConfigError, TwinbarError


def expanded(path: Path | str) -> Path:
    """Return a path with ``~`` at its beginning replaced by the home; as it is where there is none."""
    return Path(os.path.expanduser(path))


def refuse_pipes(folder: Path) -> None:
    """Refuse a folder that holds a pipe, a socket or a device: whoever reads one of these may wait for ever.

    Raises
    ------
    ConfigError
        With the path of the first one.
    """
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(parent, name)
            try:
                mode = path.stat().st_mode
            except OSError:
                continue  # a link that leads nowhere, or a temporary file that is gone; whoever needs it says so
            if not stat.S_ISREG(mode):
                raise ConfigError(f"{path} is not a file but a pipe, a socket or a device; remove it")


@contextmanager
def reading(path: Path | str, what: str, remedy: str) -> Iterator[None]:
    """Turn whatever a parser raises meanwhile into one sentence.

    Damaged files make parsers raise far more than they document (a zip header of petabytes is a MemoryError, brackets
    nested a thousand times are a RecursionError), so that every exception counts.

    Parameters
    ----------
    path : Path or str
    what : str
        What the file must be, such as "a JSON object".
    remedy : str
        What the user can do.

    Raises
    ------
    ConfigError
        "PATH is damaged (why): it must be WHAT; REMEDY".
    """
    try:
        yield
    except TwinbarError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines()
        reason = " ".join(lines[0].split())[:200] if lines else type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
        if isinstance(error, MemoryError | RecursionError | KeyError):
            reason = f"{type(error).__name__}: {reason}"
        raise ConfigError(f"{path} is damaged ({reason}): it must be {what}; {remedy}") from error
