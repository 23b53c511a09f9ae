"""Beats of the protocol as uint64 arrays, by the offsets of the layouts that the gateware uses."""

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Shape
from amaranth.lib import data

from twinbar.hw.protocol.commands import Command, RawArgument
from twinbar.hw.protocol.responses import CellResult, Product, Response

Words = npt.NDArray[np.uint64]


def commands(
    opcode: int, tile: npt.ArrayLike, row: npt.ArrayLike = 0, column: npt.ArrayLike = 0, argument: npt.ArrayLike = 0
) -> Words:
    """Make command beats; the fields are broadcast against each other.

    Values must fit their fields, except ``argument``, of which the lower 32 bits count.
    """
    beats: npt.NDArray[np.uint64] = np.asarray(int(opcode) << _offset(Command, "opcode"), np.uint64)
    for name, value in (("tile", tile), ("row", row), ("column", column), ("argument", argument)):
        field = np.asarray(value).astype(np.uint64) & np.uint64((1 << _width(Command, name)) - 1)
        beats = beats | (field << np.uint64(_offset(Command, name)))
    return np.asarray(beats, dtype=np.uint64)


def raw_argument(polarity: npt.ArrayLike, amplitude: npt.ArrayLike, gate: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Give the argument of ``RAW``."""
    fields = {"polarity": polarity, "amplitude": amplitude, "gate": gate}
    return np.asarray(sum(np.asarray(value, np.int64) << _offset(RawArgument, name) for name, value in fields.items()))


def command_field(beats: Words, name: str) -> npt.NDArray[np.int64]:
    """Give a field of command beats."""
    return _extract(beats, Command, name, 0)


def response_field(beats: Words, name: str) -> npt.NDArray[np.int64]:
    """Give a header field of responses: ``kind``, ``tile``, ``ok``, ``reason`` or ``faults``."""
    return _extract(beats, Response, name, 0)


def cell_field(beats: Words, name: str) -> npt.NDArray[np.int64]:
    """Give a field of the payload of ``READ`` and ``WRITE``: ``code``, ``sets`` or ``resets``."""
    return _extract(beats, CellResult, name, _offset(Response, "payload"))


def product_field(beats: Words, name: str) -> npt.NDArray[np.int64]:
    """Give a field of the payload of ``MULTIPLY``: ``value`` or ``output``."""
    return _extract(beats, Product, name, _offset(Response, "payload"))


def _offset(struct: type[data.Struct], name: str) -> int:
    return int(struct.as_shape()[name].offset)


def _width(struct: type[data.Struct], name: str) -> int:
    return int(struct.as_shape()[name].width)


def _extract(beats: Words, struct: type[data.Struct], name: str, base: int) -> npt.NDArray[np.int64]:
    field = struct.as_shape()[name]
    number = (beats >> np.uint64(base + field.offset)).astype(np.int64) & ((1 << field.width) - 1)
    if Shape.cast(field.shape).signed:
        number -= (number >> (field.width - 1)) << field.width
    return number
