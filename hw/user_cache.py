"""Folders in the user's cache, for what is compiled once and kept between processes."""

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

import platformdirs


def user_cache() -> Path:
    """Return the folder of Twinbar in the user's cache; it need not exist."""
    return Path(platformdirs.user_cache_dir("twinbar"))


def writable_folder(folder: Path, what: str) -> Path:
    """Make a folder of the cache; where that is impossible, warn, and make a temporary one for this process.

    Parameters
    ----------
    folder : Path
    what : str
        What would be kept there, in the plural: the beginning of the warning.

    Returns
    -------
    Path
        The folder, or the temporary one.
    """
    try:
        if not folder.is_absolute():  # without a home, "~" would be the name of a folder
            raise FileNotFoundError(0, "there is no home folder")
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        print(
            f"warning: {what} cannot be kept in {folder} ({error.strerror}) and are compiled in every run; "
            "set XDG_CACHE_HOME to a folder that can be written",
            file=sys.stderr,
        )
        # A folder of a known name that everybody can write could hold somebody else's code.
        folder = Path(tempfile.mkdtemp(prefix="twinbar-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
