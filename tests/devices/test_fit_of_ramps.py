"""Pulses of rising voltage, gate ramps, pulses that were not read, and data that the model cannot follow."""

import json
import re

import numpy as np
import pytest

from twinbar.emulator.devices.fit import fit_cell
from twinbar.emulator.devices.fitted_preset import PulseConditions, fitted_preset
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.responses.exponential import exponential_step
from twinbar.hw.errors import ConfigError

CONDITIONS = PulseConditions(None, None, (50.0, "ns"), (60.0, "ns"), None)
LOW_S, WINDOW_S = 1e-6, 9e-6


def ramps(*, curvatures=(0.0, 0.0), read=0.01, trains=8, every=1, noise_exponent=1.0):
    """Simulate ISPP in floats, 1 to 10 uS: thresholds 0.9 and 1.0 V, scales 0.3 and 0.4 V, 0.8 V and up by 50 mV.

    At 1.5 V SET and 1.6 V RESET, 20 and 25 pulses cross the window; a pulse spreads by 0.5 % of the window there.
    """
    random = np.random.default_rng(0)
    found, position = [], 0.0
    for _ in range(trains):
        for polarity, threshold, scale, nominal, pulses in ((SET, 0.9, 0.3, 1.5, 20), (RESET, 1.0, 0.4, 1.6, 25)):
            walk, volts, voltage = [position], [], 0.8
            while (position < 0.98 if polarity == SET else position > 0.02) or (len(walk) - 1) % every:
                factor = np.expm1(max(voltage - threshold, 0) / scale) / np.expm1((nominal - threshold) / scale)
                step = exponential_step(np.array([position]), curvatures[polarity], pulses, polarity)[0]
                noise = 0.005 * factor**noise_exponent * random.standard_normal()
                position = min(max(position + factor * step + noise, 0.0), 1.0)
                walk.append(position)
                volts.append(voltage)
                voltage += 0.05
            g_s = (LOW_S + WINDOW_S * np.array(walk)) * (1 + read * random.standard_normal(len(walk)))
            g_s[np.arange(len(g_s)) % every != 0] = np.nan
            found.append(PulseTrain("", polarity, g_s, np.array(volts)))
    return found


@pytest.mark.parametrize("every", [1, 2])
def test_rising_voltages_tell_threshold_and_scale(every):
    fit = fit_cell(ramps(every=every), nominal_v=(1.5, 1.6))
    for branch, threshold, scale, pulses in zip(fit.branches, (0.9, 1.0), (0.3, 0.4), (20, 25), strict=True):
        assert branch.amplitude.threshold_v == pytest.approx(threshold, abs=0.03)
        assert branch.amplitude.scale_v == pytest.approx(scale, rel=0.12)
        assert branch.pulses == pytest.approx(pulses, rel=0.06)
        assert branch.curvature == 0.0
        low, high = branch.intervals["pulses"]
        assert low < pulses < high
        low, high = branch.intervals["scale_v"]
        assert low < scale < high
    assert fit.read_noise == pytest.approx(0.01, rel=0.15)
    assert fit.noise_exponent == 1.0
    assert fit.notes == ()


def test_a_curvature_is_told_from_a_response_to_the_voltage():
    fit = fit_cell(ramps(curvatures=(2.0, -1.0), trains=20, read=0.005), nominal_v=(1.5, 1.6))
    for branch, curvature in zip(fit.branches, (2.0, -1.0), strict=True):
        low, high = branch.intervals["curvature"]
        assert low < curvature < high
        assert high - low < 1.2
    assert fit.branches[SET].amplitude.scale_v == pytest.approx(0.3, rel=0.1)


