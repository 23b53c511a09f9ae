"""The folder of a run: made without overwriting anything, written so that a kill at any moment does no harm."""

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from twinbar.emulator.sections.config_errors import show
from twinbar.host.experiment.checkpoint import load_checkpoint, save_checkpoint
from twinbar.host.experiment.config import RESUME_MAY_CHANGE, ExperimentConfig
from twinbar.host.experiment.durable import is_temporary, replace_file
from twinbar.host.experiment.step_table import StepTable
from twinbar.hw import toml
from twinbar.hw.errors import ConfigError, TwinbarError
from twinbar.hw.file_lock import lock
from twinbar.hw.reading import expanded, reading, refuse_pipes
from twinbar.hw.registry import file_name

CONFIG: Final = "config.toml"
REPORT: Final = "report.json"
CHECKPOINT: Final = "checkpoint"
LOCK: Final = ".lock"


class RunFolder:
    """A folder that this process alone writes to. Make one with `create` or `open`, and close it (``with``).

    Attributes
    ----------
    path : Path
    config : ExperimentConfig
        As ``config.toml`` has it.
    resumed : bool
        Whether the run was there before.
    """

    def __init__(self, path: Path, config: ExperimentConfig, resumed: bool, lock: int) -> None:
        self.path = path
        self.config = config
        self.resumed = resumed
        self._lock = lock
        self._tables: dict[str, StepTable] = {}
        self._vouched: dict[str, int] | None = None if resumed else {}
        self._made: list[Path] = []

    @classmethod
    def create(cls, path: Path, config: ExperimentConfig) -> Self:
        """Start a run in a new or empty folder and write its ``config.toml``.

        Raises
        ------
        ConfigError
            If the folder holds anything, or cannot be written.
        """
        path = expanded(path)
        _refuse_occupied(path, config)
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(path, error) from error
        run = cls(path, config, False, _lock(path))
        run._made = missing
        try:
            _refuse_occupied(path, config)  # another process may have been faster
            replace_file(path / CONFIG, config.to_toml().encode())
        except OSError as error:
            run._withdraw()
            raise _unwritable(path, error) from error
        except ConfigError:
            run.close()
            raise
        return run

    @classmethod
    def open(
        cls,
        path: Path,
        kind: type[ExperimentConfig] = ExperimentConfig,
        changes: Mapping[str, Any] | None = None,
    ) -> Self:
        """Take up a run that was started before.

        Parameters
        ----------
        path : Path
        kind : type of ExperimentConfig
            `CompareConfig` for the folder of a comparison, `SweepConfig` for that of a sweep, `ReproductionConfig` for
            that of a reproduction.
        changes : mapping, optional
            Values by dotted key that the user asks for; all but `RESUME_MAY_CHANGE` must be those of the run.

        Raises
        ------
        ConfigError
            If there is no such run, its configuration differs, or another process is writing to it.
        """
        path = expanded(path)
        if not (path / CONFIG).is_file():
            reason = f"it holds no {CONFIG}" if path.is_dir() else "there is no such folder"
            raise ConfigError(f"{path} cannot be resumed: {reason}; start a run there with --out {path}")
        refuse_pipes(path)
        values = toml.read(path / CONFIG, str(path / CONFIG))
        command = _command_of(values)
        if command != kind.command:
            raise ConfigError(
                f"{path} holds what twinbar {command} started; resume it with twinbar {command} --resume {path}"
            )
        config = _changed(path, kind.from_mapping(values, str(path / CONFIG)), changes or {})
        return cls(path, config, True, _lock(path))

    def child(self, name: str, config: ExperimentConfig) -> "RunFolder":
        """Start the run of a sub-folder, or take it up where it was started before.

        Raises
        ------
        ConfigError
            As `create` and `open` do, also when the sub-folder holds another configuration.
        """
        path = self.path / file_name(name)
        if (path / CONFIG).is_file():
            return RunFolder.open(path, ExperimentConfig, config.flat())
        return RunFolder.create(path, config)

    def table(self, name: str) -> StepTable:
        """Return a table of the folder, such as ``steps.csv``, cut back to what the loaded checkpoint vouches for.

        Raises
        ------
        RuntimeError
            If the run was resumed and its checkpoint has not been loaded.
        ConfigError
            If the file is shorter than when the checkpoint was made, or cannot be written.
        """
        if self._vouched is None:
            raise RuntimeError("load_checkpoint comes first: it knows which rows are valid")
        if name not in self._tables:
            self._tables[name] = StepTable(self.path / name, self._vouched.get(name, 0))
        return self._tables[name]

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Save the state of the run, together with the sizes that its tables have now.

        Raises
        ------
        TwinbarError
            If it cannot be written; the checkpoint before it is then still there.
        """
        try:
            sizes = {name: table.sync() for name, table in self._tables.items()}
        except OSError as error:
            raise TwinbarError(f"the tables in {self.path} cannot be written: {error.strerror or error}") from error
        save_checkpoint(self.path / CHECKPOINT, {"tables": sizes, "state": dict(state)})

    def load_checkpoint(self, notice: Callable[[str], None]) -> dict[str, Any] | None:
        """Return the state last saved, or None where the run was stopped before its first checkpoint.

        Parameters
        ----------
        notice : callable
            Takes a sentence for the user when a damaged checkpoint is passed over.

        Raises
        ------
        ConfigError
            If checkpoints are there, but none can be used.
        """
        # Rows that were written after the checkpoint are cut off when a table is opened again.
        for table in self._tables.values():
            table.close()
        self._tables.clear()
        saved = load_checkpoint(self.path / CHECKPOINT, notice)
        if saved is None:
            self._vouched = {}
            return None
        with reading(self.path / CHECKPOINT, "the checkpoint of a run", "restore it from a copy, or start a new run"):
            state, sizes = dict(saved["state"]), {str(name): int(size) for name, size in saved["tables"].items()}
        self._vouched = sizes
        return state

    def write_report(self, report: Mapping[str, Any]) -> None:
        """Write ``report.json``.

        Raises
        ------
        TwinbarError
            If it cannot be written; an older one is then as it was.
        """
        self.write(REPORT, json_text(report).encode())

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the folder, completely or not at all; errors as in `write_report`."""
        try:
            replace_file(self.path / name, content)
        except OSError as error:
            raise TwinbarError(f"{self.path / name} cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the tables and let other processes write to the folder."""
        for table in self._tables.values():
            table.close()
        self._tables.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # A run that failed before its first checkpoint leaves nothing that would be in the way.
        failed = kind is not None and issubclass(kind, Exception)
        if failed and not self.resumed:
            self._withdraw()
        else:
            self.close()

    def _withdraw(self) -> None:
        """Remove what `create` made, unless the run has made something since.

        Tables without a row, and a folder for checkpoints without one, are nothing to go on from.
        """
        tables = set(self._tables)
        self.close()
        with contextlib.suppress(OSError):
            entries = list(self.path.iterdir())
            empty = {name for name in tables if not (self.path / name).stat().st_size}
            own = {CONFIG, LOCK, CHECKPOINT} | empty
            saved = list((self.path / CHECKPOINT).iterdir()) if (self.path / CHECKPOINT).is_dir() else []
            if all(entry.name in own or is_temporary(entry) for entry in entries) and all(map(is_temporary, saved)):
                for entry in saved:
                    entry.unlink()
                for entry in entries:
                    entry.rmdir() if entry.is_dir() else entry.unlink()
                for folder in self._made:
                    folder.rmdir()


def default_run_folder(config: ExperimentConfig, parent: Path = Path("runs")) -> Path:
    """Name a folder that does not exist yet: ``runs/<date>-<data>-<policy>``, or ``-compare`` for a comparison.

    Of a sweep or a reproduction, it is ``-sweep`` or ``-reproduce``.
    """
    data = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(config.data.name).name) or "data"
    what = file_name(config.policy.name) if config.command == "train" else config.command
    path = first = parent / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{data}-{what}"
    number = 2
    while path.exists():
        path = first.with_name(f"{first.name}-{number}")
        number += 1
    return path


