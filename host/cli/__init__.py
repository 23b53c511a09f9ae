"""The command ``twinbar``."""

import gc
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from twinbar.host.cli import failures
from twinbar.host.cli.command_table import CommandTable
from twinbar.host.cli.printable import make_printable
from twinbar.host.cli.standard_output import name_output_failures

BAD_USAGE: Final = 2

# The imports make a million objects that live as long as the process. At Python's own threshold, 700, looking through
# them again and again takes a seventh of the time of a short training.
_GC_THRESHOLD: Final = 100_000

app = typer.Typer(
    cls=CommandTable,
    help="Train quantized neural networks in situ on memristor crossbars, and know what every pulse cost.",
    invoke_without_command=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"twinbar {version('twinbar')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", callback=failures.set_debug, help="Show the traceback of an error.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)
        raise typer.Exit(BAD_USAGE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Instead of those of the process.
    """
    gc.set_threshold(_GC_THRESHOLD)
    failures.set_debug(False)
    name_output_failures()
    make_printable()
    # A notebook's kernel names a backend that other environments lack, and Matplotlib then refuses to be imported.
    # Plots have canvases of their own.
    os.environ.pop("MPLBACKEND", None)
    try:
        app(args=None if arguments is None else list(arguments), prog_name="twinbar")
    except Exception as error:
        sys.exit(failures.show(error))
