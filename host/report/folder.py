"""Reading a run folder or a comparison folder, with one clear sentence for each kind of damage."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from twinbar.host.report.schema import Compare, Report, parse_compare, parse_report
from twinbar.hw.errors import ConfigError
from twinbar.hw.reading import reading, refuse_pipes
from twinbar.hw.registry import file_name

REPORT: Final = "report.json"
COMPARE: Final = "compare.json"
STEPS: Final = "steps.csv"
ARRAYS: Final = "arrays.npz"

_STEP_COLUMNS: Final = ("loss", "weight_updates", "cell_writes")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Steps:
    """What the reports show of ``steps.csv``: one entry per optimizer step.

    Parameters
    ----------
    epoch : int array [steps]
        Epoch that the step belongs to.
    loss, weight_updates, cell_writes : float array [steps]
        Training loss and counts of the step; all NaN where the file has no such column.
    """

    epoch: NDArray[np.int64]
    loss: NDArray[np.float64]
    weight_updates: NDArray[np.float64]
    cell_writes: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.epoch)


@dataclass(frozen=True)
class FinalCells:
    """The cells at the end of a run, as ``arrays.npz`` holds them.

    Parameters
    ----------
    pulses : uint32 array [tiles, rows, columns]
        Pulses that each cell has seen.
    conductance_s : float32 array [tiles, rows, columns]
        Conductance in siemens.
    mapped : bool array [tiles, rows, columns]
        Cells that hold weights.
    levels_s : float64 array [levels]
        Nominal conductance of each level in siemens, ascending.
    target_level : int16 array [tiles, rows, columns]
        Level last asked for, -1 where none was.
    tile_names : tuple of str [tiles]
    """

    pulses: NDArray[np.uint32]
    conductance_s: NDArray[np.float32]
    mapped: NDArray[np.bool_]
    levels_s: NDArray[np.float64]
    target_level: NDArray[np.int16]
    tile_names: tuple[str, ...]


@dataclass(frozen=True)
class LoadedRun:
    """A run folder in memory; parts that it does not have are None."""

    path: Path
    report: Report
    steps: Steps | None
    cells: FinalCells | None


@dataclass(frozen=True)
class LoadedComparison:
    """A comparison folder in memory; ``runs`` holds the policies whose run folder is there."""

    path: Path
    compare: Compare
    runs: dict[str, LoadedRun]


AGAIN: Final = "restore it from a copy, or train again"
"""What a user can do about a damaged file of a run folder."""


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path} is damaged: {error.msg} at line {error.lineno}, column {error.colno}; it must be one JSON object"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is damaged: it must be JSON in UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def read_steps(path: Path) -> Steps:
    """Read ``steps.csv``.

    A last line without its line end is left out: the run may still be writing it.

    Raises
    ------
    ConfigError
        If the file is not a table of numbers with a column ``step``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    header, *lines = text[: text.rfind("\n") + 1].splitlines() or [""]
    names = header.split(",")
    if "step" not in names:
        raise ConfigError(f"{path} is not a table of steps: its first line must name the columns, `step` among them")
    wanted = [name for name in ("epoch", *_STEP_COLUMNS) if name in names]
    table = np.zeros((len(lines), len(wanted)))
    if lines and wanted:
        try:
            table = np.loadtxt(lines, delimiter=",", usecols=[names.index(name) for name in wanted], ndmin=2)
        except ValueError as error:
            raise ConfigError(f"{path} is damaged: {str(error).splitlines()[0]}") from None
    column = {name: table[:, position] for position, name in enumerate(wanted)}
    absent = np.full(len(table), np.nan)
    epoch = column.get("epoch", np.ones(len(table)))
    return Steps(epoch.astype(np.int64), *(column.get(name, absent) for name in _STEP_COLUMNS))


