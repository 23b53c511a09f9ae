import numpy as np
import pytest

from twinbar.emulator.devices.fit import fit_cell
from twinbar.emulator.devices.fitted_preset import PulseConditions, fitted_preset
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.measurement import read_pulse_trains
from twinbar.emulator.devices.pulse_train import PulseTrain
from twinbar.emulator.devices.responses.exponential import exponential_step
from twinbar.emulator.devices.staircase_line import staircase_of_line
from twinbar.hw.errors import ConfigError

CONDITIONS = PulseConditions((1.6, "V"), (1.5, "V"), (50.0, "ns"), (60.0, "ns"), None)


def measured(curvatures, pulses, *, c2c, read, gain=0.0, cells=1, cycles=3, dead=0, seed=0):
    """Simulate a measurement in floats, from 1 to 10 uS: a random walk of the exponential model, read with noise."""
    rng = np.random.default_rng(seed)
    trains = []
    for cell in range(cells + dead):
        gains = np.exp(gain * rng.standard_normal(2)) if cell < cells else np.zeros(2)
        p = 0.0
        for _ in range(cycles):
            for polarity in (SET, RESET):
                walk = [p]
                for _ in range(pulses[polarity]):
                    step = exponential_step(np.array([p]), curvatures[polarity], pulses[polarity], polarity)[0]
                    noise = c2c * rng.standard_normal() if cell < cells else 0.0
                    p = min(max(p + gains[polarity] * step + noise, 0.0), 1.0)
                    walk.append(p)
                g_s = 1e-6 + 9e-6 * np.array(walk)
                trains.append(PulseTrain(str(cell), polarity, g_s * (1 + read * rng.standard_normal(len(walk)))))
    return trains


@pytest.mark.parametrize(
    ("curvatures", "pulses", "c2c", "read"),
    [
        ((0.5, -0.5), (128, 128), 0.003, 0.02),  # noisy readings
        ((2.0, -5.0), (97, 100), 0.01, 0.0),  # noisy pulses
        ((1.6, 0.48), (40, 40), 0.01, 0.01),  # both
    ],
)
def test_fit_finds_the_model_that_made_the_data(curvatures, pulses, c2c, read):
    fit = fit_cell(measured(curvatures, pulses, c2c=c2c, read=read, cycles=6))
    assert fit.g_min_s == pytest.approx(1e-6, rel=0.05)
    assert fit.g_max_s == pytest.approx(1e-5, rel=0.03)
    position = np.array([0.15, 0.5, 0.85])
    for polarity, branch in enumerate(fit.branches):
        fitted = exponential_step(position, branch.curvature, branch.pulses, polarity)
        made = exponential_step(position, curvatures[polarity], pulses[polarity], polarity)
        np.testing.assert_allclose(fitted, made, atol=0.12 * np.abs(made).max())
        assert branch.cycle_to_cycle == pytest.approx(c2c, rel=0.35)
        assert branch.gain_sigma is None
    assert fit.read_noise == pytest.approx(read, abs=max(0.35 * read, 0.002))


def test_fit_finds_the_spread_over_cells_and_dead_ones():
    trains = measured((0.5, -0.5), (128, 128), c2c=0.01, read=0.005, gain=0.25, cells=40, cycles=1, dead=4)
    fit = fit_cell(trains)
    assert fit.cells == 44
    assert fit.dead_cells == 4
    for branch in fit.branches:
        assert branch.gain_sigma == pytest.approx(0.25, rel=0.35)
        assert branch.cycle_to_cycle == pytest.approx(0.01, rel=0.1)
    assert not fit.gains_shared


def test_cells_alike_have_no_spread():
    fit = fit_cell(measured((0.5, -0.5), (128, 128), c2c=0.004, read=0.005, cells=20, cycles=2))
    for branch in fit.branches:
        assert branch.gain_sigma < 0.06


