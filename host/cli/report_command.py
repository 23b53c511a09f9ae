"""``twinbar report``: the plots and the HTML page of a folder, again."""

from pathlib import Path
from typing import Annotated

import typer

from twinbar.host.cli import failures
from twinbar.hw.errors import ConfigError


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A folder that `twinbar train`, `compare`, `sweep` or `reproduce` wrote."),
    ],
    formats: Annotated[
        str,
        typer.Option(
            metavar="FORMAT,...",
            help="Also draw the plots as png or pdf, or for print in a width such as 89mm (a column) or 183mm.",
            show_default=False,
        ),
    ] = "",
    plots: Annotated[
        str,
        typer.Option(
            metavar="NAME,...", help="Also draw these plots, each as package.module:NAME.", show_default=False
        ),
    ] = "",
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser when it is built.")] = False,
) -> None:
    """Build the plots and the HTML page of a run folder or of a comparison, from the data in it.

    The data are read and checked first; a folder with damaged data stays as it is.
    """
    # Matplotlib takes a second to import; the other commands should not wait for it.
    from twinbar.host.report.page import build_report
    from twinbar.host.report.page_parts import EXTRA_FORMATS
    from twinbar.host.report.print_width import NARROWEST_MM, WIDEST_MM, print_width_mm

    wanted = [name.strip().lower() for name in formats.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in EXTRA_FORMATS and print_width_mm(name) is None]
    if unknown:
        raise ConfigError(
            f"--formats names {unknown[0]}; plots are drawn as SVG, and on request as png or pdf, or in a width from "
            f"{NARROWEST_MM}mm to {WIDEST_MM}mm"
        )
    further = [name.strip() for name in plots.split(",") if name.strip()]
    page = build_report(
        folder, lambda done: typer.echo(f"Built {done}"), formats=wanted, further=further, problem=failures.warn
    )
    if show:
        typer.launch(str(page.resolve()))
