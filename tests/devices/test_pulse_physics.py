import numpy as np
import pytest
from cell_sampling import single_pulses, train

from twinbar.emulator.devices.layout import CODES, G_ONE, RESET, SET, STEP_BINS

QUIET = {"variation": False, "cycle_noise": False, "read_noise": False}
NEUROSIM = ["ag-asi", "alox-hfo2", "epiram", "gst-pcm", "hzo-fefet", "pcmo", "taox-hfox", "taox-tio2"]


def nominal(cell, polarity):
    """Amplitude, gate and width of the preset's nominal pulse."""
    return cell.drive.amplitude_start[polarity], CODES - 1, cell.width_cycles[polarity]


@pytest.mark.parametrize("name", NEUROSIM)
@pytest.mark.parametrize("polarity", [SET, RESET])
def test_mean_staircase_is_neurosims(tables_of, name, polarity):
    from twinbar.emulator.devices.preset import load_preset

    preset = load_preset(name)
    branch = preset.response.set if polarity == SET else preset.response.reset
    cell = tables_of(preset, **QUIET)
    low, high = cell.window
    pulses = int(branch.pulses.si)
    got = train(pulses, polarity, low if polarity == SET else high, *nominal(cell, polarity), cell.scalars, cell.tables)
    a = branch.norm_a.si * pulses
    x = np.arange(pulses + 1.0)
    x = x if polarity == SET else pulses - x
    expected = low + (high - low) / (1 - np.exp(-pulses / a)) * (1 - np.exp(-x / a))
    # A step is looked up in one of STEP_BINS bins: its error is at most half a bin times the slope of the step, and it
    # adds up over the staircase to half a bin at most, because the step of a steep staircase shrinks again.
    np.testing.assert_allclose(got, expected, atol=0.75 * (high - low) / STEP_BINS)
    assert got[-1] == pytest.approx(high if polarity == SET else low, abs=0.75 * (high - low) / STEP_BINS)


def test_noise_of_a_pulse_has_the_published_spread(tables_of):
    cell = tables_of("taox-hfox", variation=False)
    low, high = cell.window
    changes = single_pulses(200_000, SET, (low + high) // 2, *nominal(cell, SET), cell.scalars, cell.tables)
    window = high - low
    assert changes.std() / window == pytest.approx(0.037, rel=0.01)
    # At NL 0.04 a step in the middle is close to 1/128 of the window.
    assert changes.mean() / window == pytest.approx(1 / 128, abs=4 * 0.037 / np.sqrt(200_000))
    z = (changes - changes.mean()) / changes.std()
    assert np.mean(z**3) == pytest.approx(0, abs=0.03)
    assert np.mean(z**4) == pytest.approx(3, abs=0.06)


def test_clip_bounds_the_deviates_of_stellar(tables_of):
    cell = tables_of("stellar")
    low, high = cell.window
    g = low + (high - low) // 2 + 100
    changes = single_pulses(50_000, SET, g, *nominal(cell, SET), cell.scalars, cell.tables)
    middle, sigma = 0.0598 / 20 * G_ONE, 0.640 / np.sqrt(2) / 20 * G_ONE
    assert changes.min() == pytest.approx(middle - sigma, abs=4)
    assert changes.max() == pytest.approx(middle + sigma, abs=4)


def test_noise_relative_to_the_step(tables_of):
    cell = tables_of("neurram", variation=False)
    low, high = cell.window
    amplitude, width = cell.volts_to_code(2.0), cell.width_cycles[SET]
    changes = single_pulses(100_000, SET, (low + high) // 2, amplitude, CODES - 1, width, cell.scalars, cell.tables)
    assert changes.std() / changes.mean() == pytest.approx(0.5, rel=0.02)


def test_amplitude_moves_a_cell_exponentially_and_not_below_threshold(tables_of):
    cell = tables_of("neurram", **QUIET)
    low, high = cell.window
    start = (low + high) // 2
    step = {}
    for volts in (0.9, 1.2, 1.6, 2.0, 2.4):
        amplitude = cell.volts_to_code(volts)
        after = train(1, SET, start, amplitude, CODES - 1, cell.width_cycles[SET], cell.scalars, cell.tables)[1]
        step[volts] = (after - start) / (high - low)
    assert step[0.9] == 0
    assert step[2.0] == pytest.approx(0.2, rel=0.01)
    for volts in (1.2, 1.6, 2.4):
        assert step[volts] / step[2.0] == pytest.approx(np.expm1((volts - 1.0) / 0.5) / np.expm1(2.0), rel=0.01)


def test_without_a_law_only_the_nominal_amplitude_acts(tables_of):
    cell = tables_of("ideal")
    start = sum(cell.window) // 2
    width = cell.width_cycles[SET]
    below, at = (
        train(1, SET, start, cell.volts_to_code(1.5) + shift, CODES - 1, width, cell.scalars, cell.tables)[1]
        for shift in (-1, 0)
    )
    assert below == start
    assert at > start


def test_gate_caps_what_set_reaches_and_reset_ignores_it(tables_of):
    cell = tables_of("umass-hfo2", **QUIET)
    gate = cell.volts_to_code(1.0)
    amplitude, _, width = nominal(cell, SET)
    reached = train(20, SET, cell.window[0], amplitude, gate, width, cell.scalars, cell.tables)
    assert reached[-1] / G_ONE * cell.g_max_s == pytest.approx(98e-6 * (1.0 - 0.4), rel=0.005)
    assert list(reached) == sorted(reached)
    # A cell above the cap stays where it is, and RESET moves it whatever the gate.
    high = cell.window[1]
    assert train(1, SET, high, amplitude, gate, width, cell.scalars, cell.tables)[1] == high
    amplitude, _, width = nominal(cell, RESET)
    assert train(1, RESET, high, amplitude, 0, width, cell.scalars, cell.tables)[1] < high


def test_width_scales_only_where_the_preset_says_so(tables_of):
    for name, ratio in (("ideal", 3.0), ("taox-hfox", 1.0)):
        cell = tables_of(name, **QUIET)
        start = sum(cell.window) // 2
        amplitude, gate, width = nominal(cell, SET)
        one, three = (
            train(1, SET, start, amplitude, gate, width * n, cell.scalars, cell.tables)[1] - start for n in (1, 3)
        )
        assert three / one == pytest.approx(ratio, rel=1e-3)


def test_rounding_of_a_width_is_made_good_where_width_scales(tables_of):
    # 75 ns at 100 MHz are 7.5 cycles: 8 cycles move the cell by 8 / 7.5 of a nominal pulse.
    slow, exact = tables_of("hzo-fefet", clock_hz=100e6, **QUIET), tables_of("hzo-fefet", clock_hz=1e9, **QUIET)
    assert slow.width_cycles == (8, 8)
    assert exact.width_cycles == (75, 75)
    start = sum(slow.window) // 2
    moved = [train(1, SET, start, *nominal(c, SET), c.scalars, c.tables)[1] - start for c in (slow, exact)]
    assert moved[0] / moved[1] == pytest.approx(8 / 7.5, rel=1e-4)


def test_pulses_stay_within_the_cells_own_bounds(tables_of):
    cell = tables_of("reram-array-hfo2")
    from cell_sampling import cells

    own = cells(1, cell.scalars, cell.tables)[0]
    low, high = own[2], own[3]
    up = train(200, SET, low, *nominal(cell, SET), cell.scalars, cell.tables)
    down = train(200, RESET, up[-1], *nominal(cell, RESET), cell.scalars, cell.tables)
    assert up.max() <= high
    assert down.min() >= low
    assert up.max() > low + (high - low) // 2
