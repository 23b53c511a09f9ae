"""An access transistor in series takes part of the voltage of a pulse: heat of both, by hand."""

from typing import Any

import numpy as np
import pytest
from crossbar_choices import crossbar_of

from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.devices.layout import G_ONE, SET
from twinbar.emulator.devices.physics import pulse_heat
from twinbar.emulator.devices.preset import check_preset, load_preset


def heat_pj(preset: Any, conductance_s: float) -> float:
    """Return the heat of a nominal SET pulse on a cell that it does not move, in pJ."""
    config = crossbar_of(preset, rows=4, columns=4)
    cells = config.cells
    g = np.int64(round(conductance_s / cells.g_max_s * G_ONE))
    code = config.registers.set_amplitude.start
    width = np.int64(cells.width_cycles[SET])
    units = pulse_heat(g, g, SET, code, width, cells.scalars, cells.tables)
    return float(units) * config.cell_energy_unit_j[CellEnergy.SET] / 1e-12


@pytest.mark.parametrize(("microsiemens", "part"), [(10.0, 1 / 1.15), (1.0, 1 / 1.015)])
def test_cell_and_transistor_take_what_their_series_takes(microsiemens: float, part: float):
    # TaOx/HfOx, 1.6 V for 50 ns, 15 kOhm: V^2 G t is 1.28 pJ at 10 uS, and 1 + G R is 1.15.
    alone = 1.6**2 * microsiemens * 50e-3
    assert heat_pj("taox-hfox", microsiemens * 1e-6) == pytest.approx(
        part * alone, rel=5e-3
    )  # 404 of 4096 parts at the low end


def test_a_cell_that_conducts_better_than_its_transistor_keeps_little():
    # AlOx/HfO2 at 59 uS: 0.9 V for 100 us; the transistor takes 1 - 1 / 1.8876 of it.
    found = heat_pj("alox-hfo2", 1 / 16.9e3)
    assert found == pytest.approx(0.81 / (16.9e3 + 15e3) * 100e6, rel=5e-3)


def test_without_a_transistor_of_its_own_a_preset_has_the_heat_of_its_conductance():
    data = load_preset("taox-hfox").model_dump(exclude_none=True)
    del data["access"]
    preset = check_preset(data, "test")
    assert heat_pj(preset, 10e-6) == pytest.approx(1.6**2 * 10 * 50e-3, rel=2e-3)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0, "kOhm", "must be greater than zero"), (15.0, "uS", "a resistance is written in Ohm, kOhm, MOhm")],
)
def test_what_is_no_resistance_is_refused(value: float, unit: str, text: str):
    from twinbar.hw.errors import ConfigError

    data = load_preset("taox-hfox").model_dump(exclude_none=True)
    data["access"]["resistance"] |= {"value": value, "unit": unit}
    with pytest.raises(ConfigError, match=text):
        check_preset(data, "test")
