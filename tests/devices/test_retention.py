"""Relaxation and drift at another temperature: their time goes by Arrhenius' law."""

import numpy as np
import pytest
from cell_sampling import seen

from twinbar.emulator.devices.ageing import time_factor
from twinbar.emulator.devices.layout import G_ONE
from twinbar.emulator.devices.preset import load_preset
from twinbar.hw.errors import ConfigError


@pytest.fixture
def hot(changed, assumed):
    law = {"activation_energy": assumed(1.3, "eV"), "temperature": assumed(300, "K")}
    return lambda name: changed(name, retention=law)


def test_the_factor_by_hand(hot) -> None:
    # 1.3 eV / (8.617333e-5 eV/K) = 15085.9 K; 1/300 - 1/360 = 5.5556e-4 / K; exp(8.38105) = 4363.6.
    assert time_factor(hot("neurram"), 360.0) == pytest.approx(4363.6, rel=1e-3)
    assert time_factor(hot("neurram"), 300.0) == 1.0
    assert time_factor(hot("neurram"), None) == 1.0


def test_a_minute_in_the_heat_is_days_at_room_temperature(tables_of, hot) -> None:
    factor = time_factor(hot("neurram"), 360.0)
    warm = tables_of(hot("neurram"), temperature_k=360.0)
    cold = tables_of("neurram", tick_s=factor)
    spreads = [
        seen(20_000, G_ONE // 2, 60, cell.scalars, cell.tables).std() for cell in (warm, cold, tables_of("neurram"))
    ]
    assert spreads[0] == spreads[1]
    assert spreads[0] > 1.1 * spreads[2]


def test_a_drift_of_two_percent_comes_sooner(tables_of, hot) -> None:
    """At 350 K the power law ``(t / t0)^-nu`` goes by ``factor^-nu`` further."""
    factor = time_factor(hot("ibm-pcm"), 350.0)
    g = G_ONE // 2
    warm, cold = (
        seen(20_000, g, 4096, cell.scalars, cell.tables).mean()
        for cell in (tables_of(hot("ibm-pcm"), temperature_k=350.0), tables_of("ibm-pcm"))
    )
    law = load_preset("ibm-pcm").drift
    nu = np.clip(law.nu_slope.si * np.log(0.5) + law.nu_offset.si, law.nu_lowest.si, law.nu_highest.si)
    assert warm / cold == pytest.approx(factor**-nu, rel=0.02)


@pytest.mark.parametrize(
    ("name", "given", "kelvin", "says"),
    [
        ("neurram", False, 350.0, "does not say what temperature does"),
        ("taox-hfox", True, 350.0, "does neither relax nor drift"),
        ("neurram", True, 1.0, "give a temperature nearer to 300 K"),
    ],
)
def test_bad_temperatures_are_refused(tables_of, hot, name: str, given: bool, kelvin: float, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        tables_of(hot(name) if given else name, temperature_k=kelvin)
