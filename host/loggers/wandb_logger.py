"""A run's figures for Weights & Biases."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from twinbar.host.experiment.callbacks import Run
from twinbar.host.loggers.scalars import scalars
from twinbar.hw.errors import ToolMissingError


class WandbLogger:
    """Log the figures of steps and epochs, and the configuration, to a run of W&B; a resumed run goes on in that one.

    Parameters
    ----------
    **choices
        What ``wandb.init`` takes: ``project``, ``name``, ``mode`` and so on.

    Raises
    ------
    ToolMissingError
        If ``wandb`` is not installed.
    """

    state_key = "wandb"

    def __init__(self, **choices: Any) -> None:
        if find_spec("wandb") is None:
            raise ToolMissingError("wandb is not installed; install it with: pip install wandb")
        self._choices = choices
        self._id: str | None = None
        self._run: Any = None

    def on_start(self, run: Run) -> None:
        """Begin a run of W&B.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        """
        self._open(run)

    def on_resume(self, run: Run) -> None:
        """Go on in the run of W&B that the checkpoint names.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        """
        self._open(run)

    def on_step(self, run: Run, row: dict[str, Any]) -> None:
        """Log the figures of a step.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        row : dict
            Figures of the step: a line of steps.jsonl.
        """
        self._run.log({**scalars(row, "step/"), "trainer/step": run.step})

    def on_epoch(self, run: Run, entry: dict[str, Any]) -> None:
        """Log the figures of an epoch.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        entry : dict
            Figures of the epoch: its entry in report.json.
        """
        self._run.log({**scalars(entry, "epoch/"), "trainer/step": run.step})

    def on_end(self, run: Run, report: dict[str, Any]) -> None:
        """End the run of W&B, with the totals as its summary.

        Parameters
        ----------
        run : Run
            What a callback may look at (`twinbar.host.experiment.callbacks.Run`).
        report : dict
            The content of report.json.
        """
        self._run.summary.update(scalars(report["totals"], "totals/"))
        self._run.finish()

    def state_dict(self) -> dict[str, Any]:
        """Return the id of the run of W&B."""
        return {"id": self._id or ""}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the id; what is already open stays so.

        Parameters
        ----------
        state : mapping
            What `state_dict` returned.
        """
        self._id = str(state["id"]) or None

    def _open(self, run: Run) -> None:
        import wandb

        self._run = wandb.init(
            **{"config": run.config.to_json(), "id": self._id, "resume": "allow" if self._id else None, **self._choices}
        )
        self._id = self._run.id
        # A resumed run repeats the steps since its checkpoint: the axis is its own, and not the order of the calls.
        self._run.define_metric("*", step_metric="trainer/step")
