import numpy as np
import pytest
from cell_sampling import cells

from twinbar.emulator.devices.layout import (
    FAULT_NON_RESPONDING,
    FAULT_NONE,
    FAULT_STUCK_HIGH,
    FAULT_STUCK_LOW,
    G_ONE,
    Q12,
)

N = 40_000


def test_gains_of_set_and_reset_are_shared_where_the_preset_says_so(tables_of):
    shared = cells(N, *arrays(tables_of("taox-hfox")))
    assert np.array_equal(shared[:, 0], shared[:, 1])
    separate = cells(N, *arrays(tables_of("neurram")))
    assert abs(np.corrcoef(separate[:, 0], separate[:, 1])[0, 1]) < 0.02


def test_normal_gain(tables_of):
    gain = cells(N, *arrays(tables_of("taox-hfox")))[:, 0] / Q12
    assert gain.mean() == pytest.approx(1, abs=0.005)
    assert gain.std() == pytest.approx(0.2, rel=0.02)
    assert gain.min() > 0


def test_lognormal_gain(tables_of):
    log_gain = np.log(cells(N, *arrays(tables_of("reram-array-om")))[:, 0] / Q12)
    assert np.median(log_gain) == pytest.approx(0, abs=0.02)
    assert log_gain.std() == pytest.approx(0.7829, rel=0.02)


def test_bounds_vary_as_published_and_never_cross(tables_of):
    cell = tables_of("reram-array-hfo2")
    own = cells(N, *arrays(cell))
    low, high, scale = own[:, 2], own[:, 3], own[:, 4]
    window = cell.window[1] - cell.window[0]
    assert (high - low).min() >= window // 8 - 1
    assert low.min() >= 0
    # The upper bound is clipped only 2.8 standard deviations down.
    assert high.std() / window == pytest.approx(0.4295 / 2, rel=0.03)
    assert np.corrcoef(low, high)[0, 1] == pytest.approx(0, abs=0.02)
    assert np.array_equal(scale, (512 << 32) // (high - low))


def test_fixed_bounds(tables_of):
    cell = tables_of("taox-hfox")
    own = cells(100, *arrays(cell))
    assert set(own[:, 2]) == {cell.window[0]}
    assert set(own[:, 3]) == {G_ONE}


def test_nonlinearity_deviates(tables_of):
    own = cells(N, *arrays(tables_of("taox-hfox")))
    for column in (5, 6):
        z = own[:, column] / Q12
        assert z.mean() == pytest.approx(0, abs=0.02)
        assert z.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(own[:, 5], own[:, 6])[0, 1]) < 0.02


def test_one_standard_deviation_of_the_label_bends_the_step(tables_of):
    from twinbar.emulator.devices.layout import O_MEAN, O_SHAPE, STEP_BINS
    from twinbar.emulator.devices.responses.exponential import curvature_of, exponential_step

    cell = tables_of("taox-hfox")
    p = (np.arange(STEP_BINS) + 0.5) / STEP_BINS
    window = cell.window[1] - cell.window[0]
    bent = cell.tables[O_MEAN : O_MEAN + STEP_BINS] + cell.tables[O_SHAPE : O_SHAPE + STEP_BINS]
    expected = exponential_step(p, curvature_of(0.04 + 0.5), 128, 0) * window
    # The tables are linear in the deviate: exact at the chord through plus and minus one sigma up to its curvature.
    np.testing.assert_allclose(bent, expected, rtol=0.03)


def test_faults_come_with_their_shares(tables_of, changed, assumed):
    faults = {"stuck_low": assumed(3, "%"), "stuck_high": assumed(2, "%"), "non_responding": assumed(1, "%")}
    cell = tables_of(changed("taox-hfox", faults=faults))
    own = cells(N, *arrays(cell))
    share = {fault: np.mean(own[:, 7] == fault) for fault in range(4)}
    for fault, expected in ((FAULT_STUCK_LOW, 0.03), (FAULT_STUCK_HIGH, 0.02), (FAULT_NON_RESPONDING, 0.01)):
        assert share[fault] == pytest.approx(expected, abs=4 * np.sqrt(expected / N))
    assert share[FAULT_NONE] == pytest.approx(0.94, abs=0.005)
    assert set(own[own[:, 7] == FAULT_STUCK_LOW, 8]) == {cell.window[0]}
    assert set(own[own[:, 7] == FAULT_STUCK_HIGH, 8]) == {cell.window[1]}


def test_all_cells_stuck(tables_of, changed, assumed):
    faults = {"stuck_low": assumed(1, "1"), "stuck_high": assumed(0, "1"), "non_responding": assumed(0, "1")}
    assert set(cells(1000, *arrays(tables_of(changed("taox-hfox", faults=faults))))[:, 7]) == {FAULT_STUCK_LOW}


def test_conductance_after_forming(tables_of):
    cell = tables_of("stellar")
    g = cells(N, *arrays(cell))[:, 8] / G_ONE * cell.g_max_s
    assert g.mean() == pytest.approx(11e-6, rel=0.002)
    assert g.std() == pytest.approx(1e-6, rel=0.02)


def test_variation_switched_off(tables_of):
    own = cells(500, *arrays(tables_of("neurram", variation=False)))
    assert all(len(set(own[:, column])) == 1 for column in range(9))


def arrays(cell):
    return cell.scalars, cell.tables
