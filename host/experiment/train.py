"""One training run, from an empty or interrupted run folder to its report."""

from functools import partial
from typing import TYPE_CHECKING, Any

from twinbar.host.data import load_dataset
from twinbar.host.data.dataset import Dataset
from twinbar.host.experiment import build
from twinbar.host.experiment.arrays import save_arrays
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.interruption import Interruption
from twinbar.host.experiment.progress import Progress
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.threads import use_threads
from twinbar.host.experiment.trainer import Trainer
from twinbar.host.report.metrics import write_metrics
from twinbar.hw.errors import SilentBoardError

if TYPE_CHECKING:
    from twinbar.host.board.connection import BoardConnection


def prepare_data(config: ExperimentConfig) -> Dataset:
    """Load the data set, keep as many training images as asked for, pool them, and hold out the validation images."""
    data = load_dataset(config.data.name).subset(config.data.limit).pooled(config.data.pool)
    return data.validation_split(config.data.validation, config.data.seed)


def train(
    config: ExperimentConfig, folder: RunFolder, progress: Progress, resume: bool, data: Dataset | None = None
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
    data : Dataset, optional
        As `prepare_data` gives it, where several runs share it.

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
    data = prepare_data(config) if data is None else data
    interruption = Interruption()
    board = build.build_board(config)
    if board is not None:
        board.listen(progress.message, partial(_stop_waiting, interruption))
    try:
        trainer = _prepare(config, data, folder, progress, resume, board, interruption)
        with interruption:
            _run(trainer, folder, progress, interruption)
        report = trainer.report()
        if trainer.network is not None:
            save_arrays(trainer.network, folder)
    finally:
        if board is not None:
            board.close()
    folder.write_report(report)
    write_metrics(report, folder.path / "metrics.csv")
    for sentence in trainer.watch.warnings:
        progress.message(f"warning: {sentence}")
    return report


def _prepare(
    config: ExperimentConfig,
    data: Dataset,
    folder: RunFolder,
    progress: Progress,
    resume: bool,
    board: "BoardConnection | None",
    interruption: Interruption,
) -> Trainer:
    """Make a trainer that is at its checkpoint: the folder's, or the first one, of cells just programmed.

    A board that falls silent meanwhile has no session to go back to: all of it is done anew.
    """
    while True:
        state = folder.load_checkpoint(progress.message) if resume else None
        try:
            trainer = Trainer(config, data, progress, folder.path, board=board, restored=state is not None)
            with interruption:
                if state is None:
                    progress.start(1, "programming and calibration", unit="pass")
                    trainer.initialize()
                    progress.advance(1)
                    folder.table("steps.csv")
                    trainer.save(folder)
                else:
                    trainer.load_state_dict(state)
            return trainer
        except SilentBoardError as error:
            if board is None or not board.was_open:
                raise
            board.reconnect(error)


def _run(trainer: Trainer, folder: RunFolder, progress: Progress, interruption: Interruption) -> None:
    """Train to the end; a board that has forgotten its session is taken up again at the last checkpoint."""
    while True:
        try:
            trainer.run(folder, interruption)
            return
        except SilentBoardError as error:
            _go_back(trainer, folder, progress, error)


def _go_back(trainer: Trainer, folder: RunFolder, progress: Progress, error: SilentBoardError) -> None:
    """Start another session with the board, and go on from the last checkpoint."""
    assert trainer.board is not None
    while True:
        trainer.board.restart(error)
        state = folder.load_checkpoint(progress.message)
        assert state is not None
        try:
            trainer.configure_board()
            trainer.load_state_dict(state)
            return
        except SilentBoardError as again:
            error = again


def _stop_waiting(interruption: Interruption) -> None:
    if interruption.requested:
        raise KeyboardInterrupt
