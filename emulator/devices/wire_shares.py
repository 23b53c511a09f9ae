"""What resistive wires leave of a multiplication, where all cells are alike: the exact solution, in closed form."""

import functools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@functools.cache
def _shared_wires(cells: int) -> tuple[Floats, Floats]:
    """Return eigenvalues and eigenvectors of the wires that cells ``k`` and ``l`` of a line share: ``min(k, l)``."""
    place = np.arange(cells)
    values, vectors = np.linalg.eigh(np.minimum(place[:, None], place).astype(np.float64))
    return values, vectors


def shares_of_alike_cells(conductance_s: float, wire_ohm: float, rows: int, columns: int) -> Floats:
    """Return the share of each cell's current that reaches its column: ``I_c = sum_r share[r, c] G V_r``.

    The current of a cell flows through the wires between it and the driver of its row (next to column 0) and the
    terminal of its column (next to row 0), so that the voltages over cells of conductance G are the solution of ``v + G
    K v = v0`` with ``K = R (I x M_columns + M_rows x I)``, ``M[k, l] = min(k, l)``. It is diagonal in the eigenvectors
    of the two M. Since K is symmetric, the current that row ``r`` adds to column ``c`` is that of the cell ``(r, c)``
    when all rows are driven alike: the shares hold for all inputs, exactly, as long as all cells are alike.

    Parameters
    ----------
    conductance_s : float
        Of every cell.
    wire_ohm : float
        From one cell of a line to the next.
    rows, columns : int

    Returns
    -------
    float [rows, columns]
    """
    of_rows, in_rows = _shared_wires(rows)
    of_columns, in_columns = _shared_wires(columns)
    left = 1 / (1 + conductance_s * wire_ohm * (of_rows[:, None] + of_columns))
    driven = in_rows.sum(axis=0)[:, None] * left * in_columns.sum(axis=0)
    return np.asarray(in_rows @ driven @ in_columns.T)
