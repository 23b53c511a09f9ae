"""A run's figures for TensorBoard."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twinbar.host.experiment.callbacks import Run
from twinbar.host.loggers.scalars import scalars
from twinbar.hw.errors import ToolMissingError


class TensorBoardLogger:
    """Write event files: figures of a step below ``step``, those of an epoch below ``epoch``.

    A resumed run takes back what was written after its checkpoint.

    Parameters
    ----------
    folder : str or Path
        Where ``tensorboard --logdir`` looks.

    Raises
    ------
    ToolMissingError
        If TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        if find_spec("tensorboard") is None:
            raise ToolMissingError('TensorBoard is not installed; install it with: pip install "twinbar[tensorboard]"')
        self._folder = str(folder)
        self._writer: Any = None

    def on_start(self, run: Run) -> None:
        """Begin the file.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        """
        self._open(None)

    def on_resume(self, run: Run) -> None:
        """Begin another file, which replaces what lies beyond the checkpoint.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        """
        self._open(run.step + 1)

    def on_step(self, run: Run, row: dict[str, Any]) -> None:
        """Write the figures of a step.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        row : dict
            Figures of the step: a line of steps.jsonl.
        """
        self._write(scalars(row, "step/"), run.step)

    def on_epoch(self, run: Run, entry: dict[str, Any]) -> None:
        """Write the figures of an epoch.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        entry : dict
            Figures of the epoch: its entry in report.json.
        """
        self._write(scalars(entry, "epoch/"), run.step)

    def on_saved(self, run: Run) -> None:
        """Let the viewer see what there is.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        """
        self._writer.flush()

    def on_end(self, run: Run, report: dict[str, Any]) -> None:
        """Close the file.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        report : dict
            The content of report.json.
        """
        self._writer.close()

    def _open(self, purge_from: int | None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(self._folder, purge_step=purge_from)

    def _write(self, figures: dict[str, float], step: int) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)
