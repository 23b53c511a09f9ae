"""``twinbar compare``: several update policies, or write algorithms, on the same task, side by side."""

from typing import Any, cast

from rich.console import Console

from twinbar.host.cli.execution import execute
from twinbar.host.cli.options import RunRequest, experiment_command
from twinbar.host.experiment.config import CompareConfig
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.run_folder import RunFolder


@experiment_command(CompareConfig)
def compare(request: RunRequest) -> None:
    """Train with several update policies on the same task and show what each saves against closed-loop.

    With --writes, train with one policy and several write algorithms, and name the best at pulses, energy and time.

    The folder holds a run folder for each policy; --resume continues with what is not finished.
    """
    execute(request, "compare", _compare, _print)


def _compare(folder: RunFolder, progress: Progress) -> dict[str, Any]:
    from twinbar.host.experiment.policy_comparison import compare as compare_policies
    from twinbar.host.experiment.write_comparison import compare_writes

    config = cast(CompareConfig, folder.config)
    if config.writes:
        return compare_writes(config, folder, progress)
    comparison: dict[str, Any] = compare_policies(config, config.policies, folder, progress)
    return comparison


def _print(comparison: dict[str, Any], console: Console) -> None:
    from twinbar.host.report.summary import print_comparison

    print_comparison(comparison, console)
