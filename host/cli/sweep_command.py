"""``twinbar sweep``: many trainings with other settings, in several processes or on a cluster."""

from typing import Any, cast

from rich.console import Console

from twinbar.host.cli.execution import execute
from twinbar.host.cli.options import RunRequest, experiment_command
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.sweep_config import SweepConfig
from twinbar.host.experiment.sweep_fork_server import start_fork_server


@experiment_command(SweepConfig)
def sweep(request: RunRequest) -> None:
    """Train with every combination of the settings that --vary lists, over several seeds, or search for the best ones.

    Worker processes train the runs, one per core, or the workers of a Dask scheduler (--scheduler). The folder gets a
    page with plots, tables as CSV, Markdown and LaTeX, and a run folder for each run.

    Ctrl-C stops after a checkpoint, and --resume continues with the runs that are not finished. If a run fails, the
    others are trained, and the exit status is 1.
    """
    execute(request, "sweep", _sweep, _print, _failure_of)


def _sweep(folder: RunFolder, progress: Progress) -> dict[str, Any]:
    config = cast(SweepConfig, folder.config)
    if config.scheduler is None:
        start_fork_server()
    from twinbar.host.experiment.sweep import run_sweep  # meanwhile

    return run_sweep(config, folder, progress)


def _print(result: dict[str, Any], console: Console) -> None:
    from twinbar.host.report.sweep_tables import print_sweep

    print_sweep(result, console)


def _failure_of(result: dict[str, Any]) -> str | None:
    failed = [run for run in result["runs"] if run["failed"]]
    if not failed:
        return None
    return (
        f"{len(failed):,} of {len(result['runs']):,} runs failed; --resume trains them again. The first, "
        f"{failed[0]['run']}, says: {failed[0]['failed']}"
    )
