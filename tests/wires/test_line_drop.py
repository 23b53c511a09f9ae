"""Drops that are followed in turns: by hand, within their bound, and towards the exact solution."""

import numpy as np
import pytest

from twinbar.emulator.wires.line_drop import follow_drops
from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.emulator.wires.nodal_array import NodalArray


def test_the_first_turn_by_hand() -> None:
    # Both cells draw 1 mA at 1 V. The second one's goes through 100 ohms: 0.1 V are lost; 1/11 V would be exact.
    lines = LineResistances(100.0, 1.0)
    first = follow_drops([[1e-3, 1e-3]], lines, [1.0], turns=1)
    assert first.column_a[0] == pytest.approx([1e-3, 0.9e-3], rel=1e-12)
    second = follow_drops([[1e-3, 1e-3]], lines, [1.0], turns=2)
    assert second.column_a[0] == pytest.approx([1e-3, 0.91e-3], rel=1e-12)
    # K of ones is 0.1, and the last change 0.01 V: the error is at most 0.1 / 0.9 * 0.01 V. It is 10/11 - 0.91 V.
    assert second.error_v == pytest.approx(0.1 / 0.9 * 0.01, rel=1e-9)
    assert abs(10 / 11 - 0.91) <= second.error_v


def test_a_row_drives_all_its_cells_through_its_driver() -> None:
    # 2 mA through 50 ohms of the driver, 1 mA through 100 ohms of the wire; 1 mA each through 10 ohms of a terminal.
    lines = LineResistances(100.0, 1.0, driver_ohm=50.0, terminal_ohm=10.0)
    estimate = follow_drops([[1e-3, 1e-3]], lines, [1.0], turns=1)
    assert estimate.cell_v[0, 0] == pytest.approx([1 - 0.1 - 0.01, 1 - 0.1 - 0.1 - 0.01], rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_no_voltage_is_further_off_than_the_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    g, lines = rng.uniform(1e-6, 6e-5, (24, 20)), LineResistances(5.0, 7.0, 100.0, 50.0)
    row_v, column_v = rng.uniform(-0.2, 0.2, (2, 24)), rng.uniform(-0.1, 0.1, (2, 20))
    exact = NodalArray(g, lines).solve(row_v, column_v).cell_v
    errors = []
    for turns in (1, 2, 4, 8):
        estimate = follow_drops(g, lines, row_v, column_v, turns=turns)
        errors.append(np.abs(estimate.cell_v - exact).max())
        assert estimate.error_v is not None
        assert errors[-1] <= estimate.error_v
    assert errors[-1] < 1e-3 * errors[0]


def test_turns_that_need_not_converge_have_no_bound() -> None:
    assert follow_drops(np.full((64, 64), 1e-3), LineResistances(10.0, 10.0), np.ones(64)).error_v is None
