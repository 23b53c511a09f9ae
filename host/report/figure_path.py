"""Where a command may write a figure: checked before the work, not after it."""

from pathlib import Path
from typing import Final

from twinbar.hw.errors import ConfigError

FORMATS: Final = (".png", ".svg", ".pdf")


def check_figure_path(path: Path, *, force: bool) -> None:
    """See whether a figure can be written to a file.

    Parameters
    ----------
    path : Path
        Its suffix says the format.
    force : bool
        An existing file may be overwritten.

    Raises
    ------
    ConfigError
        If the suffix is not a format that can be drawn, or the file exists.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: a plot is a .png, .svg or .pdf file")
    if path.exists() and not force:
        raise ConfigError(f"{path} exists already; give --plot another name, or --force to overwrite it")
