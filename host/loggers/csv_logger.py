"""The epochs of a run as a table in a file of your choice."""

import csv
import io
from pathlib import Path
from typing import Any

from twinbar.host.experiment.callbacks import Run
from twinbar.host.loggers.scalars import scalars
from twinbar.host.report.files import check_writable, write_text


class CsvLogger:
    """Write a row for each epoch, with all of its figures; the run folder's ``metrics.csv`` is there anyway.

    The table is written as a whole after each epoch, so that a resumed run repeats no row.

    Parameters
    ----------
    path : str or Path
        The file; it is replaced.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        check_writable(self._path)

    def on_epoch(self, run: Run, entry: dict[str, Any]) -> None:
        """Write the epochs up to this one.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        entry : dict
            Figures of the epoch: its entry in report.json.
        """
        # An epoch joins the run's list after its hooks.
        epochs = [*(epoch for epoch in run.epochs if epoch["epoch"] != entry["epoch"]), entry]
        rows = [scalars(epoch) for epoch in epochs]
        names = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self._path, text.getvalue())
