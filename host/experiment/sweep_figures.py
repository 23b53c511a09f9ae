"""The figures by which the runs of a sweep are judged, and which of its settings are the best at them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from twinbar.host.experiment.mean_interval import STUDENT, mean_interval
from twinbar.hw.errors import ConfigError

MOST_SEEDS: Final = len(STUDENT) + 1


class SweepFigure(NamedTuple):
    """A figure of a run.

    Parameters
    ----------
    label : str
        Its name in tables and plots.
    unit : str
        "%" of a fraction, "J", "s", or nothing.
    more_is_better : bool
    read : callable
        Gives it from the content of ``report.json``; None where the run has none.
    """

    label: str
    unit: str
    more_is_better: bool
    read: Callable[[Mapping[str, Any]], float | None]


def _of_last_epoch(key: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda report: report["epochs"][-1].get(key) if report["epochs"] else None


def _of_totals(*keys: str) -> Callable[[Mapping[str, Any]], float | None]:
    def read(report: Mapping[str, Any]) -> float | None:
        value: Any = report["totals"]
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return None if value is None else float(value)

    return read


def _pulses(report: Mapping[str, Any]) -> float | None:
    pulses = report["totals"].get("pulses")
    return None if pulses is None else float(sum(pulses.values()))


def _wear(report: Mapping[str, Any]) -> float | None:
    wear = report.get("wear")
    return None if not wear else float(wear["max_pulses_per_cell"])


FIGURES: Final[Mapping[str, SweepFigure]] = {
    "test_accuracy": SweepFigure("Test accuracy", "%", True, _of_last_epoch("test_accuracy")),
    "validation_accuracy": SweepFigure("Validation accuracy", "%", True, _of_last_epoch("validation_accuracy")),
    "twin_test_accuracy": SweepFigure("Accuracy of the twin", "%", True, _of_last_epoch("twin_test_accuracy")),
    "test_metric": SweepFigure("Test figure", "", False, _of_last_epoch("test_metric")),
    "train_loss": SweepFigure("Training loss", "", False, _of_last_epoch("train_loss")),
    "updates_per_weight": SweepFigure("Updates per weight", "", False, _of_totals("updates_per_weight")),
    "cell_writes": SweepFigure("Cell writes", "", False, _of_totals("cell_writes")),
    "pulses": SweepFigure("Pulses", "", False, _pulses),
    "verify_reads": SweepFigure("Verify reads", "", False, _of_totals("verify_reads")),
    "write_energy_j": SweepFigure("Write energy", "J", False, _of_totals("energy_j", "write")),
    "total_energy_j": SweepFigure("Whole-system energy", "J", False, _of_totals("energy_j", "total")),
    "total_with_host_energy_j": SweepFigure(
        "Energy with the twin", "J", False, _of_totals("energy_j", "total_with_host")
    ),
    "write_seconds": SweepFigure("Write latency", "s", False, _of_totals("seconds", "write")),
    "total_seconds": SweepFigure("Whole-system latency", "s", False, _of_totals("seconds", "total")),
    "worst_cell_pulses": SweepFigure("Wear, worst cell", "", False, _wear),
}
"""Figures by name, in the order of tables; costs are those of the whole run without the first programming."""

ACCURACIES: Final = ("test_accuracy", "test_metric")
"""What is learnt: the first of these that the runs have is set against each cost."""
COSTS: Final = (
    "updates_per_weight",
    "pulses",
    "write_energy_j",
    "total_energy_j",
    "total_seconds",
    "worst_cell_pulses",
)
"""Costs that accuracy is plotted against."""


def figures_of(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures that a run has, by name; what is no finite number, as a metric may be, it has not."""
    values = {name: figure.read(report) for name, figure in FIGURES.items()}
    return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}


def points_of(runs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the settings that were tried, each with the figures over its seeds.

    Parameters
    ----------
    runs : iterable of dict
        ``settings``, and ``figures`` where the run is finished.

    Returns
    -------
    list of dict
        ``settings``; ``figures``, a `mean_interval` by name; ``runs``, the names of the finished runs.
    """
    grouped: dict[str, dict[str, Any]] = {}
    for run in runs:
        entry = grouped.setdefault(repr(run["settings"]), {"settings": run["settings"], "found": [], "runs": []})
        if run["figures"]:
            entry["found"].append(run["figures"])
            entry["runs"].append(run["run"])
    return [
        {
            "settings": entry["settings"],
            "figures": {
                name: mean_interval([figures[name] for figures in entry["found"]])
                for name in FIGURES
                if entry["found"] and all(name in figures for figures in entry["found"])
            },
            "runs": entry["runs"],
        }
        for entry in grouped.values()
    ]


def pareto_front(points: Sequence[tuple[float, ...]], better_when_more: Sequence[bool]) -> list[int]:
    """Return which points no other point beats: none is as good at everything and better at something.

    Parameters
    ----------
    points : sequence of tuple of float
        Their figures.
    better_when_more : sequence of bool
        For each figure.

    Returns
    -------
    list of int
        Positions, ascending. Of equal points all are in it.
    """
    turned = [
        tuple(value if more else -value for value, more in zip(point, better_when_more, strict=True))
        for point in points
    ]

    def beaten(point: tuple[float, ...]) -> bool:
        return any(other != point and all(a >= b for a, b in zip(other, point, strict=True)) for other in turned)

    return [number for number, point in enumerate(turned) if not beaten(point)]


def check_goals(goals: Sequence[str]) -> None:
    """Refuse goals of a search that are no figures.

    Raises
    ------
    ConfigError
    """
    for name in goals:
        if name not in FIGURES:
            raise ConfigError(f"goals holds {name!r}; each item must be one of {', '.join(FIGURES)}")
    if not goals or len(set(goals)) < len(goals):
        raise ConfigError(f"goals is {', '.join(goals) or 'empty'}; name one or more figures, each of them once")
