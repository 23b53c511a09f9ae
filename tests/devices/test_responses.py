import numpy as np
import pytest

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.devices.responses.exponential import curvature_of, exponential_step, nonlinearity_label

# Pairs of nonlinearity label and normA as NeuroSim tabulates them (formula.cpp, getParamA).
NEUROSIM_PAIRS = [
    (0.01, 126.268958),
    (0.04, 31.566827),
    (0.10, 12.625807),
    (0.60, 2.097877),
    (0.50, 2.520),
    (1.75, 0.7021),
    (2.40, 0.4992),
    (3.68, 0.3006),
    (4.88, 0.2003),
    (6.76, 0.1003),
]


def neurosim_conductance(x, g_min, g_max, norm_a, pulses):
    """NeuroSim's own form: G over the pulse number x."""
    a = norm_a * pulses
    b = (g_max - g_min) / (1 - np.exp(-pulses / a))
    return b * (1 - np.exp(-x / a)) + g_min


@pytest.mark.parametrize(("label", "norm_a"), NEUROSIM_PAIRS)
def test_label_of_neurosims_table(label, norm_a):
    assert nonlinearity_label(1 / norm_a) == pytest.approx(label, rel=2e-3)
    assert nonlinearity_label(-1 / norm_a) == pytest.approx(-label, rel=2e-3)


@pytest.mark.parametrize("label", [-6.0, -0.3, 0.0, 1e-3, 2.4, 8.9])
def test_curvature_inverts_the_label(label):
    assert nonlinearity_label(curvature_of(label)) == pytest.approx(label, abs=1e-9)


@pytest.mark.parametrize("norm_a", [31.57, 0.4992, -1.997, -0.1003])
@pytest.mark.parametrize("polarity", [SET, RESET])
def test_step_over_conductance_is_neurosims_step_over_pulses(norm_a, polarity):
    x = np.arange(129.0)
    position = neurosim_conductance(x, 0.0, 1.0, norm_a, 128)
    before, after = (position[:-1], position[1:]) if polarity == SET else (position[1:], position[:-1])
    np.testing.assert_allclose(exponential_step(before, 1 / norm_a, 128, polarity), after - before, atol=1e-12)


def test_sign_of_the_label_says_at_which_end_reset_is_steep():
    low, high = exponential_step(np.array([0.01, 0.99]), 1 / -0.2003, 100, RESET)
    assert abs(high) > 10 * abs(low)
    low, high = exponential_step(np.array([0.01, 0.99]), 1 / 0.2003, 100, RESET)
    assert abs(low) > 10 * abs(high)


def test_soft_bounds_are_aihwkits():
    response = load_preset("reram-array-om").response
    weight = np.linspace(-1, 1, 11)
    position = (weight + 1) / 2
    # aihwkit, rpu_softbounds_reference_device.cpp: scale * (1 - w / bound), in weights of range 2.
    np.testing.assert_allclose(response.mean(position, SET, 1.0) * 2, 0.0949 * (1 - weight), atol=1e-12)
    np.testing.assert_allclose(response.mean(position, RESET, 1.0) * 2, -0.0949 * (1 + weight), atol=1e-12)


def test_linear_step_is_aihwkits():
    response = load_preset("ecram").response
    w_max, w_min = 1.1724, -0.8276
    weight = np.linspace(w_min, w_max, 11)
    position = (weight - w_min) / 2
    up, down = 0.002 * (1 - 0.1153 * weight / w_max), -0.002 * (1 - 0.5085 * weight / w_min)
    np.testing.assert_allclose(response.mean(position, SET, 1.0) * 2, up, rtol=1e-9)
    np.testing.assert_allclose(response.mean(position, RESET, 1.0) * 2, down, rtol=1e-9)


def test_exponential_step_is_aihwkits():
    response = load_preset("reram-es").response
    weight = np.linspace(-1, 1, 11)
    z = weight * -0.5 - 0.5
    up = 0.00135 * np.maximum(1 + 1.18445 * np.exp(5 * z), 0)
    down = -0.00135 * (1 - 0.259359) * np.maximum(1 + 0.081404 * np.exp(-5 * z), 0)
    np.testing.assert_allclose(response.mean((weight + 1) / 2, SET, 1.0) * 2, up, rtol=1e-6)
    np.testing.assert_allclose(response.mean((weight + 1) / 2, RESET, 1.0) * 2, down, rtol=1e-6)


def test_jump_table_reads_the_bin_of_the_conductance():
    response = load_preset("stellar").response
    window = 18e-6
    middles = (np.arange(10) + 0.5) / 10
    np.testing.assert_allclose(response.mean(middles, SET, window) * window, response.set.mean.si_list)
    np.testing.assert_allclose(
        response.mean(middles, RESET, window) * window, [-m for m in response.reset.mean.si_list]
    )
    # RESET moves most at high conductance, SET at low.
    assert response.mean(middles, RESET, window)[-1] == min(response.mean(middles, RESET, window))
    assert response.mean(middles, SET, window)[0] == max(response.mean(middles, SET, window))
    np.testing.assert_allclose(
        response.spread(middles, SET, window) * window, np.array(response.set.std.si_list) / np.sqrt(2), rtol=1e-6
    )
