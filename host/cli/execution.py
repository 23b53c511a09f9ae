"""What ``train`` and ``compare`` do around their work: the folder, progress, Ctrl-C and SIGTERM, the result."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console

from twinbar.host.cli.failures import INTERRUPTED, say
from twinbar.host.cli.options import RunRequest
from twinbar.host.cli.standard_output import OutputError
from twinbar.host.experiment.progress_display import Progress, terminal_progress
from twinbar.host.experiment.run_folder import RunFolder, json_text


def execute(
    request: RunRequest,
    command: str,
    work: Callable[[RunFolder, Progress], dict[str, Any]],
    print_result: Callable[[dict[str, Any], Console], None],
    failure_of: Callable[[dict[str, Any]], str | None] = lambda result: None,
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
    failure_of : callable
        Says in a sentence what of the result is missing because it failed; the exit status is then 1.
    """
    if request.print_config:
        typer.echo(request.config().to_toml(), nl=False)
        return
    with _sigterm_as_ctrl_c():
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
    try:
        if request.as_json:
            typer.echo(json_text(result), nl=False)
        else:
            print_result(result, Console())
            typer.echo(f"Results: {folder.path}")
    except OutputError as error:
        raise OutputError(f"{error}; the results are in {folder.path}") from error
    failure = failure_of(result)
    if failure is not None:
        say("Error", failure)
        raise typer.Exit(1)


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Stop at SIGTERM, which batch systems send before they kill, as at Ctrl-C: also while nothing is trained yet."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _build_page(folder: RunFolder, progress: Progress) -> None:
    # Matplotlib takes a second to import; training should not wait for it.
    from twinbar.host.report.page import build_report

    progress.message("Drawing the plots")
    build_report(folder.path)
