"""Ticks, by which cells age: the time of the ledger and stated pauses, or one for each training step."""

from collections.abc import Callable
from typing import Final

from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.hw.errors import ConfigError

MOST_TICKS: Final = 1 << 32
"""The tick of a cell's last pulse is kept in 32 bits."""


def check_tick(tick: int) -> None:
    """Refuse a tick that no cell can keep.

    Raises
    ------
    ConfigError
        If it is negative, or `MOST_TICKS` or more.
    """
    if not 0 <= tick < MOST_TICKS:
        raise ConfigError(f"tick {tick} is out of range; a crossbar ages for less than {MOST_TICKS} ticks")


def tick_of(array: ArrayConfig, steps: int, busy_s: Callable[[], float]) -> int:
    """Return the tick at the beginning of a training step.

    Parameters
    ----------
    array : ArrayConfig
        With ``pause_s``, time is what the controller has taken plus so many seconds for each step before; without it,
        each step is a tick.
    steps : int
        Steps that were made.
    busy_s : callable
        Returns the seconds for which the controller has been at work.
    """
    if array.pause_s is None:
        return steps
    return int((busy_s() + steps * array.pause_s) // array.tick_s)
