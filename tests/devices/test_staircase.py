import numpy as np
import pytest

from twinbar.emulator.devices.preset import load_preset, preset_names
from twinbar.emulator.devices.staircase import default_pulses, staircase
from twinbar.host.report.staircase_plot import draw_figure, save_figure
from twinbar.host.report.staircase_text import draw_text, si_unit
from twinbar.hw.errors import ConfigError

# Of 1500 steps of reram-es and 7000 of ecram-mo 500 are drawn; the RESET ramp of radar-hfo2 begins at 0.5 V and has its
# nominal 1.75 V after 25 pulses, of which 17 are drawn.
CROSSED = {"reram-es": (0.4, 0.3), "ecram-mo": (0.06, 0.01), "radar-hfo2": (0.5, 0.04)}
"""Least share of the window that SET and RESET pulses cross, where it is less than usual."""


@pytest.mark.parametrize("name", preset_names())
def test_staircase_goes_up_and_down_with_its_spread(name):
    preset = load_preset(name)
    stairs = staircase(preset, cells=60)
    assert stairs.median_s.shape == (2 * stairs.pulses + 1,)
    assert np.all(stairs.low_s <= stairs.median_s)
    assert np.all(stairs.median_s <= stairs.high_s)
    window = preset.window.g_max.si - preset.window.g_min.si
    top = stairs.median_s[stairs.pulses]
    up, down = CROSSED.get(name, (0.5, 0.3))
    assert top - stairs.median_s[0] > up * window
    assert top - stairs.median_s[-1] > down * window
    spread = (stairs.high_s - stairs.low_s)[stairs.pulses // 2]
    assert spread == pytest.approx(0, abs=1e-12) if name == "ideal" else True


def test_spread_of_the_headline_cell_is_wide():
    stairs = staircase(load_preset("taox-hfox"))
    assert stairs.pulses == 128
    assert (stairs.high_s - stairs.low_s)[64] > 2e-6


def test_ramped_presets_ramp():
    stairs = staircase(load_preset("milo-hfo2"), cells=40)
    assert stairs.algorithm == "gate-ramp"
    # The gate opens by 0.04 V, 10 uS, with each pulse.
    np.testing.assert_allclose(np.diff(stairs.median_s[2:16]), 10e-6, rtol=0.1)


def test_same_seed_same_staircase():
    preset = load_preset("stellar")
    first, again, other = (staircase(preset, pulses=20, cells=10, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.median_s, again.median_s)
    assert not np.array_equal(first.median_s, other.median_s)


def test_default_pulses():
    assert default_pulses(load_preset("ag-asi")) == 100
    assert default_pulses(load_preset("ideal")) == 231
    assert default_pulses(load_preset("reram-array-hfo2")) == 10


def test_text_plot_shows_the_staircase():
    stairs = staircase(load_preset("ideal"), cells=5)
    lines = draw_text(stairs, width=61, height=11).splitlines()
    rows = [line[10:] for line in lines[:11]]
    assert lines[0].split()[0] == f"{stairs.median_s.max() * 1e6:.3g}"
    assert rows[-1][0] == "•"
    assert rows[0][30] == "•"
    assert rows[-1][60] == "•"
    assert all(sum(row[column] == "•" for row in rows) == 1 for column in range(61))
    assert "░" not in "".join(rows)
    assert "5 cells" in lines[-1]


def test_units_that_read_well():
    assert si_unit(38.5e-9) == (1e-9, "nS")
    assert si_unit(225e-6) == (1e-6, "uS")
    assert si_unit(0.0) == (1e-12, "pS")


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_figure(tmp_path, suffix, magic):
    preset = load_preset("taox-hfox")
    path = tmp_path / f"stairs{suffix}"
    save_figure(draw_figure(preset, staircase(preset, pulses=5, cells=5)), path)
    assert path.read_bytes().startswith(magic)


def test_figure_shows_the_data():
    preset = load_preset("neurram")
    stairs = staircase(preset, cells=20)
    axes = draw_figure(preset, stairs).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), stairs.median_s * 1e6)
    assert axes.get_ylabel() == "conductance (µS)"
    assert preset.title in axes.get_title()
    texts = " ".join(text.get_text() for text in axes.texts)
    assert "SET 1.2 V to 4 V, 1 µs, gate 3 V" in texts


def test_bad_requests(tmp_path):
    preset = load_preset("ideal")
    with pytest.raises(ConfigError, match="pulses is 0"):
        staircase(preset, pulses=0)
    figure = draw_figure(preset, staircase(preset, pulses=2, cells=2))
    with pytest.raises(ConfigError, match=r"a \.png, \.svg or \.pdf file"):
        save_figure(figure, tmp_path / "plot.gif")
    with pytest.raises(ConfigError, match="cannot write"):
        save_figure(figure, tmp_path / "no" / "plot.png")
