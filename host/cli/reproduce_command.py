"""``twinbar reproduce``: the paper's claims beside what is measured."""

from typing import Any, cast

from rich.console import Console

from twinbar.host.cli.execution import execute
from twinbar.host.cli.options import RunRequest, experiment_command
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.reproduction_config import ReproductionConfig
from twinbar.host.experiment.run_folder import RunFolder


@experiment_command(ReproductionConfig)
def reproduce(request: RunRequest) -> None:
    """Reproduce Tan et al. (2024): train its networks on MNIST, and compare each claim with measurements.

    Energy and delay are compared with each reading of "basic closed-loop update", writing alone and the whole system,
    over several seeds. The whole takes hours and is made of trainings of an hour at most; --quick takes minutes.

    Ctrl-C stops after a checkpoint, and --resume continues with what is not finished.
    """
    execute(request, "reproduce", _reproduce, _print)


def _reproduce(folder: RunFolder, progress: Progress) -> dict[str, Any]:
    from twinbar.host.experiment.reproduction import reproduce as reproduce_paper

    return reproduce_paper(cast(ReproductionConfig, folder.config), folder, progress)


def _print(result: dict[str, Any], console: Console) -> None:
    from twinbar.host.report.reproduction_tables import print_reproduction

    print_reproduction(result, console)
