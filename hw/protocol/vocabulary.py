"""Enumerations of the protocol: opcodes, statuses, modes, bias records, and what the front end can be asked for."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # Amaranth has no types; for a type checker its enumerations are the standard library's.
    from enum import Enum
else:
    from amaranth.lib.enum import Enum


class Opcode(Enum, shape=5):
    """What a command beat asks for. 0 is not a command, so that a stream of zeros is noticed."""

    READ_REGISTER = 1
    """Read a register, counter or table entry."""
    WRITE_REGISTER = 2
    """Write a register or table entry."""
    ARM = 3
    """Check all bias records against their windows, and permit reading or writing."""
    DISARM = 4
    """Forbid all operations on the array; the drive goes to its safe codes."""
    CLEAR = 5
    """Clear the latched faults."""
    SAFE = 6
    """Stop and disarm every tile at once. Every tile answers."""
    ABORT = 7
    """Stop the tile, and refuse the array operations that wait in its queue."""
    WAIT = 8
    """Let the array rest for some cycles."""
    READ = 9
    """Read a cell."""
    WRITE = 10
    """Write a cell to a level by closed-loop write-verify."""
    FORM = 11
    """Form a cell: pulses of the record FORM until its code reaches the level's window."""
    PULSE = 12
    """Give a cell a train of pulses without reading."""
    DRIVE = 13
    """Bring the start codes of a bias record to the pins, without a pulse."""
    CONVERT = 14
    """Read a cell with one conversion; gives the raw, signed code."""
    CALIBRATE = 15
    """Measure and store the offset of a column (or subtracted pair), or the gain trim of its ADC channel, with all rows
    open."""
    LOAD = 16
    """Write a word of the row registers. Not answered if it is accepted."""
    MULTIPLY = 17
    """Multiply the input in the row registers by neighbouring columns. One response per output."""


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
