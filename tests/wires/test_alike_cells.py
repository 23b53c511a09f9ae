"""The factor by which engines attenuate products, against the exact solution of arrays with wires."""

from collections.abc import Callable

import numpy as np
import pytest

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.cell_tables import CellTables, build_tables
from twinbar.emulator.devices.layout import G_ONE
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.devices.wire_shares import shares_of_alike_cells
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.emulator.wires.nodal_array import NodalArray

LOW_S, HIGH_S = 1e-6, 10e-6
"""Window of taox-hfox."""


@pytest.mark.parametrize(("rows", "columns"), [(24, 16), (9, 32), (1, 8)])
def test_the_closed_form_is_the_nodal_solution(rows: int, columns: int) -> None:
    array = NodalArray(np.full((rows, columns), 5e-6), LineResistances(50.0, 50.0))
    # One row after the other is driven: what it adds to every column.
    transfer = array.solve(np.eye(rows)).column_a / 5e-6
    assert shares_of_alike_cells(5e-6, 50.0, rows, columns) == pytest.approx(transfer, rel=1e-9)


def uniform(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.uniform(LOW_S, HIGH_S, shape)


def pairs(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Weights about zero on one-sided pairs, the other cell of each at the low end; 5 % of the window in the mean."""
    weights = rng.laplace(0, 0.1, (shape[0], shape[1] // 2)).clip(-1, 1)
    shares = np.stack([weights.clip(0), (-weights).clip(0)], axis=2).reshape(shape)
    return LOW_S + shares * (HIGH_S - LOW_S)


def seen(cells: CellTables, conductance_s: np.ndarray) -> np.ndarray:
    """What engines have of these cells in a product, in siemens."""
    found = np.zeros(conductance_s.shape)
    for (row, column), g in np.ndenumerate(conductance_s):
        grid = physics.to_grid(round(g / cells.g_max_s * G_ONE), row + column, cells.scalars, cells.tables)
        number = row * conductance_s.shape[1] + column
        found[row, column] = physics.product_grid(grid, number, cells.scalars, cells.tables)
    return found * cells.g_max_s / (1 << cells.grid_bits)


@pytest.mark.parametrize(
    ("draw", "reference", "taken", "left"),
    [(uniform, 0.5, 0.05, 2e-3), (pairs, 0.05, 0.012, 1e-3)],
    ids=["cells of the whole window", "pairs as trainings leave them"],
)
@pytest.mark.parametrize("driven", [1.0, 0.2], ids=["all rows", "a fifth of the rows"])
def test_little_is_left_of_what_wires_take_away(
    draw: Callable[..., np.ndarray], reference: float, taken: float, left: float, driven: float
) -> None:
    rng = np.random.default_rng(3)
    array = ArrayConfig(rows=128, columns=128, grid_bits=16, wire_resistance_ohm=1.0, wire_reference=reference)
    cells = build_tables(load_preset("taox-hfox"), array, seed=0, clock_hz=100e6, variance_max=255)
    g = draw(rng, (128, 128))
    volts = rng.uniform(0, 0.2, (8, 128)) * (rng.random((8, 128)) < driven)
    ideal, exact = volts @ g, NodalArray(g, LineResistances(1.0, 1.0)).solve(volts).column_a
    scale = ideal.mean()

    def error(found: np.ndarray) -> float:
        return float(np.sqrt(np.mean(np.square(found - exact)))) / scale

    assert error(ideal) > taken
    assert error(volts @ seen(cells, g)) < left


def test_the_factor_does_not_follow_the_state() -> None:
    """Documented: cells that lie elsewhere than ``array.wire_reference`` says are attenuated by too much or little."""
    rng = np.random.default_rng(4)
    g, volts = uniform(rng, (128, 128)), rng.uniform(0, 0.2, (8, 128))
    exact = NodalArray(g, LineResistances(1.0, 1.0)).solve(volts).column_a
    of_pairs = volts @ (g * shares_of_alike_cells(LOW_S + 0.05 * (HIGH_S - LOW_S), 1.0, 128, 128))
    lost = 1 - exact.sum() / (volts @ g).sum()
    found = 1 - of_pairs.sum() / (volts @ g).sum()
    # Drops grow with the mean current of the neighbours: 1.45 uS instead of 5.5 uS.
    assert found / lost == pytest.approx(1.45 / 5.5, rel=0.1)
