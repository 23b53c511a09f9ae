import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbar.emulator.crossbar.levels import MAX_LEVELS, even_positions, level_table, separability_warnings
from twinbar.hw.errors import ConfigError


@given(
    levels=st.integers(2, MAX_LEVELS),
    bottom=st.floats(0, 60),
    span=st.floats(1, 1000),
    half=st.floats(0, 3),
    bits=st.integers(3, 12),
)
def test_windows_are_never_empty_and_the_ends_are_one_sided(
    levels: int, bottom: float, span: float, half: float, bits: int
) -> None:
    top = 2**bits - 1
    bottom, high = min(bottom, top / 4), min(bottom + span, float(top))
    if high - bottom < 1:
        high = bottom + 1
    table = level_table(even_positions(levels), bottom, high, top, half * (high - bottom) / (levels - 1))
    assert len(table) == levels
    assert (table.low <= table.high).all()
    assert table.low.min() >= 0
    assert table.high.max() <= top
    assert table.low[0] == 0
    assert table.high[-1] == top
    # Every window holds a code nearest to its centre, and windows come in the order of their levels.
    nearest = np.floor(table.centre + 0.5)
    assert (table.low <= nearest).all()
    assert (nearest <= table.high).all()
    assert (np.diff(table.low) >= 0).all()
    assert (np.diff(table.high) >= 0).all()


def test_windows_by_hand() -> None:
    table = level_table(even_positions(5), 20.0, 220.0, 255, 25.0)
    assert table.low.tolist() == [0, 45, 95, 145, 195]
    assert table.high.tolist() == [45, 95, 145, 195, 255]
    assert table.centre.tolist() == [20, 70, 120, 170, 220]
    assert table.spacing == 50


def test_windows_of_uneven_levels_reach_half_way_to_their_neighbours() -> None:
    # 0, 0.1, 0.4 and 1 of 200 codes: levels at 20, 40, 100 and 220, and half way between them 30, 70 and 160.
    table = level_table(np.array([0, 0.3, 1.2, 3]), 20.0, 220.0, 255, 0.5 * 200 / 3)
    assert table.centre.tolist() == [20, 40, 100, 220]
    assert table.low.tolist() == [0, 30, 70, 160]
    assert table.high.tolist() == [30, 70, 160, 255]
    assert (table.even, table.spacing) == (False, 200 / 3)
    assert table.closest == pytest.approx(20)
    assert table.between(1e-6, 11e-6) == pytest.approx([1e-6, 2e-6, 5e-6, 11e-6])
    # A quarter of the way: 5 codes towards a neighbour 20 away, 15 towards one that is 60 away.
    narrow = level_table(np.array([0, 0.3, 1.2, 3]), 20.0, 220.0, 255, 0.25 * 200 / 3)
    assert narrow.low.tolist() == [0, 35, 85, 190]
    assert narrow.high.tolist() == [25, 55, 130, 255]


@given(gaps=st.lists(st.floats(0.05, 1), min_size=1, max_size=40), bits=st.integers(8, 12))
def test_every_code_belongs_to_the_level_that_it_is_nearest_to(gaps: list[float], bits: int) -> None:
    top = 2**bits - 1
    positions = np.append(0, np.cumsum(gaps)) / sum(gaps) * len(gaps)
    bottom, high = 0.1 * top, 0.9 * top
    table = level_table(positions, bottom, high, top, 0.5 * (high - bottom) / len(gaps))
    codes = np.arange(top + 1)
    away = np.abs(codes[:, None] - table.centre)
    inside = (table.low <= codes[:, None]) & (codes[:, None] <= table.high)
    # Of levels that lie less than a code apart, each has the code nearest to it.
    if np.diff(table.centre).min() > 1:
        assert inside.any(axis=1).all()
        assert np.allclose(np.where(inside, away - away.min(axis=1, keepdims=True), 0), 0, atol=1e-6)
    assert (table.low <= table.high).all()


def test_a_window_narrower_than_a_code_holds_one() -> None:
    table = level_table(even_positions(4), 10.3, 40.3, 255, 0.1)
    assert table.low.tolist() == [0, 20, 30, 40]
    assert table.high.tolist() == [10, 20, 30, 255]


def test_wide_windows_end_with_the_codes() -> None:
    table = level_table(even_positions(6), 2.0, 12.0, 15, 4.0)
    assert table.low.tolist() == [0, 0, 2, 4, 6, 8]
    assert table.high.tolist() == [6, 8, 10, 12, 14, 15]


def test_levels_beyond_the_largest_code_are_warned_of() -> None:
    table = level_table(even_positions(5), 0.0, 400.0, 255, 40.0)
    assert table.low.tolist() == [0, 60, 160, 255, 255]
    assert table.high.tolist() == [40, 140, 240, 255, 255]
    (sentence,) = separability_warnings(table, np.ones(5))
    assert "levels from 4 on lie at ADC codes up to 400, and codes end at 255" in sentence
    assert "array.read_range" in sentence
    # Reads of a highest level at 280 end at 255, which is nearer to it than to the one below, at 210.
    assert separability_warnings(level_table(even_positions(5), 0.0, 280.0, 255, 35.0), np.ones(5)) == []


@pytest.mark.parametrize("levels", [0, 1, MAX_LEVELS + 1])
def test_too_few_or_many_levels_are_refused(levels: int) -> None:
    with pytest.raises(ConfigError, match=f"{levels} levels per cell cannot be used; choose 2 to 256"):
        level_table(even_positions(levels), 20.0, 220.0, 255, 5.0)


def test_separable_levels_are_not_warned_of() -> None:
    assert separability_warnings(level_table(even_positions(8), 20.0, 230.0, 255, 15.0), np.full(8, 14.9)) == []


def test_the_warning_says_how_close_levels_lie() -> None:
    (sentence,) = separability_warnings(level_table(even_positions(16), 22.0, 222.0, 255, 6.0), np.linspace(1, 7.5, 16))
    assert "16 levels lie 13.3 ADC codes apart" in sentence
    assert "scatters by 7.5 codes rms: about 1.8 sigma" in sentence


def test_of_uneven_levels_those_are_named_that_a_read_tells_apart_worst() -> None:
    # A quarter of 25 codes by 4 between the second and the third, 25 by 8 between the last two.
    table = level_table(np.array([0, 1.0, 1.25, 2.0, 3.0, 4.0]) * 1.25, 20.0, 120.0, 255, 1.0)
    (sentence,) = separability_warnings(table, [2.0, 4.0, 4.0, 4.0, 4.0, 8.0])
    assert "levels 1 and 2 of 6 lie 6.2 ADC codes apart, but a read of the noisier one scatters by 4.0" in sentence
    assert "about 1.6 sigma" in sentence


def test_levels_that_share_a_code_are_warned_of() -> None:
    (sentence,) = separability_warnings(level_table(even_positions(64), 10.0, 41.5, 63, 0.2), np.full(64, 0.1))
    assert "64 levels lie 0.50 ADC codes apart, so neighbouring levels share a code" in sentence
