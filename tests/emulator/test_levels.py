import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbar.emulator.crossbar.levels import MAX_LEVELS, level_table, separability_warnings
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
    table = level_table(levels, bottom, high, top, half * (high - bottom) / (levels - 1))
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
    table = level_table(5, 20.0, 220.0, 255, 25.0)
    assert table.low.tolist() == [0, 45, 95, 145, 195]
    assert table.high.tolist() == [45, 95, 145, 195, 255]
    assert table.centre.tolist() == [20, 70, 120, 170, 220]
    assert table.spacing == 50


def test_a_window_narrower_than_a_code_holds_one() -> None:
    table = level_table(4, 10.3, 40.3, 255, 0.1)
    assert table.low.tolist() == [0, 20, 30, 40]
    assert table.high.tolist() == [10, 20, 30, 255]


def test_wide_windows_end_with_the_codes() -> None:
    table = level_table(6, 2.0, 12.0, 15, 4.0)
    assert table.low.tolist() == [0, 0, 2, 4, 6, 8]
    assert table.high.tolist() == [6, 8, 10, 12, 14, 15]


def test_levels_beyond_the_largest_code_are_warned_of() -> None:
    table = level_table(5, 0.0, 400.0, 255, 40.0)
    assert table.low.tolist() == [0, 60, 160, 255, 255]
    assert table.high.tolist() == [40, 140, 240, 255, 255]
    (sentence,) = separability_warnings(table, np.ones(5))
    assert "levels from 4 on lie at ADC codes up to 400, and codes end at 255" in sentence
    assert "array.read_range" in sentence
    # Reads of a highest level at 280 end at 255, which is nearer to it than to the one below, at 210.
    assert separability_warnings(level_table(5, 0.0, 280.0, 255, 35.0), np.ones(5)) == []


@pytest.mark.parametrize("levels", [0, 1, MAX_LEVELS + 1])
def test_too_few_or_many_levels_are_refused(levels: int) -> None:
    with pytest.raises(ConfigError, match=f"{levels} levels per cell cannot be used; choose 2 to 256"):
        level_table(levels, 20.0, 220.0, 255, 5.0)


def test_separable_levels_are_not_warned_of() -> None:
    assert separability_warnings(level_table(8, 20.0, 230.0, 255, 15.0), np.full(8, 14.9)) == []


def test_the_warning_says_how_close_levels_lie() -> None:
    (sentence,) = separability_warnings(level_table(16, 22.0, 222.0, 255, 6.0), np.linspace(1, 7.5, 16))
    assert "16 levels lie 13.3 ADC codes apart" in sentence
    assert "scatters by 7.5 codes rms: about 1.8 sigma" in sentence


def test_levels_that_share_a_code_are_warned_of() -> None:
    (sentence,) = separability_warnings(level_table(64, 10.0, 41.5, 63, 0.2), np.full(64, 0.1))
    assert "64 levels lie 0.50 ADC codes apart, so neighbouring levels share a code" in sentence
