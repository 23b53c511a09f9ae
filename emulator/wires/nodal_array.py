"""Exact solution of an array with resistive wires: Kirchhoff's current law at both ends of every cell."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.emulator.wires.wired_array import Floats, seen_conductances, terminal_voltages
from twinbar.hw.extras import need


@dataclass(frozen=True)
class NodalSolution:
    """Voltages and currents of an array; [n] cases, or none if the voltages were those of one.

    Parameters
    ----------
    cell_v : float [n, rows, columns]
        Voltage of each row over its column where they cross: over a cell and its selector.
    cell_a : float [n, rows, columns]
        Current from row to column.
    """

    cell_v: Floats
    cell_a: Floats

    @property
    def column_a(self) -> Floats:
        """Currents out of the terminals of the columns, in amperes: [n, columns]."""
        return np.asarray(self.cell_a.sum(axis=-2))

    @property
    def row_a(self) -> Floats:
        """Currents out of the drivers of the rows, in amperes: [n, rows]."""
        return np.asarray(self.cell_a.sum(axis=-1))


class NodalArray:
    """An array whose nodal matrix is factored once, and solved for any voltages.

    Each crossing has two nodes, one on its row and one on its column; 2 rows x columns equations, sparse and symmetric,
    which SuperLU factors (`scipy.sparse.linalg.splu`).

    Parameters
    ----------
    conductance_s : float [rows, columns]
        Of the cells, in siemens.
    lines : LineResistances

    Attributes
    ----------
    shape : (rows, columns)

    Raises
    ------
    ConfigError
        If these are no conductances of an array.
    ToolMissingError
        If SciPy is missing; the text names the extra that brings it.
    """

    def __init__(self, conductance_s: npt.ArrayLike, lines: LineResistances) -> None:
        need("scipy", "wires", "the nodal solution of an array")
        from scipy.sparse.linalg import splu

        self.lines = lines
        self._g = g = seen_conductances(conductance_s, lines)
        self.shape: tuple[int, int] = g.shape
        self._row_nodes = np.arange(g.size).reshape(g.shape)
        self._column_nodes = self._row_nodes + g.size
        # A source without resistance fixes the voltage of the node that it is at.
        self._fixed = np.zeros(2 * g.size, bool)
        self._fixed[self._row_nodes[:, 0]] = lines.driver_ohm == 0
        self._fixed[self._column_nodes[0]] = lines.terminal_ohm == 0
        matrix = self._matrix()
        free = np.flatnonzero(~self._fixed)
        self._free, self._to_fixed = free, matrix[free][:, np.flatnonzero(self._fixed)]
        # Symmetric and positive definite: no pivoting is needed, and the fill-in stays small.
        options = {"SymmetricMode": True}
        unknown = matrix[free][:, free].tocsc()
        self._factor = (
            splu(unknown, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options) if free.size else None
        )

    def solve(self, row_v: npt.ArrayLike, column_v: npt.ArrayLike | None = None) -> NodalSolution:
        """Solve for the voltages of the sources.

        Parameters
        ----------
        row_v : float [rows] or [n, rows]
            In volts.
        column_v : float [columns] or [n, columns], optional
            Of the terminals of the columns; all 0 V, if it is not given.

        Raises
        ------
        ConfigError
            If their sizes do not fit the array.
        """
        of_rows, of_columns = terminal_voltages(row_v, column_v, self._g.shape)
        nodes = np.zeros((2 * self._g.size, len(of_rows)))
        first_of_rows, first_of_columns = self._row_nodes[:, 0], self._column_nodes[0]
        injected = np.zeros_like(nodes)
        for first, volts, ohms in (
            (first_of_rows, of_rows, self.lines.driver_ohm),
            (first_of_columns, of_columns, self.lines.terminal_ohm),
        ):
            if ohms:
                injected[first] = volts.T / ohms
            else:
                nodes[first] = volts.T
        if self._factor is not None:
            known = injected[self._free] - self._to_fixed @ nodes[self._fixed]
            nodes[self._free] = self._factor.solve(np.ascontiguousarray(known))
        cell_v = (nodes[: self._g.size] - nodes[self._g.size :]).T.reshape(-1, *self._g.shape)
        cell_a = self._g * cell_v
        if np.ndim(row_v) == 1 and (column_v is None or np.ndim(column_v) == 1):
            cell_v, cell_a = cell_v[0], cell_a[0]
        return NodalSolution(cell_v, cell_a)

    def _matrix(self) -> Any:
        """Return the conductance matrix of all nodes, those with a source to a fixed voltage included."""
        from scipy.sparse import coo_array

        lines, rows, columns = self.lines, self._row_nodes, self._column_nodes
        links = (
            (rows[:, :-1], rows[:, 1:], 1 / lines.row_ohm),
            (columns[:-1], columns[1:], 1 / lines.column_ohm),
            (rows, columns, self._g),
        )
        starts = np.concatenate([start.ravel() for start, _, _ in links])
        ends = np.concatenate([end.ravel() for _, end, _ in links])
        g = np.concatenate([np.broadcast_to(each, start.shape).ravel() for start, _, each in links])
        both = np.bincount(starts, g, 2 * self._g.size) + np.bincount(ends, g, 2 * self._g.size)
        diagonal = both.astype(np.float64)
        if lines.driver_ohm:
            diagonal[rows[:, 0]] += 1 / lines.driver_ohm
        if lines.terminal_ohm:
            diagonal[columns[0]] += 1 / lines.terminal_ohm
        every = np.arange(2 * self._g.size)
        places = np.concatenate([starts, ends, every]), np.concatenate([ends, starts, every])
        return coo_array((np.concatenate([-g, -g, diagonal]), places)).tocsr()
