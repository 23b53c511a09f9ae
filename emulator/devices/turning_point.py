"""Tells SET from RESET by what the pulses do: SET raises the conductance, RESET lowers it."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from twinbar.emulator.devices.layout import RESET, SET

_FEWEST: Final = 5
"""Readings of a series whose direction is believed."""
_CLEAR: Final = 0.5
"""Part of the whole span by which a branch must rise or fall."""


class Unclear(Exception):
    """Nothing, or more than one thing, can be meant; the text says what the data do."""


def split_by_direction(values: Sequence[float]) -> list[int]:
    """Return the polarity of every reading of one rise, one fall, or a rise and a fall in either order.

    Raises
    ------
    Unclear
        If the values do something else.
    """
    found = np.asarray(values, dtype=np.float64)
    if len(found) < _FEWEST:
        raise Unclear(f"{len(found)} readings do not show it")
    smooth = _smooth(found)
    span = float(np.ptp(smooth))
    if span == 0:
        raise Unclear("the readings do not change")
    # The turn is the reading that makes rise and fall steepest: the furthest from the line between the ends.
    line = np.linspace(smooth[0], smooth[-1], len(smooth))
    turn = int(np.argmax(np.abs(smooth - line)))
    first, second = (smooth[turn] - smooth[0]) / span, (smooth[-1] - smooth[turn]) / span
    if first * second < 0 and min(abs(first), abs(second)) > _CLEAR:
        polarities = (SET, RESET) if first > 0 else (RESET, SET)
        # Medians cut the tip off.
        around = range(max(turn - 1, 0), min(turn + 2, len(found)))
        turn = (max if first > 0 else min)(around, key=lambda at: found[at])
        parts = [polarities[0]] * (turn + 1) + [polarities[1]] * (len(smooth) - turn - 1)
    else:
        rise = (smooth[-1] - smooth[0]) / span
        if abs(rise) < _CLEAR:
            raise Unclear("the conductance neither rises nor falls as a whole")
        parts = [SET if rise > 0 else RESET] * len(smooth)
    if _path_length(smooth) > 1.5 * sum(map(abs, _moves(smooth, parts))):
        raise Unclear("the conductance goes up and down several times, or the rows are not in order")
    return parts


def _moves(smooth: np.ndarray, parts: list[int]) -> list[float]:
    turn = next((at for at in range(1, len(parts)) if parts[at] != parts[at - 1]), None)
    if turn is None:
        return [float(smooth[-1] - smooth[0])]
    return [float(smooth[turn - 1] - smooth[0]), float(smooth[-1] - smooth[turn - 1])]


def _path_length(smooth: np.ndarray) -> float:
    """Return the way up and down, seen at a few places: noise of neighbours does not count."""
    at = np.unique(np.linspace(0, len(smooth) - 1, 20).astype(np.int64))
    return float(np.abs(np.diff(smooth[at])).sum())


def _smooth(values: np.ndarray) -> np.ndarray:
    """Return medians of three neighbours; the ends stay."""
    middle = np.median(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
    return np.concatenate([values[:1], middle, values[-1:]])
