"""The nodal solution against hand calculations, conservation of charge, and ngspice."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.emulator.wires.nodal_array import NodalArray
from twinbar.hw.errors import ConfigError


def test_one_cell_is_a_chain_of_resistors() -> None:
    lines = LineResistances(7.0, 7.0, driver_ohm=100.0, terminal_ohm=50.0, selector_ohm=1000.0)
    solution = NodalArray([[1e-4]], lines).solve([0.2])
    assert solution.column_a[0] == pytest.approx(0.2 / (100 + 50 + 1000 + 10_000), rel=1e-12)
    assert solution.cell_v[0, 0] == pytest.approx(0.2 * 11_000 / 11_150, rel=1e-12)


def test_two_cells_of_a_row_are_a_ladder() -> None:
    g = [[1e-3, 1e-3]]
    # The second cell is behind 100 ohms of wire; nothing else has a resistance.
    alone = NodalArray(g, LineResistances(100.0, 1.0)).solve([1.1])
    assert alone.column_a == pytest.approx([1.1e-3, 1e-3], rel=1e-12)
    # 100 ohms before both: 1000 ohms beside 1100 are 523.81 ohms, which get 523.81 / 623.81 of the voltage.
    behind = NodalArray(g, LineResistances(100.0, 1.0, driver_ohm=100.0)).solve([1.0])
    node_v = (1000 * 1100 / 2100) / (1000 * 1100 / 2100 + 100)
    assert behind.column_a == pytest.approx([node_v / 1000, node_v / 1100], rel=1e-12)
    assert behind.row_a[0] == pytest.approx((1 - node_v) / 100, rel=1e-12)


def test_the_cell_far_from_the_terminal_is_behind_its_column() -> None:
    solution = NodalArray([[1e-3], [1e-3]], LineResistances(1.0, 100.0)).solve([1.1, 1.1])
    assert solution.cell_a[:, 0] == pytest.approx([1.1e-3, 1e-3], rel=1e-12)


def test_nothing_is_lost_and_cases_add_up() -> None:
    rng = np.random.default_rng(1)
    array = NodalArray(rng.uniform(1e-6, 1e-4, (6, 9)), LineResistances(3.0, 2.0, 40.0, 20.0, 500.0))
    row_v, column_v = rng.uniform(-1, 1, (3, 6)), rng.uniform(-1, 1, (3, 9))
    solution = array.solve(row_v, column_v)
    np.testing.assert_allclose(solution.row_a.sum(axis=1), solution.column_a.sum(axis=1), rtol=1e-9)
    apart = array.solve(row_v).column_a + array.solve(np.zeros(6), column_v).column_a
    np.testing.assert_allclose(solution.column_a, apart, rtol=1e-9)


def test_a_terminal_sees_a_row_as_the_row_sees_the_terminal() -> None:
    # Reciprocity of networks of resistors: row 2 driven with 1 V gives column 4 the current that row 2 gets from it.
    rng = np.random.default_rng(2)
    array = NodalArray(rng.uniform(1e-6, 1e-4, (5, 6)), LineResistances(3.0, 2.0, 40.0, 20.0))
    driven, back = np.zeros(5), np.zeros(6)
    driven[2], back[4] = 1.0, 1.0
    there = array.solve(driven).column_a[4]
    assert array.solve(np.zeros(5), back).row_a[2] == pytest.approx(-there, rel=1e-9)


def spice_currents(
    conductance_s: np.ndarray, lines: LineResistances, row_v: np.ndarray, column_v: np.ndarray, folder: Path
) -> np.ndarray:
    """Let ngspice find the currents into the sources of the columns."""
    rows, columns = conductance_s.shape
    deck = ["an array with wires"]
    deck += [f"Vr{i} s{i} 0 {volts!r}" for i, volts in enumerate(row_v.tolist())]
    deck += [f"Vc{j} t{j} 0 {volts!r}" for j, volts in enumerate(column_v.tolist())]
    for i in range(rows):
        deck.append(f"Rd{i} s{i} u{i}_0 {lines.driver_ohm!r}")
        deck += [f"Ru{i}_{j} u{i}_{j - 1} u{i}_{j} {lines.row_ohm!r}" for j in range(1, columns)]
    for j in range(columns):
        deck.append(f"Rt{j} t{j} w0_{j} {lines.terminal_ohm!r}")
        deck += [f"Rw{i}_{j} w{i - 1}_{j} w{i}_{j} {lines.column_ohm!r}" for i in range(1, rows)]
    for (i, j), g in np.ndenumerate(conductance_s):
        deck.append(f"Rc{i}_{j} u{i}_{j} w{i}_{j} {float(1 / g + lines.selector_ohm)!r}")
    deck += [".options reltol=1e-10 abstol=1e-18 vntol=1e-15", ".control", "op", "set numdgt=12"]
    deck += [f"print i(vc{j})" for j in range(columns)]
    deck += ["quit", ".endc", ".end", ""]
    (folder / "array.cir").write_text("\n".join(deck), encoding="ascii")
    ran = subprocess.run(["ngspice", "-b", "array.cir"], cwd=folder, capture_output=True, text=True, check=False)
    found = dict(re.findall(r"^i\(vc(\d+)\) = (\S+)", ran.stdout, re.MULTILINE))
    return np.array([float(found[str(j)]) for j in range(columns)])


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="needs ngspice; run: apt-get install ngspice")
@pytest.mark.parametrize("size", [(5, 7), pytest.param((40, 50), marks=pytest.mark.slow)])
def test_an_independent_solver_finds_the_same(size: tuple[int, int], tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    g, lines = rng.uniform(1e-6, 6e-5, size), LineResistances(2.5, 1.5, 120.0, 60.0, 800.0)
    row_v, column_v = rng.uniform(0, 0.2, size[0]), rng.uniform(-0.05, 0.05, size[1])
    expected = spice_currents(g, lines, row_v, column_v, tmp_path)
    np.testing.assert_allclose(NodalArray(g, lines).solve(row_v, column_v).column_a, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"row_ohm": -1.0}, "row_ohm is -1.0; it must be a number of ohms, 0 or more"),
        ({"column_ohm": 0.0}, "column_ohm is 0"),
        ({"selector_ohm": float("nan")}, "selector_ohm is nan"),
    ],
)
def test_impossible_resistances_are_refused(given: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        LineResistances(**{"row_ohm": 1.0, "column_ohm": 1.0} | given)


@pytest.mark.parametrize(
    ("conductance_s", "row_v", "column_v", "says"),
    [
        ([1e-6], [0.1], None, "they must be those of rows x columns"),
        ([[-1e-6]], [0.1], None, "a conductance is negative or no number"),
        ([[1e-6]], [0.1, 0.2], None, "row_v has 2 voltages; the array has 1"),
        ([[1e-6]], [0.1], [0.0, 0.0], "column_v has 2 voltages; the array has 1"),
        ([[1e-6]], [[0.1], [0.2]], [[0.0]] * 3, "row_v has 2 cases and column_v 3"),
        ([[1e-6]], [float("inf")], None, "a voltage of row_v is not a number"),
    ],
)
def test_what_does_not_fit_is_refused(conductance_s: list, row_v: list, column_v: list | None, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        NodalArray(conductance_s, LineResistances(1.0, 1.0)).solve(row_v, column_v)
