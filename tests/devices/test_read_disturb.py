"""Reads that move cells: exponentially in time towards a bound, the faster the higher the voltage."""

import math

import numpy as np
import pytest

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import G_ONE, O_STRESS, READ_STRESS
from twinbar.hw.errors import ConfigError

READ_S = 1e-6
"""For how long a read and an input step last."""


@pytest.fixture
def reading(changed, assumed, tables_of):
    """Cells with a time constant of 1 s at 0.2 V; their read voltage is 0.2 V unless another one is given."""

    def build(volts=0.2, scale=0.05, towards="high", time_constant=1.0, **array):
        preset = changed(
            "taox-hfox",
            read={"voltage": assumed(volts, "V")},
            read_disturb={
                "towards": towards,
                "time_constant": assumed(time_constant, "s"),
                "voltage": assumed(0.2, "V"),
                "scale": assumed(scale, "V"),
            },
        )
        return tables_of(preset, read_s=(READ_S, READ_S), variation=False, **array)

    return build


def after(cell, g: int, reads: int) -> tuple[int, int]:
    key = np.uint64(physics.cell_key(np.uint64(cell.scalars[0].seed), 0, 0))
    found = physics.disturbed(g, key, reads * READ_STRESS, cell.scalars, cell.tables)
    return int(found[0]), int(found[1])


@pytest.mark.parametrize("seconds", [0.001, 0.1, 1.0, 5.0])
@pytest.mark.parametrize("towards", ["high", "low"])
def test_the_way_shrinks_exponentially(reading, seconds: float, towards: str) -> None:
    cell = reading(towards=towards)
    start = round(0.4 * G_ONE)
    bound = G_ONE if towards == "high" else cell.window[0]
    found, left = after(cell, start, round(seconds / READ_S))
    assert left == 0
    expected = (start - bound) * math.exp(-seconds)
    assert found - bound == pytest.approx(expected, abs=4e-4 * abs(start - bound) * min(seconds, 1) + 1)


def test_many_short_ones_do_as_much_as_a_long_one(reading) -> None:
    cell = reading()
    g = start = round(0.3 * G_ONE)
    for _ in range(200):
        g, _ = after(cell, g, 1000)
    assert g - start == pytest.approx(after(cell, start, 200_000)[0] - start, rel=2e-3)


def test_what_is_too_little_to_show_is_kept(reading) -> None:
    cell = reading()
    start = round(0.3 * G_ONE)
    # A share of 1.5e-5 of the way, 2^14 of 2^30, is 15 reads of 1e-6 time constants.
    assert after(cell, start, 14) == (start, 14 * READ_STRESS)
    moved, left = after(cell, start, 17)
    assert moved > start
    assert left == 0


def test_the_rate_follows_the_voltage(reading) -> None:
    start = round(0.3 * G_ONE)
    steps = [after(reading(volts=volts), start, 10_000)[0] - start for volts in (0.2, 0.3)]
    # sinh(0.3 / 0.05) / sinh(0.2 / 0.05) = 201.71 / 27.29; 1 and 7.4 % of the way.
    ratio = -math.log1p(-steps[1] / (G_ONE - start)) / -math.log1p(-steps[0] / (G_ONE - start))
    assert ratio == pytest.approx(7.39, rel=2e-3)


def test_rows_are_driven_by_parts_of_the_voltage(reading) -> None:
    cell = reading(scale=0.1, input_bits=2, inputs="dac")
    stress = cell.tables[O_STRESS : O_STRESS + 4] / READ_STRESS
    # sinh(2 u) / sinh(2) at u = 0, 1/3, 2/3, 1.
    assert stress == pytest.approx([0, 0.1977, 0.4868, 1], abs=1 / READ_STRESS)
    planes = reading(inputs="planes").tables[O_STRESS : O_STRESS + 2]
    assert planes.tolist() == [0, READ_STRESS]


def test_a_read_that_moves_a_cell_by_most_of_its_way_is_refused(reading) -> None:
    with pytest.raises(ConfigError, match=r"one read at 0\.2 V takes 1e-06 s, and moves a cell by more than half"):
        reading(time_constant=1e-6)
    with pytest.raises(ConfigError, match=r"read_disturb\.scale is 0\.0005 V"):
        reading(scale=0.0005)


def test_without_the_effect_nothing_is_kept(tables_of) -> None:
    assert not tables_of("taox-hfox", read_s=(READ_S, READ_S)).scalars[0].reads_disturb
