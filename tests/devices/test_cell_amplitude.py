"""The voltage that a cell sees of a pulse: thresholds of its own, and the share of an access transistor."""

import numpy as np
import pytest
from cell_sampling import single_pulses

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import CODES, G_ONE, SET
from twinbar.hw.errors import ConfigError


def keys_of(cell, number):
    return [np.uint64(physics.cell_key(np.uint64(cell.scalars[0].seed), 0, n)) for n in range(number)]


def test_thresholds_are_normal(tables_of, changed, assumed) -> None:
    spread = {"set": assumed(0.1, "V"), "reset": assumed(0.05, "V")}
    cell = tables_of(changed("taox-hfox", threshold_spread=spread))
    code = cell.volts_to_code(1.6)
    found = np.array(
        [
            [physics.cell_amplitude(code, p, G_ONE, key, cell.scalars, cell.tables) for p in (0, 1)]
            for key in keys_of(cell, 4000)
        ]
    )
    shifts_v = (code - found) * cell.drive_full_scale_v / CODES
    assert shifts_v.mean(axis=0) == pytest.approx([0, 0], abs=5e-3)
    assert shifts_v.std(axis=0) == pytest.approx([0.1, 0.05], rel=0.03)
    # One draw for both: a cell that is hard to SET is hard to RESET.
    assert np.corrcoef(shifts_v.T)[0, 1] > 0.999
    assert not tables_of(changed("taox-hfox", threshold_spread=spread), variation=False).scalars[0].threshold_varies


def test_a_higher_threshold_is_a_lower_pulse(tables_of, changed, assumed) -> None:
    """A cell whose threshold lies x higher responds to V as others respond to V - x."""
    spread = {"set": assumed(0.1, "V"), "reset": assumed(0.1, "V")}
    varied, alike = tables_of(changed("taox-hfox", threshold_spread=spread)), tables_of("taox-hfox")
    code = alike.volts_to_code(1.6)
    own = physics.cell_amplitude(code, SET, G_ONE // 2, keys_of(varied, 1)[0], varied.scalars, varied.tables)
    assert own != code
    width = alike.width_cycles[SET]
    moved = single_pulses(50, SET, G_ONE // 2, code, CODES - 1, width, varied.scalars, varied.tables)
    as_others = single_pulses(50, SET, G_ONE // 2, own, CODES - 1, width, alike.scalars, alike.tables)
    assert np.array_equal(moved, as_others)


def test_an_access_transistor_takes_its_share(tables_of, changed, assumed) -> None:
    access = {"resistance": assumed(20, "kOhm"), "at": assumed(5, "uS")}
    cell = tables_of(changed("taox-hfox", access=access))
    key = keys_of(cell, 1)[0]
    for g_s in (1e-6, 5e-6, 10e-6):
        found = physics.cell_amplitude(2000, SET, round(g_s / 10e-6 * G_ONE), key, cell.scalars, cell.tables)
        # 20 kOhm at 5 uS are 0.1 of the cell: (1 + 0.1) / (1 + G R).
        assert found == pytest.approx(2000 * 1.1 / (1 + g_s * 20e3), abs=1)
    assert physics.cell_amplitude(4095, SET, 0, key, cell.scalars, cell.tables) == 4095


def test_without_at_only_the_heat_knows_of_the_transistor(tables_of) -> None:
    cell = tables_of("taox-hfox")
    assert cell.scalars[0].access > 0
    assert physics.cell_amplitude(2000, SET, G_ONE, keys_of(cell, 1)[0], cell.scalars, cell.tables) == 2000


@pytest.mark.parametrize(
    ("section", "unit", "names"),
    [("threshold_spread", "V", ("set", "reset")), ("access", "", ("resistance", "at"))],
)
def test_they_need_an_amplitude_law(changed, assumed, section: str, unit: str, names: tuple[str, str]) -> None:
    units = (unit, unit) if unit else ("kOhm", "uS")
    keys = {name: assumed(1, each) for name, each in zip(names, units, strict=True)}
    with pytest.raises((ConfigError, ValueError), match=r"needs \[amplitude\]"):
        changed("stellar", **{section: keys})
