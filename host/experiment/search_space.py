"""What a sweep varies: lists, ranges with a step, and, for a search, ranges without one."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from twinbar.hw.errors import ConfigError

MOST_VALUES: Final = 10_000
"""Values of one key: more are a typing error."""
_BETWEEN: Final = ".."
_RANGE: Final = re.compile(r"(?<![/\\])\.\.(?![/\\])")
"""Two dots that are no part of a path, such as ``../cells.toml``."""
_HOW: Final = (
    "write it as key=1,2,4 (values), key=0:1:0.25 (first:last:step), or key=0.001..0.1 (to search in; log may follow)"
)

ReadValue = Callable[[str, str], Any]
"""Reads the text of a key's value, as the command line gives it."""


class Axis(NamedTuple):
    """A key and the values that it takes in turn."""

    key: str
    values: tuple[Any, ...]


class SearchRange(NamedTuple):
    """A key and the range from which a search takes its values, both ends included."""

    key: str
    low: float | int
    high: float | int
    log: bool

    @property
    def integer(self) -> bool:
        """Return whether its values are integers: both ends are."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def read_space(texts: Sequence[str], read: ReadValue) -> list[Axis | SearchRange]:
    """Read what is varied.

    Parameters
    ----------
    texts : sequence of str
        Each ``key=values``. Values are listed with commas, of which those in brackets do not count; ``0:1:0.25`` is a
        range with its step; ``0.001..0.1`` is one to search in, with ``log`` behind it evenly in the logarithm.
    read : callable
        Takes a key and the text of a value.

    Raises
    ------
    ConfigError
        One sentence on the first that cannot be read, or a key that is given twice.
    """
    found = [_read(text, read) for text in texts]
    keys = [axis.key for axis in found]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"{key} is varied twice; list all of its values in one place")
    return found


def shown_value(value: Any) -> str:
    """Return the text of a setting: lists with commas, ``true`` and ``false`` as files have them."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(text: str, read: ReadValue) -> Axis | SearchRange:
    key, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not key or not values:
        raise ConfigError(f"{text!r} cannot be varied: {_HOW}")
    try:
        if _RANGE.search(values):
            return _search_range(key, values)
        if re.fullmatch(r"[^,\[]+:[^,\[]+:[^,\[]+", values):
            return Axis(key, _range(values))
    except ValueError as error:
        raise ConfigError(f"{text!r} cannot be varied: {error}; {_HOW}") from None
    listed = tuple(read(key, value) for value in _split(text, values))
    for value in listed:
        if listed.count(value) > 1:
            raise ConfigError(f"{text!r} cannot be varied: {value!r} is in it twice")
    return Axis(key, listed)


def _split(text: str, values: str) -> list[str]:
    """Split a list at its commas, but for those in brackets."""
    parts, depth = [""], 0
    for letter in values:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    parts = [part.strip() for part in parts]
    if depth or not all(parts):
        why = "brackets are not in pairs" if depth else "a value is empty"
        raise ConfigError(f"{text!r} cannot be varied: {why}; {_HOW}")
    return parts


def _number(text: str) -> float | int:
    text = text.strip()
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    raise ValueError(f"{text!r} is not a number")


def _range(values: str) -> tuple[float | int, ...]:
    first, last, step = map(_number, values.split(":"))
    if step == 0 or (last - first) / step < 0:
        raise ValueError(f"steps of {step} do not lead from {first} to {last}")
    # A last value that rounding puts just beyond the end counts.
    count = math.floor((last - first) / step + 1e-9) + 1
    if count > MOST_VALUES:
        raise ValueError(f"these are {count:,} values, and {MOST_VALUES:,} are the most")
    if all(isinstance(number, int) for number in (first, last, step)):
        return tuple(first + number * step for number in range(count))
    # Fifteen digits: 0.1 + 2 * 0.1 is meant to be 0.3.
    return tuple(float(f"{first + number * step:.15g}") for number in range(count))


def _search_range(key: str, values: str) -> SearchRange:
    values, log = (values[:-3].strip(), True) if values.endswith("log") else (values, False)
    low, _, high = values.partition(_BETWEEN)
    found = SearchRange(key, _number(low), _number(high), log)
    if found.low >= found.high:
        raise ValueError(f"its lower end {found.low} is not below its upper end {found.high}")
    if log and found.low <= 0:
        raise ValueError(f"a logarithm needs ends above 0, and the lower one is {found.low}")
    return found
