import numpy as np
import pytest
from cell_sampling import seen

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.ageing import bin_ticks
from twinbar.emulator.devices.layout import AGE_BINS, G_ONE, TIME_BINS
from twinbar.emulator.devices.preset import load_preset

N = 60_000
DAY = 86400


def conductances(cell, g_s, ticks, draws=N):
    g = round(g_s / cell.g_max_s * G_ONE)
    return seen(draws, g, ticks, cell.scalars, cell.tables) / G_ONE * cell.g_max_s


def middle_of_age_bin(cell, index):
    return cell.g_min_s + (index + 0.5) / AGE_BINS * (cell.g_max_s - cell.g_min_s)


def test_time_bins_stand_for_their_ticks():
    ticks = bin_ticks()
    for index in range(2, TIME_BINS):
        first = 2 ** (index // 2) if index % 2 == 0 else 3 * 2 ** (index // 2 - 1)
        end = 3 * 2 ** (index // 2 - 1) if index % 2 == 0 else 2 ** (index // 2 + 1)
        assert physics.time_bin(first) == index
        assert physics.time_bin(end - 1) == index
        assert first <= ticks[index] <= end - 1
    assert physics.time_bin(1) == 0
    assert ticks[0] == 1


@pytest.mark.parametrize(("ticks", "column"), [(1, 0), (DAY, 1), (2 * DAY, 2)])
def test_neurram_relaxes_as_the_published_polynomials(tables_of, ticks, column):
    cell = tables_of("neurram")
    law = load_preset("neurram").relaxation
    g_s = middle_of_age_bin(cell, 20)
    expected = np.polynomial.polynomial.polyval(g_s / 40e-6, law.sigma[column].si_list)
    got = conductances(cell, g_s, ticks)
    assert got.mean() == pytest.approx(g_s, abs=4 * expected / np.sqrt(N))
    # A time bin is half an octave, over which the spread changes by a few percent.
    assert got.std() == pytest.approx(expected, rel=0.03)
    assert 1.5e-6 < expected < 4e-6


def test_nothing_relaxes_within_a_tick_or_before_the_first_pulse(tables_of):
    cell = tables_of("neurram")
    assert set(conductances(cell, 20e-6, 0, 100)) == {round(20e-6 / 40e-6 * G_ONE) / G_ONE * cell.g_max_s}
    key = physics.cell_key(cell.scalars[0].seed, 0, 0)
    assert physics.effective_conductance(G_ONE // 2, key, 0, 1000, cell.scalars, cell.tables) == G_ONE // 2


def test_relaxation_does_not_depend_on_how_often_a_cell_is_read(tables_of):
    cell = tables_of("neurram")
    assert np.array_equal(conductances(cell, 20e-6, 7, 50), conductances(cell, 20e-6, 7, 50))


@pytest.mark.parametrize("ticks", [1, 64, 3600, DAY])
def test_cmo_relaxes_with_the_logarithm_of_time(tables_of, ticks):
    cell = tables_of("ibm-cmo-hfox")
    g_s = middle_of_age_bin(cell, 15)
    log_time = np.log(bin_ticks()[physics.time_bin(ticks)])
    sigma = (0.04201137 * log_time + 0.41183342) * 1e-6
    got = conductances(cell, g_s, ticks)
    assert got.mean() - g_s == pytest.approx(-0.08900206e-6 * log_time, abs=4 * sigma / np.sqrt(N))
    assert got.std() == pytest.approx(sigma, rel=0.015)
    # The bin stands for its ticks within 20 % in time.
    assert log_time == pytest.approx(np.log(ticks), abs=0.2)


def test_tick_is_a_span_of_time(tables_of):
    cell = tables_of("ibm-cmo-hfox", tick_s=3600.0)
    got = conductances(cell, middle_of_age_bin(cell, 15), 1)
    assert got.std() == pytest.approx((0.04201137 * np.log(3600) + 0.41183342) * 1e-6, rel=0.015)


@pytest.mark.parametrize("ticks", [64, 4096, 1 << 20])
def test_pcm_drifts_with_its_power_law(tables_of, changed, ticks):
    cell = tables_of(changed("ibm-pcm", relaxation=None))
    g_s = middle_of_age_bin(cell, 24)
    log_x = np.log(g_s / 25e-6)
    nu, nu_sigma = max(-0.0155 * log_x + 0.0244, 0.049), max(-0.0125 * log_x - 0.0059, 0.008)
    octaves = np.log2(bin_ticks()[physics.time_bin(ticks)] / 20)
    log_ratio = np.log2(conductances(cell, g_s, ticks) / g_s)
    assert log_ratio.mean() == pytest.approx(-nu * octaves, rel=0.01)
    assert log_ratio.std() == pytest.approx(nu_sigma * octaves, rel=0.02)


def test_pcm_does_not_drift_before_its_reference_time(tables_of, changed):
    cell = tables_of(changed("ibm-pcm", relaxation=None))
    assert set(conductances(cell, 12.5e-6, 15, 100)) == {0.5 * cell.g_max_s}


def test_write_noise_is_drawn_with_each_pulse(tables_of):
    cell = tables_of("reram-array-om")
    got = conductances(cell, 30e-6, 0)
    assert got.mean() == pytest.approx(30e-6, rel=0.001)
    assert got.std() == pytest.approx(1.4113 * 0.0949 / 2 * 45e-6, rel=0.015)


def test_quiet_cells_age_by_the_mean_only(tables_of):
    cell = tables_of("ibm-cmo-hfox", cycle_noise=False)
    got = conductances(cell, middle_of_age_bin(cell, 15), DAY, 50)
    assert len(set(got)) == 1
    assert got[0] < middle_of_age_bin(cell, 15)
