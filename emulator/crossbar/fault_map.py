"""Faulty cells as a map: measured ones from a file, or drawn in whole lines and one by one."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from twinbar.emulator.devices.layout import FAULT_NON_RESPONDING, FAULT_NONE, FAULT_STUCK_HIGH, FAULT_STUCK_LOW
from twinbar.hw.errors import ConfigError
from twinbar.hw.reading import reading

Faults = npt.NDArray[np.uint8]

NAME: Final = "fault"
"""Of the array in a file."""
_ARRAY: Final = b"\x93NUMPY"
"""What a .npy file begins with."""


@dataclass(frozen=True)
class FaultMap:
    """Faults of the cells of all tiles.

    Parameters
    ----------
    values : uint8 [tiles, cells] or [1, cells]
        ``FAULT_*`` of `twinbar.emulator.devices.layout`: 0 sound, 1 stuck low, 2 stuck high, 3 not responding. One tile
        stands for every tile.
    """

    values: Faults

    def of(self, tiles: int) -> Faults:
        """Return the faults of so many tiles (uint8 [tiles, cells]).

        Raises
        ------
        ConfigError
            If the map is of another number of tiles.
        """
        if len(self.values) not in (1, tiles):
            raise ConfigError(
                f"the fault map has {len(self.values)} tiles, and {tiles} are used; give the faults of as many, or of "
                "one tile for all"
            )
        return np.ascontiguousarray(np.broadcast_to(self.values, (tiles, self.values.shape[1])))

    def part(self, start: int, tiles: int) -> "FaultMap":
        """Return the map of ``tiles`` tiles from ``start`` on."""
        return self if len(self.values) == 1 else FaultMap(self.values[start : start + tiles])


def read_fault_map(path: str | Path, rows: int, columns: int) -> FaultMap:
    """Read the faults of an array.

    Parameters
    ----------
    path : str or Path
        ``.npy``, or ``.npz`` with one array or one called ``fault``: whole numbers from 0 to 3, of the shape (rows,
        columns), for every tile, or (tiles, rows, columns).
    rows, columns : int
        Of a tile.

    Raises
    ------
    ConfigError
        If there is no such file, or it holds something else; one sentence.
    """
    path = Path(path)
    found = _load(path)
    shape = found.shape[-2:]
    if found.ndim not in (2, 3) or shape != (rows, columns) or not found.size or found.dtype.kind not in "iub":
        raise ConfigError(
            f"{path} holds {found.dtype} of the shape {found.shape}; a fault map is of whole numbers, of the shape "
            f"({rows}, {columns}) or (tiles, {rows}, {columns}) here"
        )
    if found.min() < FAULT_NONE or found.max() > FAULT_NON_RESPONDING:
        raise ConfigError(
            f"{path} holds values from {found.min()} to {found.max()}; faults are {FAULT_NONE} (sound), "
            f"{FAULT_STUCK_LOW} (stuck low), {FAULT_STUCK_HIGH} (stuck high), {FAULT_NON_RESPONDING} (not responding)"
        )
    return FaultMap(found.astype(np.uint8).reshape(-1, rows * columns))


def _load(path: Path) -> npt.NDArray[Any]:
    if path.suffix.lower() not in (".npy", ".npz"):
        raise ConfigError(f"{path}: fault maps are read from .npy and .npz files")
    what = "an array of faults, as numpy.save and save_faults write it"
    with _opened(path) as file, reading(path, what, "save it again"):
        # NumPy takes everything else for a pickle, and advises to load it unsafely.
        begin = file.read(len(_ARRAY))
        if begin != _ARRAY and not zipfile.is_zipfile(file):
            raise ConfigError(f"{path} is damaged (it is not a NumPy file): it must be {what}; save it again")
        file.seek(0)
        try:
            return _array(path, file)
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            raise ConfigError(
                f"{path} holds Python objects; a fault map is of whole numbers: save it as such"
            ) from None


def _array(path: Path, file: BinaryIO) -> npt.NDArray[Any]:
    found = np.load(file, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return found
    name = NAME if NAME in found.files else found.files[0] if len(found.files) == 1 else None
    if name is None:
        names = ", ".join(found.files) or "nothing"
        raise ConfigError(f"{path} holds {names}; it must hold one array, or one called {NAME!r}")
    return np.asarray(found[name])


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise ConfigError(f"there is no fault map {path}; give the name of a .npy or .npz file") from None
    except OSError as error:
        why = "it is a folder" if path.is_dir() else error.strerror or "no reason given"
        raise ConfigError(f"the fault map {path} cannot be read ({why}); give a .npy or .npz file that can") from None


def draw_faults(
    shape: tuple[int, int, int], stuck_low: float, stuck_high: float, *, in_lines: float = 0.0, seed: int = 0
) -> Faults:
    """Draw a map of stuck cells, a part of which lie in whole rows and columns: broken lines, drivers and decoders.

    Parameters
    ----------
    shape : (tiles, rows, columns)
    stuck_low, stuck_high : float
        Shares of the cells.
    in_lines : float
        Share of the stuck cells that lie in whole lines, rows and columns alike; the others are anywhere.
    seed : int

    Returns
    -------
    uint8 [tiles, rows, columns]
        Shares hold in the mean. A cell in two broken lines counts once, and is as the line that was drawn last.

    Raises
    ------
    ConfigError
        If the shares are none, or add up to more than all cells.
    """
    shares = {"stuck_low": stuck_low, "stuck_high": stuck_high, "in_lines": in_lines}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ConfigError(f"{name} is {share}; a share lies between 0 and 1")
    total = stuck_low + stuck_high
    if total > 1:
        raise ConfigError(f"stuck_low and stuck_high add up to {total:g}; together they can be 1 at most")
    rng = np.random.default_rng(seed)
    faults = np.zeros(shape, np.uint8)
    if total == 0:
        return faults
    low = stuck_low / total

    def kinds(size: tuple[int, ...]) -> Faults:
        return np.where(rng.random(size) < low, FAULT_STUCK_LOW, FAULT_STUCK_HIGH).astype(np.uint8)

    tiles, rows, columns = shape
    # Rows and columns break alike: 1 - (1 - p)^2 of the cells lie in a broken line.
    broken = 1 - np.sqrt(1 - in_lines * total)
    for axis, lines in ((1, rows), (2, columns)):
        hit, kind = rng.random((tiles, lines)) < broken, kinds((tiles, lines))
        line = np.expand_dims(np.where(hit, kind, 0), 3 - axis).astype(np.uint8)
        faults = np.where(line > 0, line, faults)
    # Of the cells in sound lines, as many as make up the shares.
    rest = (1 - in_lines) * total / (1 - in_lines * total) if in_lines * total < 1 else 0.0
    alone = (rng.random(shape) < rest) & (faults == 0)
    return np.where(alone, kinds(shape), faults).astype(np.uint8)
