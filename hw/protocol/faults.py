"""Latched faults, and the reasons for which a command is refused or aborted."""

from amaranth.lib import enum


class Fault(enum.IntFlag, shape=6):
    """Faults of the controller: latched until ``STATUS`` clears them, and part of every response."""

    COMPLIANCE = 1
    """The compliance input of a tile was active behind the blanking time of an open write gate."""
    WATCHDOG = 2
    """The host was silent for longer than the watchdog's time while the controller was armed."""
    STOP = 4
    """The external stop input was active."""
    WIDTH = 8
    """The guard closed a write gate that stayed open for the longest allowed width."""
    SAFE = 16
    """``SAFE`` was commanded while a tile was at work; what ran was aborted."""


class Reason(enum.IntEnum, shape=5):
    """Why a command was refused or aborted; `NONE` in a response that reports success or a measured failure."""

    NONE = 0
    OPCODE = 1
    """The opcode is unknown."""
    TILE = 2
    """The controller has no such tile."""
    ROW = 3
    """The row lies outside the tile."""
    COLUMN = 4
    """The column lies outside the tile."""
    LEVEL = 5
    """The level lies outside the level table."""
    REGISTER = 6
    """There is no such register, or it cannot be written."""
    VALUE = 7
    """The value or argument is out of range."""
    DISARMED = 8
    """The controller is disarmed: no pulse is given."""
    FAULTED = 9
    """A fault is latched: no pulse is given."""
    PULSES = 10
    """More pulses than one command may give."""
    WIDTH = 11
    """A pulse width exceeds the limit."""
    CODE = 12
    """A drive code lies outside its window; the pulses before it were given."""
    ABORTED = 13
    """A fault, ``SAFE`` or disarming ended the command early; the beat reports what was done until then."""
