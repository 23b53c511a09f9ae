"""What a training run leaves in its folder while it goes on: the rows of its steps, and checkpoints."""

import time
from typing import Any, Final

from twinbar.host.experiment.callbacks import Run
from twinbar.host.experiment.interruption import Interruption
from twinbar.host.experiment.run_folder import RunFolder

CHECKPOINT_SECONDS: Final = 60.0
"""Host time from one checkpoint to the next within an epoch; every epoch ends with one as well."""
STEPS: Final = "steps.csv"


class StepRows:
    """Append a row to ``steps.csv`` after every optimizer step.

    Parameters
    ----------
    folder : RunFolder
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def on_initialized(self, run: Run, figures: dict[str, Any]) -> None:
        """Make the file, so that the first checkpoint vouches for it."""
        self._folder.table(STEPS)

    def on_step(self, run: Run, row: dict[str, Any]) -> None:
        """Append the row."""
        self._folder.table(STEPS).append(row)


class Checkpoints:
    """Save the run when it has programmed its cells, after every epoch, and every minute; stop it where asked.

    Parameters
    ----------
    folder : RunFolder
    interruption : Interruption

    Raises
    ------
    KeyboardInterrupt
        From a hook, if an interruption was requested; the checkpoint is complete then.
    """

    def __init__(self, folder: RunFolder, interruption: Interruption) -> None:
        self._folder = folder
        self._interruption = interruption
        self._saved = time.perf_counter()

    def on_initialized(self, run: Run, figures: dict[str, Any]) -> None:
        """Save what was programmed."""
        self.save(run)

    def on_step(self, run: Run, row: dict[str, Any]) -> None:
        """Save if a minute has passed, or an interruption was requested."""
        late = time.perf_counter() - self._saved > CHECKPOINT_SECONDS
        if late or self._interruption.requested:
            self.save(run)
        if self._interruption.requested:
            raise KeyboardInterrupt

    def on_epoch(self, run: Run, entry: dict[str, Any]) -> None:
        """Save the epoch."""
        self.save(run)

    def save(self, run: Run) -> None:
        """Save a checkpoint."""
        run.callbacks.call("on_checkpoint", run)
        self._folder.save_checkpoint(run.state_dict())
        run.callbacks.call("on_saved", run)
        self._saved = time.perf_counter()
