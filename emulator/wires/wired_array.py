"""Cells between wires: what is known of an array before anything is solved."""

from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.hw.errors import ConfigError

Floats = npt.NDArray[np.float64]

_MOST_CELLS: Final = 1 << 22
"""Of an array that can be solved within a few gigabytes."""


def seen_conductances(conductance_s: npt.ArrayLike, lines: LineResistances) -> Floats:
    """Return the conductances between rows and columns: of each cell and its selector in series.

    Parameters
    ----------
    conductance_s : float [rows, columns]
        In siemens, 0 or more.
    lines : LineResistances

    Raises
    ------
    ConfigError
        If these are no conductances of an array.
    """
    g = np.asarray(conductance_s, np.float64)
    if g.ndim != 2 or not 1 <= g.size <= _MOST_CELLS:
        raise ConfigError(
            f"conductances have the shape {g.shape}; they must be those of rows x columns, {_MOST_CELLS} cells at most"
        )
    if not (np.isfinite(g).all() and (g >= 0).all()):
        raise ConfigError("a conductance is negative or no number; all must be 0 S or more")
    return g / (1 + g * lines.selector_ohm)


def terminal_voltages(
    row_v: npt.ArrayLike, column_v: npt.ArrayLike | None, shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Return the voltages of the sources, a vector of rows and one of columns for each of n cases.

    Parameters
    ----------
    row_v : float [rows] or [n, rows]
    column_v : float [columns] or [n, columns], optional
        All 0 V, if it is not given.
    shape : (rows, columns)

    Raises
    ------
    ConfigError
        If their sizes do not fit the array.
    """
    rows, columns = shape
    of_rows = np.atleast_2d(np.asarray(row_v, np.float64))
    of_columns = np.zeros((1, columns)) if column_v is None else np.atleast_2d(np.asarray(column_v, np.float64))
    for name, volts, size in (("row_v", of_rows, rows), ("column_v", of_columns, columns)):
        if volts.ndim != 2 or volts.shape[1] != size:
            raise ConfigError(f"{name} has {volts.shape[-1]} voltages; the array has {size}")
        if not np.isfinite(volts).all():
            raise ConfigError(f"a voltage of {name} is not a number")
    cases = max(len(of_rows), len(of_columns))
    if not {len(of_rows), len(of_columns)} <= {1, cases}:
        raise ConfigError(f"row_v has {len(of_rows)} cases and column_v {len(of_columns)}; they must be as many")
    return np.broadcast_to(of_rows, (cases, rows)), np.broadcast_to(of_columns, (cases, columns))