def read_cells(path: Path) -> FinalCells:
    """Read ``arrays.npz``.

    Raises
    ------
    ConfigError
        If the archive is damaged, lacks an array, or its arrays do not belong together.
    """
    names = ("pulses", "conductance_s", "mapped", "levels_s", "target_level", "tile_names")
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in names if name not in archive]
            if missing:
                raise ConfigError(f"{path} lacks the array `{missing[0]}`; it must hold {', '.join(names)}")
            arrays = {name: archive[name] for name in names}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is damaged: {error}") from None
    shape = arrays["pulses"].shape
    if len(shape) != 3:
        raise ConfigError(f"{path}: `pulses` has the shape {shape}; it must be [tiles, rows, columns]")
    for name in ("conductance_s", "mapped", "target_level"):
        if arrays[name].shape != shape:
            raise ConfigError(f"{path}: `{name}` has the shape {arrays[name].shape}, `pulses` {shape}; they must agree")
    if arrays["tile_names"].shape != shape[:1]:
        raise ConfigError(
            f"{path}: {arrays['tile_names'].size} tile names for {shape[0]} tiles; there must be one each"
        )
    levels = arrays["levels_s"]
    if levels.ndim != 1 or levels.size == 0 or np.any(np.diff(levels) <= 0):
        raise ConfigError(f"{path}: `levels_s` must be one row of ascending conductances")
    if arrays["target_level"].size and int(arrays["target_level"].max()) >= levels.size:
        raise ConfigError(f"{path}: `target_level` names a level that `levels_s` does not have")
    if not np.isfinite(arrays["conductance_s"][arrays["mapped"].astype(np.bool_)]).all():
        raise ConfigError(f"{path}: `conductance_s` has values that are not finite numbers of siemens")
    return FinalCells(
        arrays["pulses"],
        arrays["conductance_s"],
        arrays["mapped"].astype(np.bool_),
        levels,
        arrays["target_level"],
        tuple(str(name) for name in arrays["tile_names"]),
    )


def _if_there(path: Path, read: Callable[[Path], _T]) -> _T | None:
    return read(path) if path.exists() else None


def load_run(folder: Path) -> LoadedRun:
    """Read a run folder.

    Parameters
    ----------
    folder : Path
        Holds ``report.json``; ``steps.csv`` and ``arrays.npz`` may be missing.

    Raises
    ------
    ConfigError
        If a file is missing or damaged.
    """
    with reading(folder / REPORT, "what `twinbar train` writes", AGAIN):
        report = parse_report(_read_json(folder / REPORT), str(folder / REPORT))
    with reading(folder / STEPS, "a table of steps", AGAIN):
        steps = _if_there(folder / STEPS, read_steps)
    with reading(folder / ARRAYS, "the arrays that `twinbar train` writes", AGAIN):
        cells = _if_there(folder / ARRAYS, read_cells)
    return LoadedRun(folder, report, steps, cells)


def load_compare(folder: Path) -> LoadedComparison:
    """Read a comparison folder: ``compare.json`` and the run folder of each policy; errors as in `load_run`."""
    with reading(folder / COMPARE, "what `twinbar compare` writes", AGAIN):
        compare = parse_compare(_read_json(folder / COMPARE), str(folder / COMPARE))
    paths = {name: folder / file_name(name) for name in compare.policies}
    runs = {name: load_run(path) for name, path in paths.items() if (path / REPORT).exists()}
    return LoadedComparison(folder, compare, runs)


def load(folder: Path) -> LoadedRun | LoadedComparison:
    """Read whichever kind of folder this is.

    Raises
    ------
    ConfigError
        If it is neither, or a file in it is damaged.
    """
    if not folder.is_dir():
        reason = "it is a file" if folder.exists() else "it does not exist"
        raise ConfigError(f"{folder} is not a run folder: {reason}; give a folder that `twinbar train` wrote")
    refuse_pipes(folder)
    if (folder / COMPARE).exists():
        return load_compare(folder)
    if (folder / REPORT).exists():
        return load_run(folder)
    raise ConfigError(
        f"{folder} is not a run folder: it has neither {REPORT} nor {COMPARE}; give a folder that `twinbar train`, "
        "`compare`, `sweep` or `reproduce` wrote"
    )
