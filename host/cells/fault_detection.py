"""Find faulty cells by writing all of them to both ends of their range."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twinbar.emulator.crossbar.fault_map import NAME
from twinbar.emulator.devices.layout import FAULT_NON_RESPONDING, FAULT_NONE, FAULT_STUCK_HIGH, FAULT_STUCK_LOW
from twinbar.host.cells.output_file import writing
from twinbar.host.cells.verbs import Cells
from twinbar.hw.errors import ConfigError


def detect_faults(cells: Cells, *, low: int = 0, high: int | None = None) -> npt.NDArray[np.uint8]:
    """Write every cell of a chip or board to a low and to a high level, and tell faults by what is missed.

    A cell that misses the high level alone is stuck low, one that misses the low one alone stuck high, and one that
    misses both does not respond. A cell that does not respond but lies at one of the levels looks as if it were stuck
    there, and one whose own window ends before a level as if it were stuck on the other side: choose levels that sound
    cells reach. The tiles must be armed for writing; their sound cells hold the high level afterwards.

    Parameters
    ----------
    cells : Chip or Board
    low, high : int
        Levels; the lowest and the highest one unless they are given.

    Returns
    -------
    uint8 [tiles, rows, columns]
        Faults as `save_faults` and ``device.fault_map`` have them.

    Raises
    ------
    ConfigError
        If the levels are not in order, or the cells have none; errors of the writes.
    """
    if high is None:
        if cells.config is None:
            raise ConfigError("nothing is known of the levels of these cells; give high, the number of the highest one")
        high = len(cells.config.levels) - 1
    if not 0 <= low < high:
        raise ConfigError(f"low is {low} and high is {high}; low must be 0 or more, and the smaller one")
    tiles = np.arange(cells.tiles)
    up = cells.write_levels(high, tile=tiles).ok
    down = cells.write_levels(low, tile=tiles).ok
    # Once more: a cell that came up by chance, and one that was not yet up, are told apart.
    up &= cells.write_levels(high, tile=tiles).ok
    faults = np.full(up.shape, FAULT_NONE, np.uint8)
    faults[~up & down] = FAULT_STUCK_LOW
    faults[up & ~down] = FAULT_STUCK_HIGH
    faults[~up & ~down] = FAULT_NON_RESPONDING
    return faults


def save_faults(path: str | Path, faults: npt.ArrayLike, *, overwrite: bool = False) -> None:
    """Write a map that ``device.fault_map`` takes.

    Parameters
    ----------
    path : str or Path
        Ends with ``.npz``.
    faults : int [rows, columns] or [tiles, rows, columns]
    overwrite : bool
        An existing file may be replaced.

    Raises
    ------
    ConfigError
        If the name or the map is none, or the file exists or cannot be written.
    """
    path, values = Path(path), np.asarray(faults)
    if path.suffix.lower() != ".npz":
        raise ConfigError(f"{path}: fault maps are written to .npz files")
    if (
        values.ndim not in (2, 3)
        or values.dtype.kind not in "iu"
        or not FAULT_NONE <= values.min(initial=FAULT_NONE) <= values.max(initial=FAULT_NONE) <= FAULT_NON_RESPONDING
    ):
        raise ConfigError(
            f"a fault map holds whole numbers from {FAULT_NONE} to {FAULT_NON_RESPONDING}, in the shape (rows, "
            "columns) or (tiles, rows, columns)"
        )
    # By its name, NumPy would add a suffix to .NPZ.
    with writing(path, overwrite=overwrite), path.open("wb") as file:
        arrays: dict[str, Any] = {NAME: values.astype(np.uint8)}
        np.savez_compressed(file, **arrays)
