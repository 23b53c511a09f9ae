"""Several write algorithms on the same task: the same training, with cells that are written in another way."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from twinbar.emulator.crossbar.write_algorithms import OWN
from twinbar.host.experiment.arrays import FILE
from twinbar.host.experiment.config import CompareConfig
from twinbar.host.experiment.policy_comparison import COMPARE, train_in, warnings_of
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.reductions import reduction_intervals, reductions
from twinbar.host.experiment.run_folder import RunFolder, json_text
from twinbar.host.experiment.task import Task, build_task

OPTIMA: Final = {
    "fewest_pulses": "pulses",
    "fewest_reads": "reads",
    "least_energy": "energy_j",
    "least_latency": "cycles",
    "closest": "final_error_levels",
}
"""Figures of `write_figures` whose smallest value names an algorithm."""


def compare_writes(
    config: CompareConfig, folder: RunFolder, progress: Progress, task: Task | None = None
) -> dict[str, Any]:
    """Train with each write algorithm in a sub-folder of its own; what is finished already is kept.

    Parameters
    ----------
    config : CompareConfig
    folder : RunFolder
    progress : Progress
    task : Task, optional
        What is learnt, instead of what the configuration names.

    Returns
    -------
    dict
        The content of compare.json. ``policies`` holds the reports by algorithm, ``writes`` the figures of
        `write_figures`, ``best_writes`` the algorithm that is best at each of `OPTIMA`.

    Raises
    ------
    ConfigError, TwinbarError, KeyboardInterrupt
        As `twinbar.host.experiment.train.train` does.
    """
    task = build_task(config.for_write(config.writes[0])) if task is None else task
    reports: dict[str, dict[str, Any]] = {}
    figures: dict[str, dict[str, float | None]] = {}
    for name in config.writes:
        run = config.for_write(name)
        reports[name], path = train_in(folder, name, run, f"Write algorithm {name}", progress, task)
        figures[name] = write_figures(reports[name], path / FILE)
    comparison = {
        "schema": 1,
        "policies": reports,
        "reduction_vs_closed_loop": {},
        "reduction_vs_preset": reductions(reports, OWN),
        "reduction_uncertainty_vs_preset": reduction_intervals(reports, OWN),
        "writes": figures,
        "best_writes": best(figures),
        "warnings": warnings_of(reports),
    }
    folder.write(COMPARE, json_text(comparison).encode())
    return comparison


def write_figures(report: Mapping[str, Any], arrays: Path) -> dict[str, float | None]:
    """Return what the writes of a training took, those of the first programming excepted.

    Parameters
    ----------
    report : mapping
        The content of report.json.
    arrays : Path
        The cells at the end.

    Returns
    -------
    dict of str to float or None
        Per write: ``pulses``, ``reads`` (by conversions or comparisons), ``conversions``, ``comparisons``,
        ``drive_updates``, ``energy_j``, ``cycles`` (of its tile), ``failed`` (share). Of all: ``writes``,
        ``write_latency_s``, ``final_error_levels`` (root mean square of the true distance to the level, in mean level
        spacings), ``max_pulses_per_cell``, ``mean_pulses_per_cell``. None where nothing was written.
    """
    totals = report["totals"]
    writes, actions, phases = totals["cell_writes"], totals["actions"], totals["phase_cycles"]["write"]

    def each(amount: float) -> float | None:
        return amount / writes if writes else None

    working = sum(cycles for phase, cycles in phases.items() if phase not in ("idle", "stall"))
    wear = report.get("wear") or {}
    return {
        "writes": writes,
        "pulses": each(sum(totals["pulses"].values())),
        # Every read ends with a cycle of `decide`, and nothing else of a write does.
        "reads": each(phases["decide"]),
        "conversions": each(totals["verify_reads"]),
        "comparisons": each(actions.get("compare", 0)),
        "drive_updates": each(actions["drive_update"]),
        "energy_j": each(totals["energy_j"]["write"]),
        "cycles": each(working),
        "write_latency_s": totals["seconds"]["write"],
        "failed": each(totals["failed_writes"]),
        "final_error_levels": _final_error(arrays),
        "max_pulses_per_cell": wear.get("max_pulses_per_cell"),
        "mean_pulses_per_cell": wear.get("mean_pulses_per_cell"),
    }


def _final_error(arrays: Path) -> float | None:
    """Return the root mean square of the distance of all cells to their level, in mean level spacings."""
    with np.load(arrays) as saved:
        target, levels = saved["target_level"], saved["levels_s"]
        held = target >= 0
        if not held.any():
            return None
        off = saved["conductance_s"][held] - levels[target[held]]
    return math.sqrt(float(np.mean((off / (np.ptp(levels) / (len(levels) - 1))) ** 2)))


def best(figures: Mapping[str, Mapping[str, float | None]]) -> dict[str, str]:
    """Return the algorithm that is best at each of `OPTIMA`."""
    found = {}
    for optimum, figure in OPTIMA.items():
        known = {name: value for name, values in figures.items() if (value := values[figure]) is not None}
        if known:
            found[optimum] = min(known, key=lambda name: known[name])
    return found
