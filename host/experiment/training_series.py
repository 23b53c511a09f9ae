"""Several trainings in one folder, asked for from Python: taken up where they were interrupted, and shown on a page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.python_arguments import continued_with, folder_of, progress_if, taken_up
from twinbar.host.experiment.run_folder import RunFolder, default_run_folder
from twinbar.host.report.page import build_report

_Config = TypeVar("_Config", bound=ExperimentConfig)


def train_series(
    config: _Config,
    out: str | Path | None,
    progress: bool,
    work: Callable[[_Config, RunFolder, Progress], dict[str, Any]],
) -> dict[str, Any]:
    """Do work in its folder, and build the page of what came of it.

    Parameters
    ----------
    config : ExperimentConfig
        Of the kind that the folder holds.
    out : str or Path, optional
        The folder; by default one under ``runs/``.
    progress : bool
        Whether progress is shown.
    work : callable
        Takes the configuration, the folder and what shows progress; gives the result.

    Raises
    ------
    ConfigError, TwinbarError, KeyboardInterrupt
        As of ``work``; an interruption says how to continue.
    """
    path = folder_of(out, "out") if out is not None else default_run_folder(config)
    shown = progress_if(progress)
    with taken_up(path, type(config), config) as folder:
        try:
            with continued_with(f"out={str(path)!r}"):
                result = work(config, folder, shown)
        finally:
            shown.close()
        build_report(path)
    return result
