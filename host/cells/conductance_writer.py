"""Conductances of cells into a file that `conductance_reader` reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from twinbar.host.cells.conductance_reader import NAME, UNIT
from twinbar.host.cells.output_file import writing
from twinbar.hw.errors import ConfigError
from twinbar.hw.extras import need

Floats = npt.NDArray[np.float64]


def save_conductances(path: str | Path, siemens: npt.ArrayLike, *, overwrite: bool = False) -> None:
    """Write the conductances of cells, in siemens and to the last bit.

    Parameters
    ----------
    path : str or Path
        Its suffix says the format: ``.npz``, ``.h5``, or ``.csv`` for a single tile.
    siemens : float array [rows, columns] or [tiles, rows, columns]
    overwrite : bool
        An existing file may be replaced.

    Raises
    ------
    ConfigError
        If the suffix is none of these, the shape does not fit, or the file exists or cannot be written.
    ToolMissingError
        If h5py is needed and not installed.
    """
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ConfigError(f"{path}: conductances are written to {', '.join(_WRITERS)} files")
    values = np.asarray(siemens, dtype=np.float64)
    if values.ndim not in (2, 3):
        raise ConfigError(
            f"the conductances have the shape {values.shape}; it is (rows, columns) or (tiles, rows, columns)"
        )
    with writing(path, overwrite=overwrite):
        writer(path, values)


def _write_npz(path: Path, values: Floats) -> None:
    with path.open("wb") as file:  # by its name, NumPy would add a suffix to .NPZ
        arrays: dict[str, Any] = {NAME: values, UNIT: np.array("S")}
        np.savez_compressed(file, **arrays)


def _write_h5(path: Path, values: Floats) -> None:
    need("h5py", "hdf5", f"writing {path}")
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_dataset(NAME, data=values, compression="gzip")
        data.attrs[UNIT] = "S"


def _write_csv(path: Path, values: Floats) -> None:
    if values.ndim == 3 and len(values) > 1:
        raise ConfigError(f"{path}: a .csv file holds one tile, and these are {len(values)}; write .npz or .h5")
    rows = [",".join(map(repr, row.tolist())) for row in values.reshape(values.shape[-2:])]
    path.write_text("\n".join(["# unit: S", *rows, ""]), encoding="utf-8")


_WRITERS: Final[dict[str, Callable[[Path, Floats], None]]] = {
    ".npz": _write_npz,
    ".h5": _write_h5,
    ".hdf5": _write_h5,
    ".csv": _write_csv,
}
