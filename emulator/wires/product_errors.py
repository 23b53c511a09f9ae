"""How far multiplications on an array with resistive wires are from those without, and approximations of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.wire_shares import shares_of_alike_cells
from twinbar.emulator.wires.line_drop import follow_drops
from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.emulator.wires.nodal_array import NodalArray
from twinbar.emulator.wires.wired_array import Floats


@dataclass(frozen=True)
class ProductErrors:
    """Errors of column currents, as shares of the mean current of a column without wires.

    Parameters
    ----------
    wires : float
        Root mean square of what the wires take away.
    after_gain : float
        What is left of it if each column's currents are multiplied by one number, the best there is: what calibrating
        a column's gain cannot mend.
    reference_factor : float
        Of the factor by which engines attenuate cells (`array.wire_resistance_ohm`), against the exact currents.
    turns : dict of int to float
        Of `follow_drops` after so many turns, against the exact currents.
    """

    wires: float
    after_gain: float
    reference_factor: float
    turns: dict[int, float]


def product_errors(
    conductance_s: npt.ArrayLike, lines: LineResistances, row_v: npt.ArrayLike, reference_s: float, most_turns: int = 4
) -> ProductErrors:
    """Solve multiplications exactly, and hold what is simpler to them.

    Parameters
    ----------
    conductance_s : float [rows, columns]
        In siemens.
    lines : LineResistances
    row_v : float [n, rows]
        Read voltages of n multiplications.
    reference_s : float
        Of all cells of the array whose solution the engines' factor is.
    most_turns : int
        Of the approximation.
    """
    g, volts = np.asarray(conductance_s, np.float64), np.atleast_2d(np.asarray(row_v, np.float64))
    exact = NodalArray(g, lines).solve(volts).column_a
    ideal = volts @ g
    scale = float(np.abs(ideal).mean())

    def error(found: Floats) -> float:
        return float(np.sqrt(np.mean(np.square(found)))) / scale

    # As `twinbar.emulator.devices.cell_tables` has it: one resistance for rows and columns, and nothing else.
    factor = shares_of_alike_cells(reference_s, lines.row_ohm, *g.shape)
    gain = np.sum(exact * ideal, axis=0) / np.maximum(np.sum(np.square(exact), axis=0), np.finfo(float).tiny)
    return ProductErrors(
        wires=error(exact - ideal),
        after_gain=error(gain * exact - ideal),
        reference_factor=error(volts @ (g * factor) - exact),
        turns={n: error(follow_drops(g, lines, volts, turns=n).column_a - exact) for n in range(1, most_turns + 1)},
    )


def drawn_product(preset: Preset, rows: int, columns: int, vectors: int, seed: int) -> tuple[Floats, Floats]:
    """Draw cells anywhere in a preset's window, and inputs at any share of its read voltage.

    Returns
    -------
    conductance_s : float [rows, columns]
    row_v : float [vectors, rows]
    """
    rng = np.random.default_rng(seed)
    conductance_s = rng.uniform(preset.window.g_min.si, preset.window.g_max.si, (rows, columns))
    return conductance_s, rng.uniform(0, preset.read.voltage.si, (vectors, rows))