def json_text(value: Any) -> str:
    """Write JSON; numbers that it cannot hold (NaN, infinities) become null, NumPy's numbers and arrays plain ones."""
    return json.dumps(_plain(value), indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _changed(path: Path, config: ExperimentConfig, changes: Mapping[str, Any]) -> ExperimentConfig:
    merged = config.merge(changes).with_absolute_paths()
    different = [key for key in config.differences(merged) if key not in RESUME_MAY_CHANGE]
    if different:
        old, new = config.flat(), merged.flat()
        listed = ", ".join(f"{key} = {show(old[key])} (not {show(new[key])})" for key in different)
        raise ConfigError(
            f"{path} was started with {listed}; a resumed run keeps its configuration: "
            "leave these out, or start a new run with --out"
        )
    return merged


def _refuse_occupied(path: Path, config: ExperimentConfig) -> None:
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file; a run needs a new or empty folder (--out)")
    try:
        entries = [entry for entry in path.iterdir() if entry.name != LOCK and not is_temporary(entry)]
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(path, error) from error
    if not entries:
        return
    if not (path / CONFIG).is_file():
        raise ConfigError(f"{path} is not empty and holds no run; choose a new or empty folder with --out")
    try:
        same = type(config).from_toml(path / CONFIG) == config
    except ConfigError:
        same = False
    if same:
        raise ConfigError(
            f"{path} already holds this very run; continue it with twinbar {config.command} --resume {path}, "
            "or choose another folder with --out"
        )
    raise ConfigError(f"{path} already holds a different run; choose another folder with --out")


def _command_of(values: Mapping[str, Any]) -> str:
    """Return the command that wrote a configuration: keys before the sections tell them apart."""
    if "networks" in values:
        return "reproduce"
    if "vary" in values:
        return "sweep"
    return "compare" if "policies" in values else "train"


def _lock(path: Path) -> int:
    """Keep other processes from writing to the folder until the descriptor is closed, or this process ends."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        lock(descriptor, wait=False)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(
            f"{path} is being written by another process; wait for it, or choose another folder"
        ) from None
    except OSError:
        pass  # a system without locks
    return descriptor


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"the run folder {path} cannot be written ({error.strerror or error}); choose another with --out"
    )
