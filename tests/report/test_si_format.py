import math

import pytest

from twinbar.host.report import si


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.7e-3, "J", "2.70 mJ"),
        (0.0, "J", "0 J"),
        (1.0, "s", "1.00 s"),
        (-4.2e-6, "J", "−4.20 µJ"),
        (6.5e-12, "J", "6.50 pJ"),
        (381e6, "", "381 M"),
        (999.4, "J", "999 J"),
        (999.6, "J", "1.00 kJ"),  # rounding carries into the next prefix
        (0.9996e-3, "J", "1.00 mJ"),
        (5e-30, "J", "0.00000500 yJ"),  # below the smallest prefix
        (None, "J", "–"),
        (math.nan, "J", "NaN"),
        (math.inf, "J", "∞"),
    ],
)
def test_si_has_three_digits_and_a_prefix(value: float | None, unit: str, text: str) -> None:
    assert si.si(value, unit) == text


@pytest.mark.parametrize("exponent", range(-23, 24))
def test_si_keeps_the_value(exponent: int) -> None:
    value = 1.23 * 10.0**exponent
    number, _, symbol = si.si(value, "J").partition(" ")
    prefix = symbol.removesuffix("J")
    power = "yzafpnµm kMGTPEZY".index(prefix or " ") * 3 - 24
    assert float(number) * 10.0**power == pytest.approx(value, rel=1e-9, abs=0)
    assert 1 <= float(number) < 1000


def test_counts_are_exact_until_they_are_long() -> None:
    assert si.count(190042) == "190,042"
    assert si.count(9_999_999) == "9,999,999"
    assert si.count(381_000_000) == "381 M"
    assert si.count(None) == "–"


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.99986, "99.986 %"),
        (0.998, "99.80 %"),
        (0.5, "50.0 %"),
        (1.0, "100 %"),
        (0.9999999, "99.999990 %"),
        (1 - 1e-9, "99.99999990 %"),
        (None, "–"),
    ],
)
def test_what_is_missing_from_one_keeps_its_digits(fraction: float | None, text: str) -> None:
    assert si.near_one(fraction) == text


def test_less_than_one_is_never_shown_as_all() -> None:
    for digits in range(1, 11):
        assert si.near_one(1 - 10.0**-digits) != "100 %"
        assert not si.near_one(1 - 10.0**-digits).startswith("100.")


def test_parts_of_a_whole_do_not_vanish() -> None:
    assert si.share(0) == "0 %"
    assert si.share(0.4321) == "43.2 %"
    assert si.share(0.00023) == "0.02 %"
    assert si.share(3e-9) == "< 0.001 %"


def test_reductions_carry_the_sign_of_the_change() -> None:
    assert si.reduction(0.9875) == "−98.8 % (÷ 80)"
    assert si.reduction(0.9875, with_factor=False) == "−98.8 %"
    assert si.reduction(0.31) == "−31.0 %"
    assert si.reduction(-0.05) == "+5.0 %"
    assert si.reduction(0.0) == "0 %"
    assert si.reduction(1.0) == "−100 %"


def test_long_times_are_in_minutes_and_hours() -> None:
    assert si.duration(0.0431) == "43.1 ms"
    assert si.duration(59.0) == "59.0 s"
    assert si.duration(125) == "2 min 5 s"
    assert si.duration(3599.7) == "1 h 0 min"
    assert si.duration(7_500) == "2 h 5 min"


@pytest.mark.parametrize("largest", [3e-13, 4.2e-6, 0.9, 999.4, 5e4])
def test_axis_units_bring_the_largest_value_between_1_and_1000(largest: float) -> None:
    factor, symbol = si.axis_unit(largest, "J")
    assert 1 <= largest * factor <= 1000
    assert si.si(largest, "J").split()[1] == symbol
