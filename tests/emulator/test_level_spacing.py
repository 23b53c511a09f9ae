"""Where levels lie, by hand; what reads cannot tell apart, or makes no sense, is refused."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.level_spacing import spaced_levels
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.hw.errors import ConfigError

Crossbars = Callable[..., CrossbarConfig]


def positions(spacing: Any, levels: int, codes: tuple[float, float], scatter: Any = np.ones_like) -> list[float]:
    return spaced_levels(DeviceConfig(levels=levels, level_spacing=spacing), codes, scatter).tolist()


def test_uniform_levels_are_whole_numbers() -> None:
    assert positions("uniform", 5, (20.0, 220.0)) == [0, 1, 2, 3, 4]


def test_noise_in_proportion_to_the_conductance_makes_each_level_a_multiple_of_the_one_below() -> None:
    # 20, 40, 80, 160, 320: of 300 codes 0, 20, 60, 140 and 300, in spacings of 75.
    found = positions("noise", 5, (20.0, 320.0), lambda codes: codes / 20)
    assert found == pytest.approx([0, 20 / 75, 60 / 75, 140 / 75, 4], rel=1e-4)


def test_the_same_noise_everywhere_makes_even_levels() -> None:
    assert positions("noise", 4, (10.0, 100.0), lambda codes: np.full(codes.shape, 3.0)) == pytest.approx([0, 1, 2, 3])


def test_noise_of_two_halves() -> None:
    # 100 deviations below the middle, 20 above it: three levels are 60 deviations apart, so that the second is at 60.
    found = positions("noise", 3, (0.0, 200.0), lambda codes: np.where(codes < 100, 1.0, 5.0))
    assert found == pytest.approx([0, 2 * 60 / 200, 2], rel=1e-3)


def test_powers_of_two() -> None:
    # 0, 1/4, 1/2 and 1 of the window, which three mean spacings span.
    assert positions("power-of-two", 4, (20.0, 220.0)) == [0, 0.75, 1.5, 3]
    assert positions("power-of-two", 2, (20.0, 220.0)) == [0, 1]


def test_shares_of_the_window() -> None:
    assert positions((0.0, 0.1, 0.4, 1.0), 4, (20.0, 220.0)) == pytest.approx([0, 0.3, 1.2, 3])
    assert DeviceConfig(levels=3, level_spacing="0, 0.25,1").level_spacing == (0, 0.25, 1)
    assert DeviceConfig(levels=3, level_spacing=[0, 0.25, 1]).level_spacing == (0, 0.25, 1)


def test_levels_that_share_a_code_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"puts levels 0 and 1 of 16 0.012 ADC codes apart, and reads cannot tell"):
        positions("power-of-two", 16, (20.0, 220.0))
    # A code apart is enough.
    positions((0.0, 0.005, 1.0), 3, (20.0, 220.0))
    with pytest.raises(ConfigError, match=r"puts levels 1 and 2 of 3 0.9 ADC codes apart"):
        positions((0.0, 0.991, 1.0), 3, (20.0, 120.0))


@pytest.mark.parametrize(
    ("spacing", "sentence"),
    [
        ((0, 0.5, 0.5, 1), r"is 0, 0.5, 0.5, 1; shares of the window must rise from 0"),
        ((0, 0.6, 0.5, 1), "must rise from 0, the lowest conductance, to 1, the highest"),
        ((0.1, 0.5, 0.7, 1), "must rise from 0, the lowest conductance, to 1, the highest"),
        ((0, 0.5, 0.7, 2), "must rise from 0, the lowest conductance, to 1, the highest"),
        ((0, 0.5, 1), r"has 3 levels, and device.levels is 4; give a share of the window for each level"),
        ("even", r"is 'even'; it must be uniform, noise, power-of-two, or the place of each level as a share"),
        (0.5, r"is 0.5; it must be uniform, noise, power-of-two"),
        ((0, True, 1, 1), "it must be uniform, noise, power-of-two"),
        ("0,nan,0.5,1", "is '0,nan,0.5,1'; it must be uniform"),
        ((), "has 0 levels"),
    ],
)
def test_what_is_no_spacing_is_refused(spacing: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"device.level_spacing {sentence}" if sentence[:2] in "is has" else sentence):
        DeviceConfig(levels=4, level_spacing=spacing)


def test_levels_of_taox_hfox_by_its_read_noise(make_crossbar: Crossbars) -> None:
    """Reads scatter by 2.89 % of the code, the converter's 0.3 codes rms, and its rounding, a twelfth squared.

    The integral of 1 / sqrt((a c)^2 + b^2) is asinh(a c / b) / a: levels are even in asinh.
    """
    config = make_crossbar("taox-hfox", levels=8, level_spacing="noise")
    a, b = 0.0289, math.sqrt(0.3**2 + 1 / 12)
    ends = np.arcsinh(a / b * config.levels.centre[[0, -1]])
    expected = b / a * np.sinh(np.linspace(*ends, 8))
    assert config.levels.centre == pytest.approx(expected, rel=0.02)
    assert not config.levels.even
    # Without noise of the cells, the converter's is left, which is the same everywhere.
    still = make_crossbar("taox-hfox", levels=8, level_spacing="noise", without=("read_noise",))
    assert still.levels.positions == pytest.approx(np.arange(8), abs=0.01)


def test_levels_of_ibm_pcm_by_the_spread_after_the_write(make_crossbar: Crossbars) -> None:
    """Programming noise 0.26348 + 1.965 x - 1.1731 x^2 uS, x = G / 25 uS: it outweighs what a converter adds."""
    config = make_crossbar("ibm-pcm", levels=6, level_spacing="noise", without=("read_noise",), adc_noise_codes=0.0)
    law = load_preset("ibm-pcm").relaxation
    assert law is not None
    us = config.levels.between(config.cells.g_min_s, config.cells.g_max_s) * 1e6
    deviations = []
    for low, high in pairwise(us):
        line = np.linspace(low, high, 1001)
        sigma = 0.26348 + 1.965 * line / 25 - 1.1731 * (line / 25) ** 2
        deviations.append(float(np.trapezoid(1 / sigma, line)))
    assert deviations == pytest.approx([np.mean(deviations)] * 5, rel=0.05)
    assert np.diff(us).max() > 1.5 * np.diff(us).min()
