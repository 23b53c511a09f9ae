"""``twinbar report``: the plots and the HTML page of a folder, again."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that `twinbar train` or `twinbar compare` wrote.")
    ],
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser when it is built.")] = False,
) -> None:
    """Build the plots and the HTML page of a run folder or of a comparison, from the data in it.

    The data are read and checked first; a folder with damaged data stays as it is.
    """
    # Matplotlib takes a second to import; the other commands should not wait for it.
    from twinbar.host.report.page import build_report

    page = build_report(folder, progress=lambda done: typer.echo(f"Built {done}"))
    if show:
        typer.launch(str(page.resolve()))
