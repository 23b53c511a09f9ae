"""What cells beside a selected one see: with wires that hardly resist, the shares of the scheme."""

import numpy as np
import pytest

from twinbar.emulator.wires.half_select import BiasScheme, half_select
from twinbar.emulator.wires.line_resistances import LineResistances
from twinbar.emulator.wires.nodal_array import NodalArray
from twinbar.hw.errors import ConfigError


@pytest.mark.parametrize(
    ("scheme", "half_selected", "unselected", "power_in_g"),
    [
        # Half: 4 cells at half the voltage beside the selected one, 4 at none: 1 + 4 / 4.
        (BiasScheme.HALF, 1 / 2, 0.0, 2.0),
        # Third: 4 + 4 cells at a third: 1 + 8 / 9.
        (BiasScheme.THIRD, 1 / 3, 1 / 3, 1 + 8 / 9),
    ],
)
def test_shares_of_the_write_voltage(
    scheme: BiasScheme, half_selected: float, unselected: float, power_in_g: float
) -> None:
    array = NodalArray(np.full((3, 3), 1e-5), LineResistances(1e-6, 1e-6))
    seen = half_select(array, 1, 2, 3.0, scheme)
    assert seen.selected_v == pytest.approx(3.0, rel=1e-6)
    assert seen.half_selected_v == pytest.approx(3.0 * half_selected, rel=1e-6)
    assert seen.unselected_v == pytest.approx(3.0 * unselected, abs=1e-6)
    assert seen.power_w == pytest.approx(power_in_g * 1e-5 * 9.0, rel=1e-6)
    assert seen.selected_w == pytest.approx(1e-5 * 9.0, rel=1e-6)


def test_the_far_corner_gets_less_and_its_neighbours_hardly() -> None:
    array = NodalArray(np.full((32, 32), 5e-5), LineResistances(5.0, 5.0))
    near, far = (half_select(array, place, place, 2.0, BiasScheme.HALF) for place in (0, 31))
    assert near.selected_v == pytest.approx(2.0, rel=1e-9)  # source and terminal are right at it
    # Its row carries 31 half-selected currents of 50 uA and its own; so does its column: about 0.5 V in all by hand.
    drop = 2 * 5.0 * (sum(range(1, 32)) * 5e-5 + 31 * 5e-5)
    assert 2.0 - far.selected_v == pytest.approx(drop, rel=0.35)
    assert far.half_selected_v > 0.99


def test_a_cell_that_is_not_there_is_refused() -> None:
    array = NodalArray([[1e-5]], LineResistances(1.0, 1.0))
    with pytest.raises(ConfigError, match="there is no cell in row 1, column 0: the array has 1 rows, 1 columns"):
        half_select(array, 1, 0, 1.0, BiasScheme.HALF)
