"""A board on which a run trains: its cells are brought back where a resumed run finds them changed (a callback)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from twinbar.emulator.engines.controller_engine import ControllerEngine
from twinbar.host.board.connection import BoardConnection
from twinbar.host.experiment.callbacks import Run
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.network.programmer import program
from twinbar.host.update.kept_levels import KeptLevels


class KeptBoard:
    """Keep the array of a board as the checkpoints say.

    Parameters
    ----------
    connection : BoardConnection
    progress : Progress
        Is told what was brought back.
    """

    state_key: ClassVar[str] = "board"

    def __init__(self, connection: BoardConnection, progress: Progress) -> None:
        self.connection = connection
        self._progress = progress
        self._restorations: list[dict[str, int]] = []

    def configure(self, run: Run) -> None:
        """Configure and arm a board with which a session has just begun: it may have lost its supply."""
        assert run.network is not None
        engine = run.network.session.engine
        assert isinstance(engine, ControllerEngine)
        engine.configure()

    def on_resume(self, run: Run) -> None:
        """Bring the cells to what the checkpoint says, if the array has changed since."""
        controller = self.connection.controller
        assert run.network is not None
        assert controller is not None
        if controller.holds_checkpoint:
            return
        run.callbacks.call("on_array_changed", run)
        written = program(run.network, KeptLevels(), 0.0).result
        pulsed = int(((written.sets > 0) | (written.resets > 0)).sum())
        self._restorations.append({"step": run.step, "cells": len(written.codes), "pulsed": pulsed})
        self._progress.message(
            f"The board's array is not as at the checkpoint: {pulsed:,} of {len(written.codes):,} cells were brought "
            f"back to their levels, {int((~written.ok).sum()):,} could not be; the run goes on from step {run.step}, "
            "and its result is another one than without the interruption"
        )

    def on_report_figures(self, run: Run, report: dict[str, Any]) -> None:
        """Add what the board did."""
        report["board"] = self.connection.report() | {"restorations": self._restorations}

    def state_dict(self) -> dict[str, Any]:
        """Return the restorations, for a checkpoint."""
        return {"restorations": self._restorations}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._restorations = list(state["restorations"])
