"""Conductances of cells from a file: ``.npz``, ``.npy``, ``.h5`` or a table as text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from twinbar.emulator.devices.measured_columns import ColumnUnit, parse_unit
from twinbar.emulator.devices.measured_text import MeasuredText, read_measured_text
from twinbar.hw.errors import ConfigError
from twinbar.hw.extras import need

Floats = npt.NDArray[np.float64]

NAME: Final = "conductance_s"
"""Of the array in a file that Twinbar writes."""
UNIT: Final = "unit"
"""Of the array, or attribute, that tells its unit."""
_SHOWN: Final = 5


def read_conductances(path: str | Path, *, unit: str | None = None) -> Floats:
    """Read the conductances of cells.

    Parameters
    ----------
    path : str or Path
        ``.npz`` and ``.h5`` hold one array, or one called ``conductance_s``, and may tell its ``unit``; ``.csv``,
        ``.tsv`` and ``.txt`` hold a row of numbers for each row of cells, and may tell the unit in a comment (``# unit:
        uS``).
    unit : str, optional
        Of a conductance or resistance, like ``uS`` or ``kohm``; by default what the file says, else siemens.

    Returns
    -------
    float64 [rows, columns] or [tiles, rows, columns]
        In siemens.

    Raises
    ------
    ConfigError
        If the file cannot be read, or does not hold numbers of this shape; one sentence.
    ToolMissingError
        If h5py is needed and not installed.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(f"{path}: conductances are read from {', '.join(_READERS)} files")
    array, told = reader(path)
    if array.dtype.kind not in "iuf" or array.ndim not in (2, 3) or not array.size:
        raise ConfigError(
            f"{path} holds {array.dtype} of the shape {array.shape}; conductances are numbers of the shape "
            "(rows, columns) or (tiles, rows, columns)"
        )
    values = array.astype(np.float64)
    meant = _unit(path, unit if unit is not None else told)
    if meant.kind != "resistance":
        return values * meant.factor
    with np.errstate(divide="ignore"):
        return 1 / (values * meant.factor)


def _unit(path: Path, text: str | None) -> ColumnUnit:
    found = ColumnUnit("conductance", 1.0) if text is None else parse_unit(text)
    if found is None or found.kind not in ("conductance", "resistance"):
        raise ConfigError(
            f"{path}: the unit is {str(text)[:40]!r}; it is one of a conductance or a resistance, like uS"
        )
    return found


def _read_npz(path: Path) -> tuple[npt.NDArray[Any], str | None]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if isinstance(file, np.ndarray):
                raise ConfigError(f"{path} is a .npy file; give it that name")
            array = file[_chosen(path, [name for name in file.files if name != UNIT])]
            return array, str(file[UNIT]) if UNIT in file.files else None
    except Exception as error:  # libraries raise anything at damaged files
        raise _unreadable(path, error) from None


def _read_npy(path: Path) -> tuple[npt.NDArray[Any], str | None]:
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as error:  # libraries raise anything at damaged files
        raise _unreadable(path, error) from None
    if not isinstance(array, np.ndarray):
        raise ConfigError(f"{path} is a .npz file; give it that name")
    return array, None


def _read_h5(path: Path) -> tuple[npt.NDArray[Any], str | None]:
    need("h5py", "hdf5", f"reading {path}")
    import h5py

    try:
        with h5py.File(path, "r") as file:
            names: list[str] = []
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            data = file[_chosen(path, names)]
            told = data.attrs.get(UNIT)
            return np.asarray(data), told.decode() if isinstance(told, bytes) else told
    except Exception as error:  # libraries raise anything at damaged files
        raise _unreadable(path, error) from None


def _read_text(path: Path) -> tuple[npt.NDArray[Any], str | None]:
    text = read_measured_text(path)
    if not text.rows:
        raise ConfigError(f"{path} holds no numbers")
    width = len(text.rows[0].fields)
    rows = []
    for row in text.rows:
        if len(row.fields) != width:
            raise ConfigError(f"{path}, line {row.line}: {len(row.fields)} numbers, and {width} in the first row")
        rows.append([text.number(row.line, f"column {at + 1}", item) for at, item in enumerate(row.fields)])
    return np.array(rows), _told(text)


def _told(text: MeasuredText) -> str | None:
    """Return the unit that a comment before the numbers tells."""
    for comment in text.comments:
        words = " ".join(comment.fields).replace("=", ":")
        name, _, value = words.partition(":")
        if name.strip().lower() == UNIT:
            return value.strip()
    return None


def _chosen(path: Path, names: list[str]) -> str:
    if NAME in names:
        return NAME
    if len(names) != 1:
        found = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        raise ConfigError(f"{path} holds {found or 'no array'}; name the one of conductances {NAME}")
    return names[0]


def _unreadable(path: Path, error: Exception) -> ConfigError:
    if isinstance(error, ConfigError):
        return error
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return ConfigError(f"cannot read {path}: {error.strerror}")
    return ConfigError(f"cannot read {path}: it is no {path.suffix[1:]} file, or it is damaged")


_READERS: Final[dict[str, Callable[[Path], tuple[npt.NDArray[Any], str | None]]]] = {
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".h5": _read_h5,
    ".hdf5": _read_h5,
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
}
