"""A cell's conductance stays in its own window, and what is seen of it never falls below zero."""

from cell_sampling import cells, seen, train

from twinbar.emulator.devices.layout import CODES, RESET, SET


def test_many_pulses_end_at_the_edges_of_the_window(tables_of):
    # With its own spread a cell would be pushed past either edge by the last of hundreds of pulses.
    tables = tables_of("taox-hfox")
    arrays = tables.scalars, tables.tables
    low, high = cells(1, *arrays)[0, 2:4].tolist()
    amplitude = tables.volts_to_code(1.6)
    up, down = (
        train(2000, polarity, start, amplitude, CODES - 1, 8 * tables.width_cycles[polarity], *arrays)
        for polarity, start in ((SET, low), (RESET, high))
    )
    assert up.max() == high
    assert up.min() >= low
    assert down.min() == low
    assert down.max() <= high


def test_write_noise_on_the_lowest_cell_is_cut_off_at_zero(tables_of):
    # Half of the draws lie below: the noise is some 6 % of a window whose lower end is near zero.
    tables = tables_of("reram-array-om")
    got = seen(500, 1, 0, tables.scalars, tables.tables)
    assert got.min() == 0
    assert 200 < (got == 0).sum() < 300
