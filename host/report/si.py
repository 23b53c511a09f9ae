"""Numbers as people read them: SI prefixes, counts, percentages and durations.

The page, the plots and the terminal share these functions, so that one figure reads the same everywhere.
"""

import math
from typing import Final

MISSING: Final = "–"
"""Stands for a figure that a report does not have."""

_MINUS: Final = "−"
_PREFIXES: Final = {
    -24: "y",
    -21: "z",
    -18: "a",
    -15: "f",
    -12: "p",
    -9: "n",
    -6: "µ",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
    12: "T",
    15: "P",
    18: "E",
    21: "Z",
    24: "Y",
}
_EXACT_BELOW: Final = 10_000_000
"""Counts below this are written in full."""


def _special(value: float | None) -> str | None:
    """Return the text of a value that has no digits (none, not a number, infinite)."""
    if value is None:
        return MISSING
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    return None


def _exponent(value: float, digits: int) -> int:
    """Return the power of 1000 (as a power of ten) in which ``value``, rounded to ``digits``, is written."""
    decade = int(f"{abs(value):.{digits - 1}e}".partition("e")[2])
    return min(max(3 * (decade // 3), min(_PREFIXES)), max(_PREFIXES))


def _digits(value: float, digits: int) -> str:
    """Round to significant digits, in positional notation, with a typographic minus sign."""
    if value == 0:
        return "0"
    decade = int(f"{abs(value):.{digits - 1}e}".partition("e")[2])
    return fixed(value, max(digits - 1 - decade, 0))


def si(value: float | None, unit: str, digits: int = 3) -> str:
    """Format a quantity with an SI prefix.

    Parameters
    ----------
    value : float or None
        The quantity in ``unit``; None gives a dash.
    unit : str
        Symbol of the unit; may be empty for a plain number.
    digits : int
        Significant digits.

    Examples
    --------
    >>> si(2.7e-3, "J")
    '2.70 mJ'
    """
    special = _special(value)
    if special is not None or value is None:
        return special or MISSING
    if value == 0:
        return f"0 {unit}".rstrip()
    exponent = _exponent(value, digits)
    return f"{_digits(value / 10.0**exponent, digits)} {_PREFIXES[exponent]}{unit}".rstrip()


def axis_unit(largest: float, unit: str) -> tuple[float, str]:
    """Choose the prefixed unit of a linear axis.

    Parameters
    ----------
    largest : float
        Largest magnitude on the axis, in ``unit``.
    unit : str
        Symbol of the unit.

    Returns
    -------
    factor : float
        Values times this are in the prefixed unit.
    symbol : str
        The prefixed unit.
    """
    if largest == 0 or not math.isfinite(largest):
        return 1.0, unit
    exponent = _exponent(largest, 3)
    return 10.0**-exponent, f"{_PREFIXES[exponent]}{unit}"


def count(value: float | None) -> str:
    """Format a count: in full with separators below ten million, with an SI prefix above."""
    special = _special(value)
    if special is not None or value is None:
        return special or MISSING
    if abs(value) >= _EXACT_BELOW:
        return si(value, "")
    return f"{round(value):,}".replace("-", _MINUS)


def ratio(value: float | None, digits: int = 3) -> str:
    """Format a plain ratio (pulses per write, updates per weight) to significant digits."""
    special = _special(value)
    if special is not None or value is None:
        return special or MISSING
    return si(value, "", digits) if abs(value) >= _EXACT_BELOW else _digits(value, digits)


def fixed(value: float, decimals: int) -> str:
    """Format a finite number with fixed decimals."""
    return f"{value:.{decimals}f}".replace("-", _MINUS)


def percent(fraction: float | None, decimals: int = 2) -> str:
    """Format a fraction as a percentage with fixed decimals."""
    special = _special(fraction)
    if special is not None or fraction is None:
        return special or MISSING
    return f"{fixed(100 * fraction, decimals)} %"


def share(fraction: float | None) -> str:
    """Format a part of a whole as a percentage: one decimal, more where a small part would be rounded to nothing."""
    special = _special(fraction)
    if special is not None or fraction is None:
        return special or MISSING
    if fraction == 0:
        return "0 %"
    if 0 < fraction < 0.00001:
        return "< 0.001 %"
    return f"{_digits(100 * fraction, 1)} %" if 0 < fraction < 0.001 else percent(fraction, 1)


def near_one(fraction: float | None) -> str:
    """Format a fraction close to 1 so that what is missing from 1 keeps two significant digits.

    Examples
    --------
    >>> near_one(0.99986)
    '99.986 %'
    """
    special = _special(fraction)
    if special is not None or fraction is None:
        return special or MISSING
    rest = 1 - fraction
    if rest == 0:
        return "100 %"
    # Beyond twelve decimals the subtraction from 1 has no digits left.
    decade = int(f"{abs(rest):.1e}".partition("e")[2])
    return percent(fraction, min(max(1, -1 - decade), 12))


def reduction(fraction: float | None, with_factor: bool = True) -> str:
    """Format a reduction against a reference: the sign is that of the change, with the factor where it is large."""
    special = _special(fraction)
    if special is not None or fraction is None:
        return special or MISSING
    if fraction == 0:
        return "0 %"
    if fraction < 0:
        return f"+{percent(-fraction, 1)}"
    text = f"{_MINUS}{near_one(fraction) if fraction > 0.9 else percent(fraction, 1)}"
    return f"{text} (÷ {ratio(1 / (1 - fraction), 2)})" if with_factor and 0.5 <= fraction < 1 else text


def duration(seconds: float | None) -> str:
    """Format a time: with an SI prefix below a minute, in minutes and hours above."""
    special = _special(seconds)
    if special is not None or seconds is None:
        return special or MISSING
    if abs(seconds) < 60:
        return si(seconds, "s")
    whole = round(abs(seconds))
    sign = _MINUS if seconds < 0 else ""
    if whole < 3600:
        return f"{sign}{whole // 60} min {whole % 60} s"
    return f"{sign}{whole // 3600:,} h {whole % 3600 // 60} min"
