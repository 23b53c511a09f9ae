"""The registers of a tile: addresses, access, ranges, and the counters and tables behind the same addresses."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from twinbar.hw.actions import Action
from twinbar.hw.timing import MAX_WIDTH, MIN_SETTLE_DRIVE, Phase

from .layouts import COMPLIANCE_BITS, LEVEL_BITS, LINE_BITS, TRIM_BITS, VALUE_BITS, WIDTH_BITS
from .vocabulary import RECORDS, ComplianceAction, Record


class Access(Enum):
    """How a register can be used."""

    CONSTANT = "constant"
    """Fixed when the controller is built."""
    LIVE = "live"
    """Shows a state; cannot be written."""
    OPEN = "open"
    """Can be read and written at any time."""
    LOCKED = "locked"
    """Can be read at any time, and written while the tile is disarmed."""


@dataclass(frozen=True)
class Register:
    """A register of a tile.

    Parameters
    ----------
    name : str
    address : int
    access : Access
    bits : int
        Width; a value that needs more is refused.
    about : str
        What it holds, with the unit.
    least, most : int
        Range of values; ``most`` is all ones if it is not given.
    init : int
        Value after power-up.
    """

    name: str
    address: int
    access: Access
    bits: int
    about: str
    least: int = 0
    most: int = -1
    init: int = 0

    def __post_init__(self) -> None:
        if self.most < 0:
            object.__setattr__(self, "most", (1 << self.bits) - 1)


IDENTITY: Final = int.from_bytes(b"TWBR", "big")
"""Value of the register IDENTITY: a link to anything else is noticed at once."""

_CONSTANTS = (
    Register("IDENTITY", 0x00, Access.CONSTANT, 32, 'the letters "TWBR"', init=IDENTITY),
    Register("VERSION", 0x01, Access.CONSTANT, 32, "protocol version: major << 16 | minor"),
    Register("HASH_LOW", 0x02, Access.CONSTANT, 32, "low half of the configuration hash"),
    Register("HASH_HIGH", 0x03, Access.CONSTANT, 32, "high half of the configuration hash"),
    Register("GEOMETRY", 0x04, Access.CONSTANT, 33, "rows | columns << 11 | tiles << 22"),
    Register(
        "CONVERTERS", 0x05, Access.CONSTANT, 32, "ADC bits | DAC bits << 5 | input bits << 10 | ADC channels << 16"
    ),
    Register("QUEUES", 0x06, Access.CONSTANT, 32, "depth of the command queues | depth of the response queue << 16"),
)

_LIVE = (
    Register("INPUTS", 0x08, Access.LIVE, 3, "synchronised inputs: compliance | stop << 1 | front-end fault << 2"),
)

SELECT: Final = Register("SELECT", 0x10, Access.LOCKED, 16, "cycles until a selection is connected", 1, init=1)
SETTLE_READ: Final = Register(
    "SETTLE_READ", 0x11, Access.LOCKED, 16, "cycles until the read path is at rest", 1, init=16
)
SETTLE_DRIVE: Final = Register(
    "SETTLE_DRIVE", 0x12, Access.LOCKED, 16, "cycles until the write drive is at rest", MIN_SETTLE_DRIVE, init=16
)
SETTLE_MULTIPLY: Final = Register(
    "SETTLE_MULTIPLY", 0x13, Access.LOCKED, 16, "cycles until driven rows are at rest", 1, init=16
)
CONVERT: Final = Register("CONVERT", 0x14, Access.LOCKED, 16, "cycles of a conversion", 1, init=16)
RECOVER: Final = Register("RECOVER", 0x15, Access.LOCKED, 16, "cycles after a pulse", 1, init=4)
SAMPLING: Final = Register(
    "SAMPLING", 0x16, Access.LOCKED, 7, "discarded samples | log2 of averaged samples << 4 (at most 4)", most=0x4F
)
PULSE_LIMIT: Final = Register("PULSE_LIMIT", 0x17, Access.LOCKED, 8, "pulses of one command", 1, init=100)
LEVELS: Final = Register("LEVELS", 0x18, Access.LOCKED, 9, "levels in the table", 1, 1 << LEVEL_BITS, 16)
COMPLIANCE: Final = Register(
    "COMPLIANCE",
    0x19,
    Access.LOCKED,
    18,
    "cycles of blanking after the gate opens | action << 16 (0 off, 1 end pulse, 2 fault)",
    most=(ComplianceAction.FAULT.value << 16) + 0xFFFF,
    init=ComplianceAction.FAULT.value << 16,
)
WATCHDOG: Final = Register(
    "WATCHDOG", 0x1A, Access.LOCKED, WIDTH_BITS, "cycles without a command beat after which an armed tile stops; 0: off"
)
RANGE_READ: Final = Register("RANGE_READ", 0x20, Access.OPEN, 16, "ADC range code of single-cell reads")
RANGE_MULTIPLY: Final = Register("RANGE_MULTIPLY", 0x21, Access.OPEN, 16, "ADC range code of column sums")
GAIN_TARGET: Final = Register("GAIN_TARGET", 0x22, Access.OPEN, 16, "code that the reference source must give")

_SETTINGS = (
    SELECT,
    SETTLE_READ,
    SETTLE_DRIVE,
    SETTLE_MULTIPLY,
    CONVERT,
    RECOVER,
    SAMPLING,
    PULSE_LIMIT,
    LEVELS,
    COMPLIANCE,
    WATCHDOG,
    RANGE_READ,
    RANGE_MULTIPLY,
    GAIN_TARGET,
)

NO_LIMIT: Final = (1 << COMPLIANCE_BITS) - 1
"""Compliance code that switches the current limit off."""

RECORD_BASE: Final = 0x40
RECORD_STRIDE: Final = 8
# Even fields lie in one memory and odd ones in another, so that the pairs that ARM compares are read together, and
# those that an update of the drive takes: CODES with WIDTH, STEP with STOP.
FIELD_CODES: Final = 0
FIELD_LOW: Final = 1
FIELD_HIGH: Final = 2
FIELD_STOP: Final = 3
FIELD_LIMIT: Final = 4
FIELD_WIDTH: Final = 5
FIELD_STEP: Final = 6

_RECORD_FIELDS = {
    FIELD_CODES: ("CODES", 3 * LINE_BITS, "start codes (triple)", 0, 0),
    FIELD_LOW: ("LOW", 3 * LINE_BITS, "lowest permitted codes (triple)", 0, 0),
    FIELD_HIGH: ("HIGH", 3 * LINE_BITS, "highest permitted codes (triple)", 0, 0),
    FIELD_STOP: (
        "STOP",
        3 * LINE_BITS,
        "codes at which the ramp stops (triple); a line that does not ramp: its code",
        0,
        0,
    ),
    FIELD_LIMIT: (
        "LIMIT",
        WIDTH_BITS + COMPLIANCE_BITS,
        "greatest permitted pulse width in cycles, 1 or more | greatest permitted compliance code << 28",
        0,
        MAX_WIDTH | NO_LIMIT << WIDTH_BITS,
    ),
    FIELD_WIDTH: (
        "WIDTH",
        WIDTH_BITS + COMPLIANCE_BITS,
        "pulse width in cycles, 1 or more | compliance code << 28",
        0,
        5 | NO_LIMIT << WIDTH_BITS,
    ),
    FIELD_STEP: ("STEP", 3 * LINE_BITS, "codes by which the lines step from pulse to pulse (triple)", 0, 0),
}


def record_address(record: Record, field: int) -> int:
    """Give the address of a field of a bias record."""
    return RECORD_BASE + RECORD_STRIDE * record.value + field


_RECORDS = tuple(
    Register(f"{record.name}_{name}", record_address(record, field), Access.LOCKED, bits, about, least, init=init)
    for record in RECORDS
    for field, (name, bits, about, least, init) in _RECORD_FIELDS.items()
)

PULSE_SHAPES: Final = frozenset(
    record_address(record, field) for record in RECORDS for field in (FIELD_WIDTH, FIELD_LIMIT)
)
"""Addresses of the registers that hold a pulse width and a compliance code; a width of 0 is refused."""

REGISTERS: Final = (*_CONSTANTS, *_LIVE, *_SETTINGS, *_RECORDS)
"""All registers, in the order of their addresses."""

BY_NAME: Final = {register.name: register for register in REGISTERS}

PHASE_COUNTER_BASE: Final = 0x80
"""Address of the counter of phase 0 (`twinbar.hw.timing.Phase`)."""
ACTION_COUNTER_BASE: Final = 0x90
"""Address of the counter of action 0 (`twinbar.hw.actions.Action`)."""
COUNTER_BITS: Final = VALUE_BITS

COUNTED_ACTIONS: Final = (
    Action.SELECT_CELL,
    Action.CONVERT_VERIFY,
    Action.CONVERT_FORWARD,
    Action.DRIVE_UPDATE,
    Action.PULSE_SET,
    Action.PULSE_RESET,
    Action.WRITE_OK,
    Action.WRITE_FAILED,
    Action.INPUT_STEP,
    Action.COMMAND_BEAT,
)
"""Actions that have a counter of their own."""

ACTION_COUNTERS: Final = {
    **{action: ACTION_COUNTER_BASE + action for action in COUNTED_ACTIONS},
    Action.SHIFT_ADD: ACTION_COUNTER_BASE + Action.CONVERT_FORWARD,
    Action.RESPONSE_BEAT: PHASE_COUNTER_BASE + Phase.RESPOND,
}
"""Address of the counter from which the number of an action is known; the host counts the others itself."""

LEVEL_BASE: Final = 0x100
"""Level windows: low | high << 16, one address per level."""
TRIM_BASE: Final = 0x400
"""Gain trims, one address per ADC channel."""
TRIM_INIT: Final = 1 << (TRIM_BITS - 1)
"""Trim after power-up: the middle of its range."""
OFFSET_BASE: Final = 0x800
"""Offsets of columns, 16-bit two's complement, one address per column."""
PAIR_OFFSET_BASE: Final = 0xC00
"""Offsets of subtracted pairs, one address per pair."""
