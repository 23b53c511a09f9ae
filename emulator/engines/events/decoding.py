"""Commands out of beats, and response beats, at the offsets of the protocol's layouts."""

from copy import copy
from types import SimpleNamespace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from twinbar.hw.protocol.commands import CELL_RESULT, COMMANDS, PRODUCT_RESULT
from twinbar.hw.protocol.layouts import COMMAND, RESPONSE
from twinbar.hw.protocol.packing import RESPONSE_BYTES
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Status

OPCODES: Final = {opcode.value: opcode for opcode in Opcode}
_OPCODE, _TILE, _BODY = COMMAND["opcode"], COMMAND["tile"], COMMAND["body"]
_ROW, _COLUMN, _CODE = CELL_RESULT["row"], CELL_RESULT["column"], CELL_RESULT["code"]


class Route(NamedTuple):
    """What a tile is told of a command beat, besides the beat.

    Parameters
    ----------
    several : bool
        It is for a group of tiles, for the members of a cascade, or for those of a transfer.
    copy : bool
        Another tile counts it as its command.
    stray : bool
        Its group, or a member of its cascade, does not exist.
    last : bool
        The tile is the last member of the cascade; it takes words of the transfer.
    """

    several: bool = False
    copy: bool = False
    stray: bool = False
    last: bool = False


_PLAIN: Final = Route()


class DecodedCommand:
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
    values : dict of str to int
        The opcode's arguments, by name.
    arguments : SimpleNamespace
        The same as attributes.
    route : Route
    """

    __slots__ = ("arguments", "body", "number", "opcode", "route", "tile", "values")

    def __init__(self, beat: int, route: Route = _PLAIN) -> None:
        self.route = route
        self.number = _OPCODE.of(beat)
        self.opcode = OPCODES.get(self.number)
        self.tile = _TILE.of(beat)
        self.body = body = _BODY.of(beat)
        layout = COMMANDS[self.opcode].arguments if self.opcode is not None else None
        self.values: dict[str, int] = layout.unpack(body) if layout is not None else {}
        self.arguments = SimpleNamespace(**self.values)

    def routed(self, route: Route) -> "DecodedCommand":
        """Return the same command on another route."""
        if route == self.route:
            return self
        command = copy(self)
        command.route = route
        return command


class Answer:
    """What a tile answers to a command; an operation fills it in while it runs.

    Parameters
    ----------
    command : DecodedCommand
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
    lanes : list of int
        Sums of an incomplete beat.
    given : bool
        Nothing is left to be answered.
    """

    __slots__ = ("code", "column", "command", "given", "lanes", "resets", "sets", "status", "value")

    def __init__(self, command: DecodedCommand, status: Status) -> None:
        self.command = command
        self.status = status
        self.column = _COLUMN.of(command.body)
        self.code = self.sets = self.resets = self.value = 0
        self.lanes: list[int] = []
        self.given = False

    def beat(self, tile: int, faults: int, mode: Mode) -> int:
        """Return the response beat, with what a tile says of itself in the cycle in which it is handed over."""
        body = _ROW.put(_ROW.of(self.command.body)) | _COLUMN.put(self.column) | PRODUCT_RESULT["sum"].put(self.value)
        body |= _CODE.put(self.code) | CELL_RESULT["sets"].put(self.sets) | CELL_RESULT["resets"].put(self.resets)
        return int(
            RESPONSE["opcode"].put(self.command.number)
            | RESPONSE["tile"].put(tile)
            | RESPONSE["status"].put(self.status.value)
            | RESPONSE["faults"].put(faults)
            | RESPONSE["mode"].put(mode.value)
            | RESPONSE["body"].put(body)
        )


def to_bytes(beats: list[int]) -> npt.NDArray[np.uint8]:
    """Return response beats as uint8 [n, RESPONSE_BYTES], lowest byte first."""
    joined = b"".join(beat.to_bytes(RESPONSE_BYTES, "little") for beat in beats)
    return np.frombuffer(joined, np.uint8).reshape(-1, RESPONSE_BYTES).copy()
