"""Functions and objects of a user, called by a run: what they raise becomes one sentence that names them."""

from collections.abc import Iterator
from contextlib import contextmanager

from twinbar.hw.errors import ConfigError, TwinbarError


@contextmanager
def users_code(what: str) -> Iterator[None]:
    """Turn whatever is raised meanwhile into one sentence; the exception itself is its cause.

    Parameters
    ----------
    what : str
        What failed, such as "the loss cannot be computed".

    Raises
    ------
    ConfigError
        "WHAT (TypeError: why)".
    """
    try:
        yield
    except (TwinbarError, MemoryError):
        raise
    except Exception as error:
        lines = str(error).strip().splitlines()
        if isinstance(error, RuntimeError) and lines and "allocate memory" in lines[0].lower():
            raise
        reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        raise ConfigError(f"{what} ({reason})") from error
