"""Writes in a passive array: what the cells beside the selected one see."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from twinbar.emulator.wires.nodal_array import NodalArray
from twinbar.hw.errors import ConfigError


class BiasScheme(Enum):
    """How rows and columns are driven that are not selected, as shares of the write voltage.

    The selected row has all of it and the selected column none: the V/2 and the V/3 scheme of passive arrays.
    """

    HALF = (1 / 2, 1 / 2)
    THIRD = (1 / 3, 2 / 3)

    @property
    def shares(self) -> tuple[float, float]:
        """Of the other rows, and of the other columns."""
        row, column = self.value
        return row, column


@dataclass(frozen=True)
class HalfSelect:
    """What cells see of a write to one of them.

    Parameters
    ----------
    selected_v : float
        Voltage over the selected cell.
    half_selected_v : float
        The largest magnitude over a cell that shares its row or its column; 0 if there is none.
    unselected_v : float
        The largest magnitude over any other cell; 0 if there is none.
    power_w : float
        Taken from all sources, and how much of it heats the selected cell with its selector.
    selected_w : float
    """

    selected_v: float
    half_selected_v: float
    unselected_v: float
    power_w: float
    selected_w: float


def half_select(array: NodalArray, row: int, column: int, write_v: float, scheme: BiasScheme) -> HalfSelect:
    """Solve a write of one cell.

    Parameters
    ----------
    array : NodalArray
    row, column : int
        The selected cell.
    write_v : float
        In volts, from its row to its column.
    scheme : BiasScheme

    Raises
    ------
    ConfigError
        If there is no such cell.
    """
    rows, columns = array.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise ConfigError(
            f"there is no cell in row {row}, column {column}: the array has {rows} rows, {columns} columns"
        )
    of_rows, of_columns = scheme.shares
    row_v, column_v = np.full(rows, of_rows * write_v), np.full(columns, of_columns * write_v)
    row_v[row], column_v[column] = write_v, 0.0
    solution = array.solve(row_v, column_v)
    seen = np.abs(solution.cell_v)
    shared = np.zeros(array.shape, bool)
    shared[row], shared[:, column] = True, True
    others = ~shared
    shared[row, column] = False
    return HalfSelect(
        selected_v=float(solution.cell_v[row, column]),
        half_selected_v=float(seen[shared].max(initial=0.0)),
        unselected_v=float(seen[others].max(initial=0.0)),
        power_w=float(row_v @ solution.row_a - column_v @ solution.column_a),
        selected_w=float(solution.cell_v[row, column] * solution.cell_a[row, column]),
    )
