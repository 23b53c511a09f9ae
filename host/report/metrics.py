"""``metrics.csv``: the epochs of a report as a flat table, units in the names of the columns."""

import csv
import io
from pathlib import Path
from typing import Any, Final

from twinbar.host.report.files import write_text

_INPUTS: Final = ("energy_parts_j",)
"""What other figures are made from, and no column of its own."""
_NESTED: Final = {
    "pulses": "pulses_{}",
    "cycles": "{}_cycles",
    "seconds": "{}_latency_s",
    "energy_j": "{}_energy_j",
    "energy_breakdown_j": "component_{}_energy_j",
    "energy_uncertainty_j": "energy_bound_{}_j",
    "phase_cycles": "phase_{}_cycles",
    "actions": "actions_{}",
    "efficiency": "mac_{}",
}
"""How the keys of a nested object become columns."""
_RENAMED: Final = {"host_seconds": "host_time_s"}


def flatten_epoch(epoch: dict[str, Any]) -> dict[str, Any]:
    """Flatten one entry of ``epochs``: one column per number, in the order of the report."""
    row: dict[str, Any] = {}
    for key, value in epoch.items():
        if key in _INPUTS:
            continue
        if isinstance(value, dict):
            pattern = _NESTED.get(key, key + "_{}")
            row.update({pattern.format(inner): number for inner, number in _leaves(value).items()})
        elif isinstance(value, list | tuple):
            row.update({f"{_RENAMED.get(key, key)}_{index}": item for index, item in enumerate(value)})
        else:
            row[_RENAMED.get(key, key)] = value
    return row


def _leaves(nested: dict[str, Any]) -> dict[str, Any]:
    """Join the keys of an object that holds objects or intervals [low, high]."""
    found: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            found.update({f"{key}_{inner}": number for inner, number in _leaves(value).items()})
        elif isinstance(value, list | tuple) and len(value) == 2:
            found.update({f"{key}_low": value[0], f"{key}_high": value[1]})
        else:
            found[key] = value
    return found


def metrics_csv(report: dict[str, Any]) -> str:
    """Return the text of ``metrics.csv``: a header, then one line per epoch; figures an epoch lacks are left empty."""
    rows = [flatten_epoch(epoch) for epoch in report["epochs"]]
    columns = list(dict.fromkeys(["epoch", *(name for row in rows for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_metrics(report: dict[str, Any], path: Path) -> None:
    """Write ``metrics.csv``.

    Parameters
    ----------
    report : dict
        The content of ``report.json``.
    path : Path
        The file; an older one is replaced in one step.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    write_text(path, metrics_csv(report))
