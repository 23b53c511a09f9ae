"""What functions that train from Python have in common: folders, lists of names, progress, and being interrupted."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import Progress, SilentProgress, terminal_progress
from twinbar.host.experiment.run_folder import CONFIG, RunFolder
from twinbar.hw.errors import ConfigError


def folder_of(path: Any, name: str) -> Path:
    """Return the folder that the argument ``name`` names.

    Raises
    ------
    ConfigError
        If it names none.
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"{name} is {type(path).__name__}; it must name a folder")
    text = os.fspath(path)
    if not text or "\0" in str(text):
        raise ConfigError(f"{name} is {text!r}; it must name a folder")
    return Path(path)


def names_of(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return one name, or several, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def progress_if(wanted: bool) -> Progress:
    """Return what shows progress, or what shows none."""
    return terminal_progress() if wanted else SilentProgress()


def taken_up(path: Path, kind: type[ExperimentConfig], config: ExperimentConfig) -> RunFolder:
    """Open the folder of several trainings if it is there already, or make it (errors as of `RunFolder`)."""
    if (path / CONFIG).is_file():
        return RunFolder.open(path, kind, config.flat())
    return RunFolder.create(path, config)


@contextmanager
def continued_with(arguments: str) -> Iterator[None]:
    """Let a KeyboardInterrupt say with which arguments the work goes on."""
    try:
        yield
    except KeyboardInterrupt as interrupted:
        interrupted.add_note(f"Continue with {arguments}.")
        raise
