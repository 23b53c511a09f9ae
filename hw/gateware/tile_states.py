"""The states of a tile's sequencer, and what each of them means."""

from amaranth.lib import enum

from twinbar.hw.protocol import registers
from twinbar.hw.protocol.vocabulary import Request
from twinbar.hw.timing import Phase


class TileState(enum.Enum, shape=4):
    """What the sequencer does in a cycle; `PHASE_OF` gives its phase.

    The states from 8 on touch the array. Below it, the lower three bits of a state that has a duration are its row in
    `durations`.
    """

    IDLE = 0
    DECODE = 1
    """First cycle of a command that does not touch the array, and of a refused one."""
    ACCESS = 2
    """A register is read or written."""
    SCAN = 3
    """The bias records are checked."""
    WAIT = 4
    LOAD = 5
    RESPOND = 6
    TRANSFER = 7
    """Words of activations are sent, or taken; only where there are chains."""
    SELECT = 8
    CONNECT_READ = 9
    DRIVE = 10
    CONNECT_MULTIPLY = 11
    CONVERT = 12
    RECOVER = 13
    PULSE = 14
    DECIDE = 15


PHASE_OF = {
    TileState.IDLE: Phase.IDLE,
    TileState.DECODE: Phase.DECIDE,
    TileState.ACCESS: Phase.DECIDE,
    TileState.SCAN: Phase.DECIDE,
    TileState.WAIT: Phase.SETTLE,
    TileState.LOAD: Phase.SELECT,
    TileState.TRANSFER: Phase.SELECT,
    TileState.RESPOND: Phase.STALL,  # or RESPOND, when the beat is handed over
    TileState.SELECT: Phase.SELECT,
    TileState.CONNECT_READ: Phase.SETTLE,
    TileState.DRIVE: Phase.SETTLE,
    TileState.CONNECT_MULTIPLY: Phase.SETTLE,
    TileState.CONVERT: Phase.CONVERT,
    TileState.RECOVER: Phase.RECOVER,
    TileState.PULSE: Phase.PULSE,
    TileState.DECIDE: Phase.DECIDE,
}
"""Phase of every state."""

DURATION_OF = {
    TileState.SELECT: registers.SELECT,
    TileState.CONNECT_READ: registers.SETTLE_READ,
    TileState.DRIVE: registers.SETTLE_DRIVE,
    TileState.CONNECT_MULTIPLY: registers.SETTLE_MULTIPLY,
    TileState.CONVERT: registers.CONVERT,
    TileState.RECOVER: registers.RECOVER,
}
"""Registers that say how long a state lasts."""

REQUEST_OF = {
    TileState.SELECT: Request.SELECT,
    TileState.CONNECT_READ: Request.CONNECT_READ,
    TileState.DRIVE: Request.DRIVE,
    TileState.CONNECT_MULTIPLY: Request.CONNECT_MULTIPLY,
    TileState.CONVERT: Request.CONVERT,
}
"""What is asked of the front end."""

ON_ARRAY = tuple(state for state in TileState if state.value >= TileState.SELECT.value)
"""States in which the array is touched."""
READ_STATES = (TileState.CONNECT_READ, TileState.CONNECT_MULTIPLY, TileState.CONVERT)
"""States in which the read path is on."""
POPPING = (TileState.IDLE, TileState.LOAD, TileState.RESPOND)
"""States in which the next command may be popped."""


def is_open_loop(follows):
    """Whether a command that goes on to a state behind SELECT pulses or drives without reading."""
    return is_any(follows, (TileState.PULSE, TileState.RESPOND))


def is_any(opcode, opcodes):
    """Whether an opcode is one of several."""
    result = opcode == opcodes[0]
    for other in opcodes[1:]:
        result |= opcode == other
    return result