def test_jump_table_of_a_fit():
    fit = fit_cell(measured((2.0, -2.0), (128, 128), c2c=0.02, read=0.0, cells=4, cycles=8), jump_bins=5)
    position = (np.arange(5) + 0.5) / 5
    for polarity, jumps in enumerate(fit.jumps):
        made = np.abs(exponential_step(position, (2.0, -2.0)[polarity], 128, polarity)) * 9e-6
        # The bounds clip the pulses in the outer bins.
        np.testing.assert_allclose(jumps.mean_s[1:-1], made[1:-1], atol=0.1 * made.max())
        np.testing.assert_allclose(jumps.std_s[1:-1], 0.02 * 9e-6, rtol=0.1)


@pytest.mark.parametrize("curvature", [-8.0, -0.63, 0.04, 2.4])
@pytest.mark.parametrize("polarity", [SET, RESET])
def test_staircase_of_a_line_inverts_the_exponential(curvature, polarity):
    at = exponential_step(np.array([0.0, 1.0]), curvature, 100.0, polarity)
    got = staircase_of_line(at[0], at[0] - at[1], polarity, 100)
    assert got == pytest.approx((curvature, 100.0), rel=1e-6)


def test_a_line_that_ends_inside_the_window_keeps_its_rate():
    curvature, pulses = staircase_of_line(0.05, 0.06, SET, 80)
    assert exponential_step(np.array([0.2]), curvature, pulses, SET)[0] == pytest.approx(0.05 - 0.06 * 0.2, rel=0.3)
    assert staircase_of_line(0.01, 0.0, SET, 80) == (0.0, pytest.approx(100))


def test_fitted_preset_is_sound_and_complete(tables_of, tmp_path):
    fit = fit_cell(measured((0.5, -0.5), (128, 128), c2c=0.01, read=0.02, gain=0.2, cells=10, cycles=1, dead=1))
    preset = fitted_preset(fit, CONDITIONS, name="mine", title="Mine", material="HfO2", data="mine.csv")
    assert preset.read.voltage.certainty == "assumed"
    assert preset.response.set.pulses.si == pytest.approx(fit.branches[SET].pulses, rel=1e-4)
    assert preset.cycle_to_cycle.reset.si == pytest.approx(fit.branches[RESET].cycle_to_cycle, rel=1e-4)
    assert preset.device_to_device.gain.set.si == pytest.approx(fit.branches[SET].gain_sigma, rel=1e-4)
    assert preset.faults.non_responding.si == pytest.approx(1 / 11, rel=1e-4)
    cell = tables_of(preset)
    assert cell.width_cycles == (50, 60)


HEADER = "polarity,pulse,conductance_uS,cell\n"


def test_csv_in_other_words_and_units(tmp_path):
    path = tmp_path / "pulses.csv"
    path.write_text(
        "Cell ID, Polarity, Pulse number, G [nS]\n"
        "a, LTP, 0, 1000\na, LTP, 1, 1100\na, LTP, 2, 1200\n"
        "a, LTD, 1, 1150\na, LTD, 2, 1050\n\n"
        "b, LTP, 1, 2000\nb, LTP, 2, 2100\n"
    )
    first, second, third = read_pulse_trains(path)
    assert (first.cell, first.polarity) == ("a", SET)
    np.testing.assert_allclose(first.conductance_s, [1.0e-6, 1.1e-6, 1.2e-6])
    # A train without pulse 0 begins at the cell's last conductance.
    np.testing.assert_allclose(second.conductance_s, [1.2e-6, 1.15e-6, 1.05e-6])
    assert second.polarity == RESET
    np.testing.assert_allclose(third.conductance_s, [2.0e-6, 2.1e-6])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the header is empty"),
        ("polarity,pulse,conductance\nSET,1,2\n", "it must be like polarity,pulse,conductance_uS"),
        (HEADER + "SET,1,abc,a\n", "line 2: conductance_uS is 'abc', not a number"),
        (HEADER + "SET,1,nan,a\n", "line 2: conductance_uS is 'nan', not a number"),
        (HEADER + "SET,1,-1,a\n", "line 2: conductance -1 is not greater than zero"),
        (HEADER + "SET,1.5,1,a\n", "line 2: pulse 1.5 is not a whole number"),
        (HEADER + "FORWARD,1,1,a\n", "line 2: polarity 'FORWARD' is neither SET nor RESET"),
        (HEADER + "SET,1,1\n", "line 2: 3 fields under a header of 4"),
        (HEADER + "SET,1,1,a\n", "has no two conductances in a row"),
    ],
)
def test_bad_csv_is_refused(tmp_path, text, sentence):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_pulse_trains(path)
    assert sentence in str(caught.value)
    assert "bad.csv" in str(caught.value)


