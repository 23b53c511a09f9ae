"""A fast approximation of what wires take away: currents and the drops that they cause, in turns."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.emulator.wires.wired_array import Floats, seen_conductances, terminal_voltages


@dataclass(frozen=True)
class DropEstimate:
    """Voltages and currents as far as they were followed.

    Parameters
    ----------
    cell_v : float [n, rows, columns]
        As in `NodalSolution`.
    column_a : float [n, columns]
    error_v : float or None
        No voltage of a cell is further from the exact one; None: the turns do not come closer to it for sure.
    """

    cell_v: Floats
    column_a: Floats
    error_v: float | None


def follow_drops(
    conductance_s: npt.ArrayLike,
    lines: LineResistances,
    row_v: npt.ArrayLike,
    column_v: npt.ArrayLike | None = None,
    *,
    turns: int = 2,
) -> DropEstimate:
    """Follow currents and voltage drops in turns, from cells that see the sources themselves.

    With the voltages ``v`` of the cells, their currents ``g v`` add up along the wires to the drops ``K v``; the exact
    voltages are the fixed point of ``v = v0 - K v``. K has no negative entry, so that its norm ``q`` (the largest row
    sum, ``K`` of ones) bounds the error by the last change: ``|v - v_n| <= q / (1 - q) |v_n - v_(n-1)|`` if q < 1 (the
    contraction mapping theorem).

    Parameters
    ----------
    conductance_s : float [rows, columns]
        Of the cells, in siemens.
    lines : LineResistances
    row_v : float [rows] or [n, rows]
    column_v : float [columns] or [n, columns], optional
        All 0 V, if it is not given.
    turns : int
        1: the drops that the currents without any cause (first order).

    Raises
    ------
    ConfigError
        If conductances and voltages do not fit.
    """
    g = seen_conductances(conductance_s, lines)
    of_rows, of_columns = terminal_voltages(row_v, column_v, g.shape)
    ideal = of_rows[:, :, None] - of_columns[:, None, :]
    cell_v = ideal
    before = cell_v
    for _ in range(turns):
        before, cell_v = cell_v, ideal - _drops(g * cell_v, lines)
    norm = float(_drops(g[None], lines).max())
    change = float(np.abs(cell_v - before).max())
    error_v = norm / (1 - norm) * change if norm < 1 and turns else None
    return DropEstimate(cell_v, (g * cell_v).sum(axis=1), error_v)


def _drops(cell_a: Floats, lines: LineResistances) -> Floats:
    """Return what cells lose of the voltage of their sources to the wires that their currents take."""
    # Through the wire before a cell go its own current and those of all cells behind it.
    along_row = np.flip(np.cumsum(np.flip(cell_a, 2), axis=2), 2)
    along_column = np.flip(np.cumsum(np.flip(cell_a, 1), axis=1), 1)
    row_ohm = np.full(cell_a.shape[2], lines.row_ohm)
    column_ohm = np.full(cell_a.shape[1], lines.column_ohm)
    row_ohm[0], column_ohm[0] = lines.driver_ohm, lines.terminal_ohm
    on_row = np.cumsum(along_row * row_ohm, axis=2)
    return np.asarray(on_row + np.cumsum(along_column * column_ohm[:, None], axis=1))
