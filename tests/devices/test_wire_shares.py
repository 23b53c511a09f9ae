"""What wires leave of a multiplication where all cells are alike: small arrays by hand."""

import numpy as np
import pytest

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import G_ONE, O_PRODUCT, TABLE_SIZE
from twinbar.emulator.devices.wire_shares import shares_of_alike_cells


def test_two_lines_by_hand() -> None:
    # G R is 0.1. No wire to (0, 0), one in series with (0, 1) and (1, 0), two with (1, 1), none of them shared.
    assert shares_of_alike_cells(1e-3, 100.0, 2, 2) == pytest.approx(np.array([[1, 1 / 1.1], [1 / 1.1, 1 / 1.2]]))


def test_cells_of_a_row_share_a_wire() -> None:
    # q = G R: v2 = v1 - q v2, and v1 = 1 - q (v1 + v2), since the currents of both flow through the first wire.
    q = 0.1
    v1 = 1 / (1 + q + q / (1 + q))
    assert shares_of_alike_cells(1e-3, 100.0, 1, 3)[0] == pytest.approx([1, v1, v1 / (1 + q)])
    assert shares_of_alike_cells(1e-3, 100.0, 3, 1)[:, 0] == pytest.approx([1, v1, v1 / (1 + q)])


def test_a_product_sees_less_of_a_cell_than_a_read(tables_of) -> None:
    cell = tables_of("taox-hfox", rows=16, columns=8, grid_bits=16, wire_resistance_ohm=100.0, wire_reference=1.0)
    assert cell.tables.shape == (TABLE_SIZE + 128,)
    share = shares_of_alike_cells(10e-6, 100.0, 16, 8)
    for row, column in ((0, 0), (0, 7), (9, 4), (15, 7)):
        alone = physics.to_grid(G_ONE // 2, row + column, cell.scalars, cell.tables)
        # A read is stated at the middle of the window, 5.5 uS.
        assert alone == pytest.approx(32768 / (1 + 5.5e-6 * 100 * (row + column)), rel=2e-4)
        seen = physics.product_grid(alone, row * 8 + column, cell.scalars, cell.tables)
        assert seen == pytest.approx(32768 * share[row, column], rel=2e-4)


def test_without_wires_a_product_sees_what_a_read_sees(tables_of) -> None:
    cell = tables_of("taox-hfox")
    assert cell.tables.shape == (TABLE_SIZE,)
    assert physics.product_grid(777, 5, cell.scalars, cell.tables) == 777


def test_a_share_above_one_keeps_to_the_grid(tables_of) -> None:
    # A cell that is read alone is stated at the middle of the window; where the others are low, it could be seen as
    # more than the largest value of the grid.
    cell = tables_of("ideal", rows=2, columns=2, wire_resistance_ohm=1e4, wire_reference=0.0)
    assert cell.tables[O_PRODUCT + 1] > 65536
    assert physics.product_grid(cell.grid_limit, 1, cell.scalars, cell.tables) == cell.grid_limit
