"""One training run, from an empty or interrupted run folder to its report."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from twinbar.host.data.dataset import Dataset
from twinbar.host.experiment import run_parts
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.interruption import Interruption
from twinbar.host.experiment.kept_board import KeptBoard
from twinbar.host.experiment.progress_display import Progress
from twinbar.host.experiment.run_folder import CHECKPOINT, RunFolder
from twinbar.host.experiment.run_report import RunReport
from twinbar.host.experiment.saving import Checkpoints, StepRows
from twinbar.host.experiment.task import Task, build_task
from twinbar.host.experiment.threads import use_threads
from twinbar.host.experiment.trainer import Trainer
from twinbar.hw.errors import SilentBoardError
from twinbar.hw.reading import reading


def train(
    config: ExperimentConfig,
    folder: RunFolder,
    progress: Progress,
    resume: bool,
    task: Task | Dataset | None = None,
    callbacks: Sequence[object] = (),
    interruption: Interruption | None = None,
) -> dict[str, Any]:
    """Train a network in situ and write its report.

    Parameters
    ----------
    config : ExperimentConfig
    folder : RunFolder
        Takes the checkpoints, tables and the report.
    progress : Progress
    resume : bool
        Whether to go on from the folder's checkpoint.
    task : Task or Dataset, optional
        What is learnt, instead of what the configuration names; a set of images as `prepare_data` returns it.
    callbacks : sequence of objects
        See `twinbar.host.experiment.callbacks`; they are called before the checkpoint is saved.
    interruption : Interruption, optional
        What asks the run to stop, instead of signals alone.

    Returns
    -------
    dict
        The content of report.json.

    Raises
    ------
    ConfigError
        If the configuration, data or checkpoint cannot be used.
    TwinbarError
        If the training diverges.
    KeyboardInterrupt
        If it was interrupted; the checkpoint is complete then.
    """
    use_threads(config.engine.threads, config.training.batch_size)
    task = build_task(config) if task is None else task
    interruption = Interruption() if interruption is None else interruption
    connection = run_parts.build_board(config)
    board = None
    if connection is not None:
        connection.listen(progress.message, partial(_stop_waiting, interruption))
        board = KeptBoard(connection, progress)
    followers = [*callbacks, StepRows(folder), Checkpoints(folder, interruption), RunReport(folder)]
    make = partial(Trainer, config, task, progress, folder.path, callbacks=followers, board=board)
    try:
        trainer = _prepare(make, folder, progress, resume, board, interruption)
        said = list(trainer.watch.warnings)
        _warn(progress, said)
        with interruption:
            _run(trainer, folder, progress, board)
        report = trainer.report()
        trainer.callbacks.call("on_end", trainer, report)
    finally:
        if connection is not None:
            connection.close()
    _warn(progress, [sentence for sentence in trainer.watch.warnings if sentence not in said])
    return report


def _warn(progress: Progress, warnings: Iterable[str]) -> None:
    for sentence in warnings:
        progress.message(f"warning: {sentence}")


def _prepare(
    make: Callable[..., Trainer],
    folder: RunFolder,
    progress: Progress,
    resume: bool,
    board: KeptBoard | None,
    interruption: Interruption,
) -> Trainer:
    """Make a trainer that is at its checkpoint: the folder's, or the first one, of cells just programmed.

    A board that falls silent meanwhile has no session to return to: everything is done again.
    """
    while True:
        state = folder.load_checkpoint(progress.message) if resume else None
        try:
            trainer = make(restored=state is not None)
            with interruption:
                if state is None:
                    trainer.initialize()
                else:
                    _restore(trainer, folder, state)
            return trainer
        except SilentBoardError as error:
            if board is None or not board.connection.was_open:
                raise
            board.connection.reconnect(error)


def _run(trainer: Trainer, folder: RunFolder, progress: Progress, board: KeptBoard | None) -> None:
    """Train to the end; with a board that has lost its session, restart from the last checkpoint."""
    while True:
        try:
            trainer.run()
            return
        except SilentBoardError as error:
            assert board is not None
            _restart(trainer, folder, progress, board, error)


def _restart(
    trainer: Trainer, folder: RunFolder, progress: Progress, board: KeptBoard, error: SilentBoardError
) -> None:
    """Start another session with the board, and go on from the last checkpoint."""
    while True:
        board.connection.restart(error)
        state = folder.load_checkpoint(progress.message)
        assert state is not None
        try:
            board.configure(trainer)
            _restore(trainer, folder, state)
            return
        except SilentBoardError as again:
            error = again


def _restore(trainer: Trainer, folder: RunFolder, state: dict[str, Any]) -> None:
    with reading(folder.path / CHECKPOINT, "the checkpoint of this run", "restore it from a copy, or start a new run"):
        trainer.load_state_dict(state)


def _stop_waiting(interruption: Interruption) -> None:
    if interruption.requested:
        raise KeyboardInterrupt
