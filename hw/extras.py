"""Packages that only some features need: an extra of the installation brings them."""

import importlib.util

from twinbar.hw.errors import ToolMissingError


def need(package: str, extra: str, what: str) -> None:
    """See, before work begins, that a package is installed.

    Parameters
    ----------
    package : str
        As it is imported.
    extra : str
        Of Twinbar, which brings it.
    what : str
        What needs it: the beginning of the sentence.

    Raises
    ------
    ToolMissingError
        If it is not installed; the text has the command that installs it.
    """
    if importlib.util.find_spec(package) is None:
        raise ToolMissingError(
            f"{what} needs the package {package}, which is not installed; run: python -m pip install 'twinbar[{extra}]'"
        )