def walks(up, down):
    """Pulses of SET and of RESET on one cell, conductances in microsiemens."""
    return [PulseTrain("a", polarity, 1e-6 * np.array(walk, float)) for polarity, walk in ((SET, up), (RESET, down))]


RISE, FALL = np.linspace(1, 10, 61), np.linspace(10, 1, 61)
JUMP_UP, JUMP_DOWN = [1, *[10] * 20], [10, *[1] * 20]
ALTERNATING = np.stack([RISE[:30], RISE[60:30:-1]], axis=1).ravel()
SHUFFLED = np.random.default_rng(3).permutation(RISE)


@pytest.mark.parametrize(
    ("up", "down", "sentence"),
    [
        (FALL, FALL, "SET moves the conductance the wrong way, from 10 uS to 1 uS; SET must raise it"),
        (RISE, RISE, "RESET moves the conductance the wrong way, from 1 uS to 10 uS"),
        # The first pulse does it all: begin and end of a train are alike but for it.
        (JUMP_UP, JUMP_DOWN, "SET crosses the window in a single pulse: the change is too abrupt for a model"),
        (
            RISE,
            JUMP_DOWN,
            "RESET crosses the window in a single pulse: .* needs 3 pulses and better 20 from end to end",
        ),
        ([1] * 10 + [10] * 10, FALL, "SET crosses the window in a single pulse"),
        (ALTERNATING, FALL, "SET pulses jump up and down through the window: the rows are not in the order"),
        ([*[4] * 10, 10, *[4] * 10], [*[6] * 10, 1, *[6] * 10], "nothing to fit|no cell moves by more than 10%"),
    ],
)
def test_what_pulses_do_that_cannot_be_fitted_is_named(up, down, sentence):
    with pytest.raises(ConfigError, match=sentence):
        fit_cell(walks(up, down))


def test_rows_that_seem_to_be_shuffled_are_said():
    notes = fit_cell(walks(SHUFFLED, FALL)).notes
    assert any("of the SET pulses go back by more than a quarter" in note for note in notes)
    assert not any("go back" in note for note in fit_cell(walks(RISE, FALL)).notes)


def test_no_train_that_gets_anywhere_is_refused():
    # Two cells: one at the low end, one at the high end; together they span a window that neither crosses.
    low, high = 1e-6 * np.full(30, 1.0), 1e-6 * np.full(30, 10.0)
    trains = [PulseTrain("a", RESET, low), PulseTrain("a", SET, low), PulseTrain("b", SET, high)]
    with pytest.raises(ConfigError, match=r"no cell moves by more than 10% of the window from the start of a train"):
        fit_cell(trains)


def test_data_that_cannot_be_fitted_are_refused():
    good = measured((0.5, -0.5), (128, 128), c2c=0.005, read=0.0, cycles=1)
    with pytest.raises(
        ConfigError, match=r"there are no RESET pulses: the conductance rises, from 1 uS to 10 uS, by SET alone"
    ):
        fit_cell([train for train in good if train.polarity == SET])
    swapped = [PulseTrain(train.cell, 1 - train.polarity, train.conductance_s) for train in good]
    with pytest.raises(
        ConfigError, match=r"SET lowers .* from 10 uS to 1 uS, and RESET raises it, .* names are swapped"
    ):
        fit_cell(swapped)
    flat = [PulseTrain("a", polarity, np.full(50, 1e-6)) for polarity in (SET, RESET)]
    with pytest.raises(ConfigError, match="nothing to fit"):
        fit_cell(flat)
    with pytest.raises(ConfigError, match="a jump table needs 3 in each"):
        fit_cell(good, jump_bins=200)
