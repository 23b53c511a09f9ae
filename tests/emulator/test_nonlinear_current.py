"""Products of cells whose current is not proportional to the voltage of their row."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import O_DRIVE
from twinbar.host.cells.chip import Chip
from twinbar.hw.errors import ConfigError

EXACT = {"array.adc_noise_codes": 0.0, "array.adc_bits": 12, "array.pairs": "separate", "device.without": "read_noise"}


def test_the_law_by_hand(make_crossbar: Callable[..., CrossbarConfig], tmp_path: Any) -> None:
    file = tmp_path / "bent.toml"
    value = 'value = 10, unit = "1", certainty = "assumed", note = "a test"'
    file.write_text(f'name = "bent"\ntitle = "a test"\n[nonlinearity]\nhalf_ratio = {{ {value} }}\n')
    config = make_crossbar("taox-hfox", input_bits=5, inputs="dac", effects=(str(file),))
    drive = config.cells.tables[O_DRIVE : O_DRIVE + 32] / 16
    # 2 cosh(k / 2) is 10: k is 4.5849. sinh(k 15 / 31) / sinh(k) is 0.0927, and half of the voltage would be 0.1.
    assert drive[31] == 31
    assert drive[15] == pytest.approx(31 * 0.0927, abs=1 / 16)
    assert drive[0] == 0
    assert (np.diff(drive) > 0).all()


@pytest.mark.parametrize("engine", ["fast", "events"])
def test_half_the_voltage_has_a_third_of_the_current(engine: str) -> None:
    settings = {**EXACT, "device.effects": "sinh-current", "array.input_bits": 4}
    bent = Chip("taox-hfox", 4, 4, engine=engine, settings=settings)
    straight = Chip("taox-hfox", 4, 4, engine=engine, settings=EXACT | {"array.input_bits": 4})
    inputs = np.array([[15, 15, 15, 15], [8, 8, 8, 8], [1, 1, 1, 1]])
    full = 4 * 15 * 10e-6
    found = [chip.multiply(inputs, full_scale_s=full) for chip in (bent, straight)]
    # k = 2 acosh(1.5) = 1.92485; sinh(8 k / 15) / sinh(k) = 0.36273, sinh(k / 15) / sinh(k) = 0.03836.
    assert np.array_equal(found[0][0], found[1][0])
    assert found[0][1] == pytest.approx(0.36273 * found[0][0], rel=0.02)
    assert found[0][2] == pytest.approx(0.03836 * found[0][0], rel=0.1)
    assert found[1][1] == pytest.approx(8 / 15 * found[1][0], rel=0.01)


def test_bit_planes_do_not_know_of_it(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    config = make_crossbar("taox-hfox", inputs="planes", effects=("sinh-current",))
    assert config.cells.scalars[0].drive_shift == 0
    plain = make_crossbar("taox-hfox", inputs="planes")
    assert np.array_equal(config.cells.tables, plain.cells.tables)


def test_heat_is_voltage_times_current(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    config = make_crossbar("taox-hfox", inputs="dac", input_bits=4, effects=("sinh-current",))
    scalars, tables = config.cells.scalars, config.cells.tables
    current = physics.driven_current(8, scalars, tables)
    assert current == round(15 * 16 * 0.36273)
    assert physics.driven_power(8, current, scalars) == 8 * current // 16


def test_it_needs_a_sample_and_hold(make_crossbar: Callable[..., CrossbarConfig]) -> None:
    with pytest.raises(ConfigError, match=r"which needs array.sample_and_hold"):
        make_crossbar("taox-hfox", inputs="dac", sample_and_hold=False, effects=("sinh-current",))
