"""Statuses, modes, bias records, and what the front end can be asked for; opcodes are in `commands`."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # Amaranth has no types; for a type checker its enumerations are the standard library's.
    from enum import Enum
else:
    from amaranth.lib.enum import Enum


class Status(Enum, shape=4):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """A closed-loop write used up its pulses."""
    ABORTED = 2
    """Stopped or refused because of SAFE or ABORT."""
    FAULTED = 3
    """Stopped or refused because of a latched fault."""
    DISARMED = 4
    """Refused: the mode does not permit it."""
    LOCKED = 5
    """Refused: the register can be written only while disarmed."""
    WINDOW = 6
    """ARM refused: a bias record leaves its window, or a pulse is wider than its limit."""
    UNKNOWN_OPCODE = 8
    BAD_TILE = 9
    BAD_ADDRESS = 10
    """Row, column, output or input word outside the tile."""
    BAD_LEVEL = 11
    """Level outside the table."""
    BAD_REGISTER = 12
    """No such register, or it cannot be written."""
    BAD_VALUE = 13
    """A value that the field cannot have."""
    INCOMPLETE = 14
    """Refused: activations or inputs that it needs were not computed to the end."""


class Mode(Enum, shape=2):
    """What a tile is armed for."""

    SAFE = 0
    """Nothing: the state after reset, DISARM, SAFE and every fault."""
    READ = 1
    """Operations that never open the write gate."""
    WRITE = 2
    """All operations."""


class Record(Enum, shape=3):
    """Bias records: the codes that an operation drives."""

    READ = 0
    SET = 1
    RESET = 2
    FORM = 3
    MULTIPLY = 4
    SAFE = 7
    """Not a record: the constant safe codes."""


RECORDS: Final = tuple(record for record in Record if record is not Record.SAFE)
"""The records that registers hold."""


class ComplianceAction(Enum, shape=2):
    """What the compliance input does while the write gate is open."""

    OFF = 0
    END_PULSE = 1
    """Close the gate and go on: the current limit is part of the write algorithm."""
    FAULT = 2
    """Close the gate, disarm and latch a fault."""


class Destination(Enum, shape=2):
    """Where the sums of products go that a tile answers."""

    ANSWERED = 0
    """Into responses."""
    BOTH = 1
    """Into responses, and as activations into the tile's buffer."""
    KEPT = 2
    """Into the buffer only; one response says when it is complete."""


class Selection(Enum, shape=3):
    """What the selector connects."""

    NONE = 0
    CELL = 1
    COLUMN = 2
    """A column (or subtracted pair) with all rows open."""
    PLANE = 3
    """The rows whose input has a one in the bit plane."""
    CODES = 4
    """All rows, each driven by the code in its row register."""
    REFERENCE = 5
    """The reference source on a column, with all rows open."""


class Request(Enum, shape=3):
    """What the sequencer asks the front end for."""

    NONE = 0
    SELECT = 1
    CONNECT_READ = 2
    CONNECT_MULTIPLY = 3
    DRIVE = 4
    CONVERT = 5
    COMPARE = 6
