"""Shows the course of a training run: the callback behind bars and lines of progress."""

from typing import Any

from twinbar.host.experiment.callbacks import Run
from twinbar.host.experiment.progress_display import Figure, Progress


class ShownProgress:
    """Tell a `Progress` what a run does.

    Parameters
    ----------
    progress : Progress
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_start(self, run: Run) -> None:
        """Begin the first programming."""
        self._progress.start(1, "programming and calibration", unit="pass")

    def on_initialized(self, run: Run, figures: dict[str, Any]) -> None:
        """End it."""
        self._progress.advance(1)

    def on_epoch_begin(self, run: Run, number: int) -> None:
        """Begin an epoch, or what is left of it."""
        self._progress.start(
            run.images, f"epoch {number}/{run.config.training.epochs_trained}", unit="images", done=run.images_done
        )

    def on_step(self, run: Run, row: dict[str, Any]) -> None:
        """Count the images of a step."""
        shown: dict[str, Figure] = {"loss": row["loss"]}
        if "cell_writes" in row:
            shown["writes"] = row["cell_writes"]
        self._progress.advance(run.step_images, **shown)

    def on_evaluation(self, run: Run, number: int) -> None:
        """Begin an evaluation."""
        self._progress.start(1, f"evaluation {number}/{run.config.training.epochs_trained}", unit="pass")

    def on_epoch(self, run: Run, entry: dict[str, Any]) -> None:
        """Show the figures of merit."""
        figure = "accuracy" if "test_accuracy" in entry else "metric"
        shown: dict[str, Figure] = {f"test_{figure}": entry[f"test_{figure}"]}
        if run.network is not None:
            shown[f"twin_{figure}"] = entry[f"twin_test_{figure}"]
        self._progress.advance(1, **shown)
