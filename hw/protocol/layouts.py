"""Layouts of the command beat, the response beat, and the latched faults."""

from typing import Final

from amaranth.lib import data

from . import commands
from .commands import COMMANDS, Opcode
from .enumerations import Mode, Status
from .fields import DeclarationError, Field, Word
from .sizes import (
    ADDRESS_BITS,
    BODY_BITS,
    CODE_BITS,
    COLUMN_BITS,
    COMPLIANCE_BITS,
    ECHO_BITS,
    LEVEL_BITS,
    LINE_BITS,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_TILES,
    OPCODE_BITS,
    PULSE_BITS,
    RESULT_BITS,
    ROW_BITS,
    TILE_BITS,
    TRIM_BITS,
    VALUE_BITS,
    WIDTH_BITS,
    WORD_BITS,
)

__all__ = [
    "ADDRESS_BITS",
    "BODY_BITS",
    "CODE_BITS",
    "COLUMN_BITS",
    "COMMAND",
    "COMMAND_BODIES",
    "COMMAND_BODY_OF",
    "COMPLIANCE_BITS",
    "ECHO",
    "ECHO_BITS",
    "FAULTS",
    "LEVEL_BITS",
    "LINE_BITS",
    "MAX_COLUMNS",
    "MAX_ROWS",
    "MAX_TILES",
    "OPCODE_BITS",
    "PULSE_BITS",
    "RESPONSE",
    "RESPONSE_BODIES",
    "RESPONSE_BODY_OF",
    "RESULT_BITS",
    "ROUTING",
    "ROW_BITS",
    "TILE_BITS",
    "TRIM_BITS",
    "VALUE_BITS",
    "WIDTH_BITS",
    "WORD_BITS",
    "Command",
    "Faults",
    "Response",
    "Routing",
    "Triple",
]


class Triple(data.Struct):
    """Codes of the three lines."""

    bit_line: LINE_BITS
    source_line: LINE_BITS
    word_line: LINE_BITS


COMMAND_BODIES: Final = {word.name: word.layout for word in commands.ARGUMENTS}
"""Arguments by group of opcodes. ``outputs`` = 0 stands for 1024."""

COMMAND_BODY_OF: Final = {
    opcode: spec.arguments.name if spec.arguments is not None else None for opcode, spec in COMMANDS.items()
}
"""Which arguments an opcode takes."""


class Command(data.Struct):
    """A command beat: self-contained, so that lists for different tiles interleave freely."""

    opcode: Opcode
    tile: TILE_BITS
    reserved: 3
    body: data.UnionLayout(COMMAND_BODIES)


class Routing(data.Struct):
    """What the dispatcher of a controller with cascades or shared inputs writes into the reserved bits of a beat."""

    copy: 1
    """Another tile counts the beat as its command."""
    stray: 1
    """Its group, or a member of its cascade, does not exist."""
    last: 1
    """The tile is the last member of the cascade."""


class Faults(data.Struct):
    """Latched faults: each disarms the tile, and stays until CLEAR."""

    compliance: 1
    watchdog: 1
    stop: 1
    front_end: 1
    reserved: 1


RESPONSE_BODIES: Final = {word.name: word.layout for word in commands.RESULTS}
"""Results by group of opcodes; ``sets`` counts forming pulses too."""

RESPONSE_BODY_OF: Final = {
    opcode: spec.response.name if spec.response is not None else None for opcode, spec in COMMANDS.items()
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


def _word(name: str, struct: object) -> Word:
    """Return a struct's fields with the places that gateware has for them."""
    layout = data.Layout.cast(struct)
    fields = (Field(str(key), field.offset, data.Shape.cast(field.shape).width) for key, field in layout)
    return Word(name, layout.size, tuple(fields))


COMMAND: Final = _word("command", Command)
RESPONSE: Final = _word("response", Response)
FAULTS: Final = _word("faults", Faults)
ROUTING: Final = _word("routing", Routing)
"""The same layouts for whoever packs and unpacks integers."""
ECHO: Final = Field("echo", 0, ECHO_BITS)
"""Low bits of a command's body that its response's body repeats."""

for _spec in COMMANDS.values():
    for _argument in _spec.arguments or ():
        _result = _spec.response[_argument.name] if _spec.response and _argument.name in _spec.response else None
        if _result is not None and _argument.end <= ECHO.end and _result.places != _argument.places:
            raise DeclarationError(
                f"{_spec.name}.{_argument.name} is repeated in bits {_argument.offset} to {_argument.end - 1} of the "
                f"response, and its result says {_result.offset} to {_result.end - 1}"
            )