def test_the_preset_of_a_ramp_repeats_it(tables_of):
    preset = fitted_preset(fit_cell(ramps()), CONDITIONS, name="mine", title="Mine", material="HfO2", data="m.csv")
    assert preset.write.algorithm == "ispp"
    assert preset.write.set.start.si == pytest.approx(0.8)
    assert preset.write.set.step.si == pytest.approx(0.05)
    assert preset.amplitude.set_threshold.si == pytest.approx(0.9, abs=0.03)
    # Stated where the pulses do most, half-way up: the factor there is 1.
    assert 1.2 < preset.pulse.set_voltage.si < 1.9
    assert "95 % interval" in preset.amplitude.set_scale.note
    assert tables_of(preset).width_cycles == (50, 60)


def test_a_voltage_outside_of_the_data_is_refused():
    with pytest.raises(ConfigError, match=r"the SET voltage is 5 V, but the pulses measured have 0\.8 to "):
        fit_cell(ramps(), nominal_v=(5.0, None))


def gate_ramps(*, gradual_reset=False):
    """SET follows 20 uS/V from 0.5 V on, 1 % of spread; RESET erases at once, or in 60 equal steps."""
    random = np.random.default_rng(0)
    gates = np.arange(0.4, 1.06, 0.02)
    found = []
    for _ in range(6):
        line_s = np.clip(20e-6 * (gates - 0.5), LOW_S, LOW_S + WINDOW_S)
        g_s = np.concatenate([[LOW_S], line_s]) * (1 + 0.01 * random.standard_normal(len(gates) + 1))
        found.append(PulseTrain("", SET, g_s, np.full(len(gates), 2.5), gates))
        down = np.linspace(line_s[-1], LOW_S, 61 if gradual_reset else 2)
        g_s = down * (1 + 0.01 * random.standard_normal(len(down)))
        found.append(PulseTrain("", RESET, g_s, np.full(len(down) - 1, 1.8), np.full(len(down) - 1, 3.0)))
    return found


def test_a_gate_ramp_gives_the_line_that_it_follows(tables_of):
    fit = fit_cell(gate_ramps())
    assert fit.gate.slope_s_per_v == pytest.approx(20e-6, rel=0.01)
    assert fit.gate.offset_v == pytest.approx(0.5, abs=0.005)
    low, high = fit.gate.slope_interval
    assert low < 20e-6 < high
    assert high - low < 1e-6
    preset = fitted_preset(fit, CONDITIONS, name="mine", title="Mine", material="HfO2", data="m.csv")
    assert preset.write.algorithm == "gate-ramp"
    assert preset.write.set_gate.step.si == pytest.approx(0.02)
    assert preset.write.reset_gate.start.si == pytest.approx(3.0)
    assert preset.pulse.set_voltage.si == pytest.approx(2.5)
    assert preset.gate.slope.si == pytest.approx(20e-6, rel=0.01)
    # A SET step reaches the line again from one gate voltage to the next: 0.4 uS of 9, and its noise.
    assert preset.response.set.pulses.si < 9 / 0.4
    assert preset.response.reset.pulses.si == 1
    tables_of(preset)


def test_gates_that_do_nothing_are_no_line():
    trains = [PulseTrain("a", SET, np.full(20, 1e-6), None, np.linspace(1, 2, 19)) for _ in range(3)]
    trains += [PulseTrain("b", SET, np.array([1e-6, 5e-6]), None, np.array([1.0]))]
    with pytest.raises(ConfigError, match="the conductance follows the gate voltage in 0 readings; a fit needs 5"):
        fit_cell(trains)


def test_a_gradual_reset_beside_a_gate_ramp_is_fitted():
    fit = fit_cell(gate_ramps(gradual_reset=True))
    assert fit.branches[RESET].pulses == pytest.approx(60, rel=0.03)
    assert fit.gate.slope_s_per_v == pytest.approx(20e-6, rel=0.01)


