"""Commands out of beats, and response beats, at the offsets of the protocol's layouts."""

from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Shape
from amaranth.lib import data

from twinbar.hw.protocol import layouts
from twinbar.hw.protocol.layouts import COLUMN_BITS, ROW_BITS
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status

OPCODES: Final = {opcode.value: opcode for opcode in Opcode}


def _fields(layout: Any) -> tuple[tuple[str, int, int], ...]:
    """Give name, offset and mask of every field."""
    return tuple((name, field.offset, (1 << Shape.cast(field.shape).width) - 1) for name, field in layout)


_COMMAND: Final = {name: (offset, mask) for name, offset, mask in _fields(data.Layout.cast(layouts.Command))}
_RESPONSE: Final = {name: offset for name, offset, _ in _fields(data.Layout.cast(layouts.Response))}
_CELL_RESULT: Final = {name: offset for name, offset, _ in _fields(layouts.RESPONSE_BODIES["cell"])}
_ARGUMENTS: Final = {
    opcode: _fields(layouts.COMMAND_BODIES[group]) if group else () for opcode, group in layouts.COMMAND_BODY_OF.items()
}
_CODE_MASK: Final = (1 << 18) - 1
_VALUE_MASK: Final = (1 << layouts.VALUE_BITS) - 1
_ROW_MASK: Final = (1 << ROW_BITS) - 1
_COLUMN_MASK: Final = (1 << COLUMN_BITS) - 1


class Command:
    """A command beat.

    Parameters
    ----------
    beat : int

    Attributes
    ----------
    number : int
        The opcode's number.
    opcode : Opcode or None
        None if there is no such opcode.
    tile : int
    body : int
    arguments : SimpleNamespace
        The opcode's arguments, by name.
    """

    __slots__ = ("arguments", "body", "number", "opcode", "tile")

    def __init__(self, beat: int) -> None:
        (at, mask), (tile_at, tile_mask), (body_at, body_mask) = _COMMAND["opcode"], _COMMAND["tile"], _COMMAND["body"]
        self.number = beat >> at & mask
        self.opcode = OPCODES.get(self.number)
        self.tile = beat >> tile_at & tile_mask
        self.body = body = beat >> body_at & body_mask
        fields = _ARGUMENTS[self.opcode] if self.opcode is not None else ()
        self.arguments = SimpleNamespace(**{name: body >> offset & mask for name, offset, mask in fields})


class Answer:
    """What a tile answers to a command; an operation fills it in while it runs.

    Parameters
    ----------
    command : Command
    status : Status
        OK, or why the command is refused.

    Attributes
    ----------
    column : int
        Echo of the command's column; of a product, the output that the beat belongs to.
    code, sets, resets : int
        Results of operations on cells.
    value : int
        Result of the others: a register's value, or a signed sum.
    """

    __slots__ = ("code", "column", "command", "resets", "sets", "status", "value")

    def __init__(self, command: Command, status: Status) -> None:
        self.command = command
        self.status = status
        self.column = command.body >> ROW_BITS & _COLUMN_MASK
        self.code = self.sets = self.resets = self.value = 0

    def beat(self, tile: int, faults: int, mode: Mode) -> int:
        """Give the response beat, with what a tile says of itself in the cycle in which it is handed over."""
        result = (
            self.value & _VALUE_MASK
            | (self.code & _CODE_MASK)
            | self.sets << _CELL_RESULT["sets"] - _CELL_RESULT["code"]
            | self.resets << _CELL_RESULT["resets"] - _CELL_RESULT["code"]
        )
        body = self.command.body & _ROW_MASK | self.column << _CELL_RESULT["column"] | result << _CELL_RESULT["code"]
        return int(
            self.command.number << _RESPONSE["opcode"]
            | tile << _RESPONSE["tile"]
            | self.status.value << _RESPONSE["status"]
            | faults << _RESPONSE["faults"]
            | mode.value << _RESPONSE["mode"]
            | body << _RESPONSE["body"]
        )


def to_bytes(beats: list[int]) -> npt.NDArray[np.uint8]:
    """Give response beats as uint8 [n, RESPONSE_BYTES], lowest byte first."""
    joined = b"".join(beat.to_bytes(RESPONSE_BYTES, "little") for beat in beats)
    return np.frombuffer(joined, np.uint8).reshape(-1, RESPONSE_BYTES).copy()
