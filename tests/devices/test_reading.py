import numpy as np
import pytest
from cell_sampling import reads

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import G_ONE

N = 50_000


def codes(cell, g_s):
    return reads(N, round(g_s / cell.g_max_s * G_ONE), cell.scalars, cell.tables)


@pytest.mark.parametrize("g_s", [2e-6, 5e-6, 9.5e-6])
def test_relative_read_noise(tables_of, g_s):
    cell = tables_of("taox-hfox", adc_bits=12, grid_bits=12)
    got = codes(cell, g_s)
    per_siemens = 4095 / (1.15 * 10e-6)
    assert got.mean() == pytest.approx(g_s * per_siemens, abs=1)
    # Rounding to codes and to the grid adds a twelfth of a code squared each.
    assert got.std() == pytest.approx(0.0289 * g_s * per_siemens, rel=0.02)


def test_tabulated_read_noise(tables_of):
    cell = tables_of("ibm-cmo-hfox", adc_bits=14, grid_bits=12)
    got = codes(cell, 40e-6) / 16383 * 1.15 * 90e-6
    expected = 0.0277316483e-6 * np.log10(40) * np.sqrt(np.log((1 + 1e-6) / 2e-6))
    assert got.std() == pytest.approx(expected, rel=0.03)


def test_noise_of_the_converter_adds(tables_of):
    cell = tables_of("taox-hfox", adc_bits=10, read_noise=False, adc_noise_codes=2.0)
    assert codes(cell, 5e-6).std() == pytest.approx(np.hypot(2.0, np.sqrt(1 / 12)), rel=0.02)


def test_without_noise_a_reading_is_its_rounded_conductance(tables_of):
    cell = tables_of("taox-hfox", read_noise=False, grid_bits=12)
    for g_s in (1e-6, 3.3e-6, 10e-6):
        assert set(codes(cell, g_s)) == {int(np.floor(g_s / 11.5e-6 * 255 + 0.5))}


def test_readings_clip_at_full_scale(tables_of):
    cell = tables_of("taox-hfox", read_range=0.5)
    assert set(codes(cell, 10e-6)) == {255}


def test_wires_attenuate_with_distance(tables_of):
    cell = tables_of("taox-hfox", wire_resistance_ohm=100.0)
    near, far = (physics.to_grid(G_ONE, d, cell.scalars, cell.tables) for d in (0, 200))
    assert near == 1024
    assert far == pytest.approx(1024 / (1 + 5.5e-6 * 100 * 200), abs=1)
    without = tables_of("taox-hfox")
    assert physics.to_grid(G_ONE, 200, without.scalars, without.tables) == 1024


def test_grid_holds_the_highest_cell(tables_of):
    for name, limit in (("taox-hfox", 1024), ("umass-hfo2", None), ("reram-array-hfo2", 2048)):
        cell = tables_of(name)
        if limit is not None:
            assert cell.grid_limit == limit
        else:
            assert 1024 < cell.grid_limit < 2048
        assert physics.to_grid(3 * G_ONE, 0, cell.scalars, cell.tables) == cell.grid_limit


@pytest.mark.parametrize("variance_max", [1, 15, 255, 1 << 20])
def test_variance_table_keeps_to_its_limit(tables_of, variance_max):
    from twinbar.emulator.devices.layout import O_VARIANCE, VAR_BINS

    cell = tables_of("taox-hfox", variance_max=variance_max)
    table = cell.tables[O_VARIANCE : O_VARIANCE + VAR_BINS]
    assert table.max() == variance_max
    assert table.min() >= 0
    assert cell.variance_unit * variance_max == pytest.approx((0.0289 * 1024) ** 2, rel=0.01)
