"""Ticks, by which cells age: one for each training step."""

from typing import Final

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
