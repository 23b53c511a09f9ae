"""The states of a tile's sequencer, and what each of them means."""

from amaranth.lib import enum

from twinbar.hw.protocol import registers
from twinbar.hw.protocol.vocabulary import Request
from twinbar.hw.timing import Phase


class State(enum.Enum, shape=4):
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
    SELECT = 8
    CONNECT_READ = 9
    DRIVE = 10
    CONNECT_MULTIPLY = 11
    CONVERT = 12
    RECOVER = 13
    PULSE = 14
    DECIDE = 15


PHASE_OF = {
    State.IDLE: Phase.IDLE,
    State.DECODE: Phase.DECIDE,
    State.ACCESS: Phase.DECIDE,
    State.SCAN: Phase.DECIDE,
    State.WAIT: Phase.SETTLE,
    State.LOAD: Phase.SELECT,
    State.RESPOND: Phase.STALL,  # or RESPOND, when the beat is handed over
    State.SELECT: Phase.SELECT,
    State.CONNECT_READ: Phase.SETTLE,
    State.DRIVE: Phase.SETTLE,
    State.CONNECT_MULTIPLY: Phase.SETTLE,
    State.CONVERT: Phase.CONVERT,
    State.RECOVER: Phase.RECOVER,
    State.PULSE: Phase.PULSE,
    State.DECIDE: Phase.DECIDE,
}
"""Phase of every state."""

DURATION_OF = {
    State.SELECT: registers.SELECT,
    State.CONNECT_READ: registers.SETTLE_READ,
    State.DRIVE: registers.SETTLE_DRIVE,
    State.CONNECT_MULTIPLY: registers.SETTLE_MULTIPLY,
    State.CONVERT: registers.CONVERT,
    State.RECOVER: registers.RECOVER,
}
"""Registers that say how long a state lasts."""

REQUEST_OF = {
    State.SELECT: Request.SELECT,
    State.CONNECT_READ: Request.CONNECT_READ,
    State.DRIVE: Request.DRIVE,
    State.CONNECT_MULTIPLY: Request.CONNECT_MULTIPLY,
    State.CONVERT: Request.CONVERT,
}
"""What is asked of the front end."""

ON_ARRAY = tuple(state for state in State if state.value >= State.SELECT.value)
"""States in which the array is touched."""
READ_STATES = (State.CONNECT_READ, State.CONNECT_MULTIPLY, State.CONVERT)
"""States in which the read path is on."""
POPPING = (State.IDLE, State.LOAD, State.RESPOND)
"""States in which the next command may be popped."""


def is_open_loop(follows):
    """Whether a command that goes on to a state behind SELECT pulses or drives without reading."""
    return is_any(follows, (State.PULSE, State.RESPOND))


def is_any(opcode, opcodes):
    """Whether an opcode is one of several."""
    result = opcode == opcodes[0]
    for other in opcodes[1:]:
        result |= opcode == other
    return result
