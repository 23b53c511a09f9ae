"""Command beats: what a host sends."""

from amaranth.lib import data, enum


class Opcode(enum.IntEnum, shape=4):
    """Operations. The first four are answered by the controller itself and overtake what its tiles have queued."""

    IDENTIFY = 0
    """Give the word of the identity (`twinbar.hw.protocol.version.IdentityWord`) that ``argument`` names."""
    STATUS = 1
    """Give the state of safety; clear the faults whose bits are set in ``argument``."""
    ARM = 2
    """Allow pulses (``argument`` 1) or forbid them (0)."""
    SAFE = 3
    """Abort all tiles, disarm, open the selectors and drive the safe codes."""
    SET_REGISTER = 4
    """Write ``argument`` to the register whose address is in ``row``."""
    GET_REGISTER = 5
    """Read the register whose address is in ``row``."""
    COUNTER = 6
    """Read a phase counter (``argument`` = phase) or an action counter (``argument`` = 16 + action),
    with all that the tile did before."""
    READ = 7
    """Read a cell."""
    WRITE = 8
    """Write a cell to the level in ``argument``, closed loop. A write list is a run of such beats."""
    PULSE = 9
    """Give a cell a train of pulses, open loop (``argument`` is a `PulseArgument`)."""
    FORM = 10
    """Give a cell forming pulses until it conducts at least as well as the level in ``argument``, closed loop."""
    LOAD_INPUT = 11
    """Load 32 bits of an input vector (``argument``) as word ``row``; word 0 starts a new vector of zeros."""
    MULTIPLY = 12
    """Multiply the loaded input vector; ``argument`` is the number of outputs, from the first."""
    WAIT = 13
    """Wait for ``argument`` cycles."""
    RAW = 14
    """Drive codes for bring-up, with the gate closed (``argument`` is a `RawArgument`)."""


class Polarity(enum.IntEnum, shape=2):
    """Kinds of pulses; the numbers of SET and RESET are those of the emulator's physics."""

    SET = 0
    RESET = 1
    FORM = 2


class PulseArgument(data.Struct):
    """Argument of ``PULSE``."""

    count: 12
    _unused: 4
    polarity: Polarity


class RawArgument(data.Struct):
    """Argument of ``RAW``."""

    amplitude: 12
    gate: 12
    polarity: Polarity


class Command(data.Struct):
    """A command beat of 64 bits."""

    argument: 32
    row: 10
    column: 10
    tile: 8
    opcode: Opcode


CONTROLLER_OPCODES = frozenset({Opcode.IDENTIFY, Opcode.STATUS, Opcode.ARM, Opcode.SAFE})
"""Opcodes that the controller answers itself, whatever their tile field holds."""

CONTROLLER_TILE = 0xFF
"""Tile number in the responses of the controller itself, and of its registers in `SET_REGISTER` and `GET_REGISTER`."""
