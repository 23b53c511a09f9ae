"""Layouts of the command beat, the response beat, and the latched faults."""

from typing import Final

from amaranth.hdl import signed
from amaranth.lib import data

from .vocabulary import Mode, Opcode, Record, Status

ROW_BITS: Final = 10
COLUMN_BITS: Final = 10
TILE_BITS: Final = 8
LEVEL_BITS: Final = 8
CODE_BITS: Final = 18
"""Bits of a signed code in a response."""
LINE_BITS: Final = 12
"""Bits of a line's code in a triple (bit line, source line, word line)."""
COMPLIANCE_BITS: Final = 8
"""Bits of a current limit's code; the largest code stands for no limit."""
TRIM_BITS: Final = 8
"""Bits of an ADC channel's gain trim."""
WIDTH_BITS: Final = 28
"""Bits of a pulse width or waiting time; see `twinbar.hw.timing.MAX_WIDTH`."""
PULSE_BITS: Final = 8
"""Bits of a number of pulses."""
ADDRESS_BITS: Final = 12
VALUE_BITS: Final = 36
"""Bits of a register's value, and of the result in a response."""
WORD_BITS: Final = 32
"""Bits of a word of the row registers."""

MAX_TILES: Final = 1 << TILE_BITS
MAX_ROWS: Final = 1 << ROW_BITS
MAX_COLUMNS: Final = 1 << COLUMN_BITS


class Triple(data.Struct):
    """Codes of the three lines."""

    bit_line: LINE_BITS
    source_line: LINE_BITS
    word_line: LINE_BITS


def _body(width: int, **fields: tuple[int, object]) -> data.FlexibleLayout:
    return data.FlexibleLayout(width, {name: data.Field(shape, offset) for name, (offset, shape) in fields.items()})


BODY_BITS: Final = 48
"""Bits of a command's arguments."""
ECHO_BITS: Final = ROW_BITS + COLUMN_BITS
"""Low bits of a command's arguments that its response repeats."""

COMMAND_BODIES: Final = {
    "cell": _body(BODY_BITS, row=(0, ROW_BITS), column=(10, COLUMN_BITS), level=(20, LEVEL_BITS)),
    "pulse": _body(BODY_BITS, row=(0, ROW_BITS), column=(10, COLUMN_BITS), count=(20, PULSE_BITS), record=(28, Record)),
    "calibration": _body(BODY_BITS, column=(10, COLUMN_BITS), subtract=(20, 1), gain=(21, 1)),
    "product": _body(
        BODY_BITS, outputs=(0, ROW_BITS), column=(10, COLUMN_BITS), subtract=(20, 1), codes=(21, 1), skip=(22, 1)
    ),
    "input": _body(BODY_BITS, word=(0, ROW_BITS), clear=(10, 1), bits=(16, WORD_BITS)),
    "register": _body(BODY_BITS, address=(0, ADDRESS_BITS), value=(12, VALUE_BITS)),
    "wait": _body(BODY_BITS, cycles=(0, WIDTH_BITS)),
    "arm": _body(BODY_BITS, mode=(0, Mode)),
}
"""Arguments by group of opcodes. ``outputs`` = 0 stands for 1024."""

COMMAND_BODY_OF: Final = {
    Opcode.READ_REGISTER: "register",
    Opcode.WRITE_REGISTER: "register",
    Opcode.ARM: "arm",
    Opcode.DISARM: None,
    Opcode.CLEAR: None,
    Opcode.SAFE: None,
    Opcode.ABORT: None,
    Opcode.WAIT: "wait",
    Opcode.READ: "cell",
    Opcode.WRITE: "cell",
    Opcode.FORM: "cell",
    Opcode.PULSE: "pulse",
    Opcode.DRIVE: "pulse",
    Opcode.CONVERT: "cell",
    Opcode.CALIBRATE: "calibration",
    Opcode.LOAD: "input",
    Opcode.MULTIPLY: "product",
}
"""Which arguments an opcode takes."""


class Command(data.Struct):
    """A command beat: self-contained, so that lists for different tiles interleave freely."""

    opcode: Opcode
    tile: TILE_BITS
    reserved: 3
    body: data.UnionLayout(COMMAND_BODIES)


class Faults(data.Struct):
    """Latched faults: each disarms the tile, and stays until CLEAR."""

    compliance: 1
    watchdog: 1
    stop: 1
    front_end: 1
    reserved: 1


RESULT_BITS: Final = ECHO_BITS + VALUE_BITS

RESPONSE_BODIES: Final = {
    "cell": _body(
        RESULT_BITS,
        row=(0, ROW_BITS),
        column=(10, COLUMN_BITS),
        code=(20, signed(CODE_BITS)),
        sets=(38, PULSE_BITS),
        resets=(46, PULSE_BITS),
    ),
    "product": _body(RESULT_BITS, column=(10, COLUMN_BITS), sum=(20, signed(VALUE_BITS))),
    "register": _body(RESULT_BITS, address=(0, ADDRESS_BITS), value=(20, VALUE_BITS)),
}
"""Results by group of opcodes; ``sets`` counts forming pulses too."""

RESPONSE_BODY_OF: Final = {
    opcode: {"product": "product", "register": "register", "cell": "cell", "pulse": "cell", "calibration": "cell"}.get(
        body or ""
    )
    for opcode, body in COMMAND_BODY_OF.items()
}
"""Which results an opcode gives."""


class Response(data.Struct):
    """A response beat."""

    opcode: Opcode
    tile: TILE_BITS
    status: Status
    faults: Faults
    mode: Mode
    body: data.UnionLayout(RESPONSE_BODIES)
