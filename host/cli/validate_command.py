"""``twinbar validate``: published figures beside those of the emulator."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def validate(
    only: Annotated[
        str, typer.Option(metavar="TEXT", help="Only anchors with this in their name or source.", show_default=False)
    ] = "",
    trainings: Annotated[bool, typer.Option(help="Run those for which a network is trained, on MNIST.")] = True,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result as a page in Markdown.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Set published figures beside those of the emulator: noise, relaxation, energy, elimination.

    Each anchor has a source and a tolerance that was fixed before it was run; those that a preset was made from are
    marked, and do not count.
    """
    from twinbar.host.experiment.progress_display import terminal_progress
    from twinbar.host.experiment.run_folder import json_text
    from twinbar.host.report.files import check_writable, write_text
    from twinbar.host.report.validation_tables import print_validation, validation_page
    from twinbar.host.validation.anchor import load_anchors
    from twinbar.host.validation.validation import validate as run_anchors

    if page is not None:
        check_writable(page)
    progress = terminal_progress()
    try:
        result = run_anchors(load_anchors(), progress, only=only, trainings=trainings)
    finally:
        progress.close()
    if as_json:
        typer.echo(json_text(result), nl=False)
    else:
        print_validation(result, Console())
    if page is not None:
        write_text(page, "\n".join(validation_page(result)) + "\n")
