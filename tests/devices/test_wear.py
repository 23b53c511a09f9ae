"""What pulses do to cells in the long run: failures with a distribution of lives, smaller steps, a growing spread."""

import numpy as np
import pytest
from cell_sampling import single_pulses, train

from twinbar.emulator.devices import physics
from twinbar.emulator.devices.layout import CODES, G_ONE, RESET, SET


@pytest.fixture
def worn(changed, assumed):
    def preset(**keys):
        units = {"cycles": "cycles", "onset": "pulses"}
        return changed("taox-hfox", endurance={key: assumed(value, units.get(key, "1")) for key, value in keys.items()})

    return preset


def test_lives_follow_the_weibull_distribution(tables_of, worn) -> None:
    cell = tables_of(worn(cycles=500, shape=2))
    seed = np.uint64(cell.scalars[0].seed)
    lives = np.array([physics.lifetime(np.uint64(physics.cell_key(seed, 0, n)), cell.tables) for n in range(20_000)])
    # Of 1,000 pulses, two to a cycle: 1 - exp(-(n / 1000)^2) of the cells have failed after n.
    for pulses in (300, 1000, 1700):
        assert (lives <= pulses).mean() == pytest.approx(1 - np.exp(-((pulses / 1000) ** 2)), abs=0.01)


def test_a_cell_does_not_respond_after_its_life(tables_of, worn) -> None:
    cell = tables_of(worn(cycles=20, shape=3))
    life = physics.lifetime(np.uint64(physics.cell_key(np.uint64(cell.scalars[0].seed), 0, 0)), cell.tables)
    assert 5 < life < 100
    code, width = cell.volts_to_code(1.6), cell.width_cycles[SET]
    g = train(life + 20, SET, G_ONE // 3, code, CODES - 1, width, cell.scalars, cell.tables)
    assert g[life] != g[life - 1]
    assert (g[life:] == g[life]).all()


def test_cells_that_are_all_alike_do_not_fail(tables_of, worn) -> None:
    assert not tables_of(worn(cycles=20, shape=3), variation=False).scalars[0].fails
    assert not tables_of("taox-hfox").scalars[0].fails


@pytest.mark.parametrize(("pulses", "ratio"), [(0, 1.0), (1000, 2.0), (8000, 9.0)])
def test_steps_shrink_and_the_spread_grows(tables_of, worn, pulses: int, ratio: float) -> None:
    cell = tables_of(worn(cycles=1e9, onset=1000, step_exponent=1, noise_exponent=0.5))
    mean, spread = physics.worn(1 << 20, 1 << 20, pulses, cell.scalars, cell.tables)
    # 1 + n / 1000, in half octaves of the pulses: within a quarter octave.
    assert 2**20 / mean == pytest.approx(ratio, rel=0.2)
    assert spread / 2**20 == pytest.approx(np.sqrt(ratio), rel=0.1)


def test_a_pulse_of_a_worn_cell_scatters_more(tables_of, worn) -> None:
    fresh = tables_of("taox-hfox")
    cell = tables_of(worn(cycles=1e9, onset=1, noise_exponent=0.25))
    code, width = cell.volts_to_code(1.6), cell.width_cycles[RESET]
    start = round(0.55 * G_ONE)
    spreads = [
        # 4,096 to 8,191 pulses before: the mean of (1 + n)^0.25 is 8.9, a half octave's value is within 5 %.
        single_pulses(8192, RESET, start, code, CODES - 1, width, each.scalars, each.tables)[4096:].std()
        for each in (fresh, cell)
    ]
    assert spreads[1] / spreads[0] > 4


def test_one_of_two_keys_is_refused(changed, assumed) -> None:
    with pytest.raises(ValueError, match="wear needs both"):
        changed("taox-hfox", endurance={"cycles": assumed(9, "cycles"), "onset": assumed(5, "pulses")})