def staircase(up, down, *, read=0.002, cycles=6):
    """Trains of given positions before and after each pulse."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(cycles):
        for polarity, walk in ((SET, up), (RESET, down)):
            g_s = (LOW_S + WINDOW_S * np.asarray(walk)) * (1 + read * random.standard_normal(len(walk)))
            found.append(PulseTrain("", polarity, g_s))
    return found


def test_every_fifth_pulse_read_gives_the_same_model():
    whole = staircase(np.linspace(0, 1, 101), np.linspace(1, 0, 101), read=0.01)
    thinned = []
    for train in whole:
        g_s = train.conductance_s.copy()
        g_s[np.arange(101) % 5 != 0] = np.nan
        thinned.append(PulseTrain("", train.polarity, g_s))
    for branch in fit_cell(thinned).branches:
        assert branch.pulses == pytest.approx(100, rel=0.03)
        assert branch.steps < 6 * 20


def test_a_gap_between_the_polarities_is_said():
    fit = fit_cell(staircase(np.linspace(0, 1, 61), np.linspace(2 / 3, 0, 61)))
    (note,) = fit.notes
    assert "SET ends at 10 uS and RESET begins at 7 uS: no pulse was measured between them" in note


def test_a_first_pulse_that_jumps_is_left_out_and_said():
    fit = fit_cell(staircase(np.linspace(0, 1, 61), [1, *np.linspace(2 / 3, 0, 61)]))
    (note,) = fit.notes
    # A ninetieth of the window each, and what the noise of two readings adds to its median.
    assert re.match(
        r"the first RESET pulse of a train moves the cell by 33% of the window, the next ones by 1\.\d%", note
    )
    assert fit.branches[RESET].pulses == pytest.approx(90, rel=0.03)


@pytest.mark.parametrize("down", [[1, 0], [1, 0, 0, 0, 0, 0], [1, 0.5, 0]])
def test_a_reset_in_a_single_pulse_is_too_abrupt(down):
    count = "a single pulse" if len(down) != 3 else "2 pulses"
    with pytest.raises(ConfigError, match=f"RESET crosses the window in {count}: the change is too abrupt for a model"):
        fit_cell(staircase(np.linspace(0, 1, 61), down))


def test_a_curve_of_another_shape_is_said():
    # An S: slow at both ends, which no straight line of the step describes.
    x = np.linspace(-1, 1, 81)
    up = 0.5 + 0.5 * np.tanh(2.2 * x) / np.tanh(2.2)
    notes = fit_cell(staircase(up, np.linspace(1, 0, 81))).notes
    assert any("SET steps between 40% and 60% of the window are" in note for note in notes)
    assert all("--jump-table keeps the measured ones" in note for note in notes)
    assert not any("RESET" in note for note in notes)


def test_intervals_hold_what_made_the_data():
    # 24 measurements of 40 pulses from end to end with 1 % of spread: of 48 intervals of 95 %, few miss the true value.
    inside = 0
    for seed in range(24):
        random = np.random.default_rng(seed)
        trains = []
        for _ in range(6):
            for polarity in (SET, RESET):
                walk = [0.0 if polarity == SET else 1.0]
                while 0.0 <= walk[-1] <= 1.0:
                    walk.append(walk[-1] + (1 if polarity == SET else -1) / 40 + 0.01 * random.standard_normal())
                trains.append(PulseTrain("", polarity, LOW_S + WINDOW_S * np.clip(walk, 0, 1)))
        inside += sum(low < 40 < high for low, high in (b.intervals["pulses"] for b in fit_cell(trains).branches))
    assert inside >= 40


PULSES = ["--set-width", "50ns", "--reset-width", "0.1us"]


def test_a_ramp_from_the_command_line(twinbar, tmp_path):
    rows = ["polarity;pulse;voltage_V;G (µS)"]
    for train in ramps():
        sign = 1 if train.polarity == SET else -1
        volts = [0.0, *train.voltage_v]
        for pulse, (volt, g_s) in enumerate(zip(volts, train.conductance_s, strict=True)):
            rows.append(f"{'LTP' if sign > 0 else 'LTD'};{pulse};{sign * volt:.3f};{g_s * 1e6:.5f}".replace(".", ","))
    path, plot = tmp_path / "ispp.csv", tmp_path / "fit.png"
    path.write_bytes("\n".join(rows).encode("latin-1"))
    outcome = twinbar("device", "fit", str(path), *PULSES, "--plot", str(plot), "--json")
    assert outcome.status == 0, outcome.err
    content = json.loads(outcome.out)
    assert content["settings"]["write.algorithm"] == "ispp"
    assert content["parameters"]["amplitude.reset_threshold"]["value"] == pytest.approx(1.0, abs=0.03)
    assert content["warnings"] == []
    assert plot.read_bytes().startswith(b"\x89PNG")
    again = twinbar("device", "fit", str(path), *PULSES, "--plot", str(plot), "--out", str(tmp_path / "b.toml"))
    assert again.status == 2
    assert "exists already; give --plot another name, or --force to overwrite it" in again.err
    assert not (tmp_path / "b.toml").exists()


def test_options_say_what_a_table_does_not(twinbar, tmp_path):
    for name, ends in (("set", (0, 1)), ("reset", (1, 0))):
        columns = np.stack([np.linspace(*ends, 61) * 2 - 1] * 3, axis=1)
        np.savetxt(tmp_path / f"{name}.csv", columns + 0.002 * np.random.default_rng(0).standard_normal((61, 3)))
    files = [str(tmp_path / "set.csv"), str(tmp_path / "reset.csv")]
    voltages = ["--set-voltage", "1.6V", "--reset-voltage", "-1.5V"]
    options = ["--unit", "1", "--window", "1uS,10µS", "--out", str(tmp_path / "out.toml"), "--json"]
    outcome = twinbar("device", "fit", *files, *PULSES, *voltages, *options)
    assert outcome.status == 0, outcome.err
    parameters = json.loads(outcome.out)["parameters"]
    assert parameters["window.g_max"]["si"] == pytest.approx(1e-5, rel=0.01)
    assert parameters["response.set.pulses"]["value"] == pytest.approx(60, rel=0.03)
    assert parameters["pulse.reset_voltage"]["value"] == 1.5


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--unit", "furlong"], "--unit is 'furlong'; write the unit of a conductance, resistance or current, or 1"),
        (["--unit", "V"], "--unit is 'V'; write the unit"),
        (["--window", "10uS,1uS"], "--window is '10uS,1uS'; write the low and the high end, like 1uS,10uS"),
        (["--window", "1uS"], "--window is '1uS'; write the low and the high end"),
        (["--plot", "x.gif"], "a plot is a .png, .svg or .pdf file"),
    ],
)
def test_options_that_cannot_be_meant(twinbar, tmp_path, options, sentence):
    path = tmp_path / "m.csv"
    path.write_text("polarity,pulse,G_uS\nSET,0,1\nSET,1,2\n")
    outcome = twinbar("device", "fit", str(path), *PULSES, *options)
    assert outcome.status == 2
    assert sentence in outcome.err
    assert list(tmp_path.iterdir()) == [path]


def test_a_voltage_that_nothing_says_is_asked_for(twinbar, tmp_path):
    path = tmp_path / "m.csv"
    rows = ["polarity,pulse,G_uS"]
    for train in staircase(np.linspace(0, 1, 61), np.linspace(1, 0, 61)):
        name = "SET" if train.polarity == SET else "RESET"
        rows += [f"{name},{pulse},{g_s * 1e6:.5f}" for pulse, g_s in enumerate(train.conductance_s)]
    path.write_text("\n".join(rows))
    outcome = twinbar("device", "fit", str(path), *PULSES, "--set-voltage", "1V")
    assert outcome.status == 2
    assert "the data do not say the voltage of the RESET pulses; give it with --reset-voltage" in outcome.err
    assert list(tmp_path.iterdir()) == [path]
