"""Writes what a finished run leaves in its folder: the report, the table of its epochs, and the states of its cells."""

from typing import Any

from twinbar.host.experiment.arrays import save_arrays
from twinbar.host.experiment.callbacks import Run
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.report.metrics import write_metrics


class RunReport:
    """Write ``report.json``, ``metrics.csv`` and ``arrays.npz`` at the end (a callback).

    Parameters
    ----------
    folder : RunFolder
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def on_end(self, run: Run, report: dict[str, Any]) -> None:
        """Write the files; the report comes last but for its table, so that a folder with a report is complete."""
        if run.network is not None:
            save_arrays(run.network, self._folder)
        self._folder.write_report(report)
        write_metrics(report, self._folder.path / "metrics.csv")
