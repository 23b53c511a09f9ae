"""``twinbar train``: in-situ training of one network with one update policy."""

from typing import Any

from rich.console import Console

from twinbar.host.cli.execution import execute
from twinbar.host.cli.options import RunRequest, experiment_command
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.run_folder import RunFolder


@experiment_command(ExperimentConfig)
def train(request: RunRequest) -> None:
    """Train a network in situ on a crossbar, and account for every pulse, cycle and joule.

    The run folder holds the configuration, the report, plots and a checkpoint; Ctrl-C stops after the checkpoint, and
    --resume continues as if nothing had happened.
    """
    execute(request, "train", _train, _print)


def _train(folder: RunFolder, progress: Progress) -> dict[str, Any]:
    # PyTorch and Numba take seconds to import; help texts and refused configurations should not wait for them.
    from twinbar.host.experiment.train import train as train_experiment

    report: dict[str, Any] = train_experiment(folder.config, folder, progress, resume=folder.resumed)
    return report


def _print(report: dict[str, Any], console: Console) -> None:
    from twinbar.host.report.summary import print_summary

    print_summary(report, console)
