"""What ``train`` and ``compare`` do around their work: the folder, progress, Ctrl-C, the result."""

from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console

from twinbar.host.cli.failures import INTERRUPTED
from twinbar.host.cli.options import RunRequest
from twinbar.host.experiment.progress_display import Progress, terminal_progress
from twinbar.host.experiment.run_folder import RunFolder, json_text


def execute(
    request: RunRequest,
    command: str,
    work: Callable[[RunFolder, Progress], dict[str, Any]],
    print_result: Callable[[dict[str, Any], Console], None],
) -> None:
    """Do what was asked, in its folder, and show the result.

    Parameters
    ----------
    request : RunRequest
    command : str
        Name of the command, for the sentence after Ctrl-C.
    work : callable
        Gives the result as ``report.json`` or ``compare.json`` hold it. A KeyboardInterrupt says that it stopped early
        and that its checkpoint is complete.
    print_result : callable
        Prints the result on a terminal.
    """
    if request.print_config:
        typer.echo(request.config().to_toml(), nl=False)
        return
    folder = request.open_folder()
    try:
        with folder:
            progress = terminal_progress()
            try:
                result = work(folder, progress)
            finally:
                progress.close()
            _build_page(folder, progress)
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; continue with: twinbar {command} --resume {folder.path}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if request.as_json:
        typer.echo(json_text(result), nl=False)
    else:
        print_result(result, Console())
        typer.echo(f"Results: {folder.path}")


def _build_page(folder: RunFolder, progress: Progress) -> None:
    # Matplotlib takes a second to import; training should not wait for it.
    from twinbar.host.report.page import build_report

    progress.message("Drawing the plots")
    build_report(folder.path)
