"""Several update policies on the same task: two runs of the same machinery, side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.reductions import reduction_intervals, reductions
from twinbar.host.experiment.run_folder import RunFolder, json_text
from twinbar.host.experiment.task import Task, build_task
from twinbar.host.experiment.train import train

YARDSTICK: Final = "closed-loop"
"""Policy that savings are relative to."""
COMPARE: Final = "compare.json"


def compare(
    config: CompareConfig,
    policies: Sequence[str],
    folder: RunFolder,
    progress: Progress,
    task: Task | None = None,
) -> dict[str, Any]:
    """Train with each policy in a sub-folder of its own; what is finished already is kept.

    Parameters
    ----------
    config : CompareConfig
    policies : sequence of str
    folder : RunFolder
    progress : Progress
    task : Task, optional
        What is learnt, instead of what the configuration names.

    Returns
    -------
    dict
        The content of compare.json.

    Raises
    ------
    ConfigError, TwinbarError, KeyboardInterrupt
        As `twinbar.host.experiment.train.train` does.
    """
    task = build_task(config.for_policy(policies[0])) if task is None else task
    reports = {
        name: train_in(folder, name, config.for_policy(name), f"Policy {name}", progress, task)[0] for name in policies
    }
    comparison = {
        "schema": 1,
        "policies": reports,
        "reduction_vs_closed_loop": reductions(reports, YARDSTICK),
        "reduction_vs_closed_loop_analog": reductions(reports, f"{YARDSTICK}-analog"),
        "reduction_uncertainty_vs_closed_loop": reduction_intervals(reports, YARDSTICK),
        "reduction_uncertainty_vs_closed_loop_analog": reduction_intervals(reports, f"{YARDSTICK}-analog"),
        "warnings": warnings_of(reports),
    }
    folder.write(COMPARE, json_text(comparison).encode())
    return comparison


def train_in(
    folder: RunFolder, name: str, run: ExperimentConfig, heading: str, progress: Progress, task: Task
) -> tuple[dict[str, Any], Path]:
    """Train in a sub-folder of a comparison, or take up what is there; gives the report, and the sub-folder's path."""
    progress.message(heading)
    with folder.child(name, run) as sub_folder:
        return train(run, sub_folder, progress, resume=sub_folder.resumed, task=task), sub_folder.path


def warnings_of(reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the warnings of the trainings of a comparison, each with the name of its training."""
    return [f"{name}: {sentence}" for name, report in reports.items() for sentence in report["warnings"]]
