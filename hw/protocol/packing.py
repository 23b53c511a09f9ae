"""Packs commands and unpacks responses on the host, at the offsets of the layouts."""

from enum import Enum
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data
from numpy.typing import ArrayLike, NDArray

from twinbar.hw.errors import ConfigError

from .layouts import (
    COMMAND_BODIES,
    COMMAND_BODY_OF,
    LINE_BITS,
    RESPONSE_BODIES,
    RESPONSE_BODY_OF,
    Command,
    Faults,
    Response,
)
from .vocabulary import Opcode

RESPONSE_BYTES = Shape.cast(Response).width // 8
_LINE_MASK = (1 << LINE_BITS) - 1


def pack(opcode: Opcode, tile: ArrayLike = 0, **fields: Any) -> NDArray[np.uint64]:
    """Pack command beats.

    Parameters
    ----------
    opcode : Opcode
    tile : int array
    **fields : int arrays or enumeration members
        Arguments of the opcode (see `COMMAND_BODIES`), broadcast against each other; those left out are 0.

    Returns
    -------
    uint64 [n]

    Raises
    ------
    ConfigError
        If an argument does not exist for this opcode, or does not fit its field.
    """
    group = COMMAND_BODY_OF[opcode]
    layout = COMMAND_BODIES[group] if group else None
    known = dict(layout) if layout is not None else {}
    for name in fields:
        if name not in known:
            raise ConfigError(f"{opcode.name} has no argument {name!r}; it takes {', '.join(known) or 'none'}")
    header = data.Layout.cast(Command)
    body = header["body"].offset
    placed = [(header["opcode"].offset, 5, "opcode", opcode.value), _placed(header["tile"], 0, "tile", tile)]
    placed += [_placed(known[name], body, name, value) for name, value in fields.items()]
    values = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value)) for *_, value in placed))
    words = np.zeros(values[0].shape, np.uint64)
    for (offset, bits, name, _), value in zip(placed, values, strict=True):
        if value.dtype.kind not in "biu" or (value < 0).any() or (value >= 1 << bits).any():
            raise ConfigError(f"{opcode.name}.{name} holds a value that does not fit its {bits} bits")
        words |= value.astype(np.uint64) << np.uint64(offset)
    return words


def _placed(field: data.Field, base: int, name: str, value: Any) -> tuple[int, int, str, Any]:
    return base + field.offset, Shape.cast(field.shape).width, name, value.value if isinstance(value, Enum) else value


def unpack_commands(words: NDArray[np.uint64]) -> dict[str, NDArray[np.int64]]:
    """Unpack ``opcode`` and ``tile`` of command beats (int64 [n] each)."""
    header = data.Layout.cast(Command)
    return {name: _field(words, header[name], 0) for name in ("opcode", "tile")}


def unpack_arguments(opcode: Opcode, words: NDArray[np.uint64]) -> dict[str, NDArray[np.int64]]:
    """Unpack the arguments of command beats of the same opcode, by the names that `pack` takes (int64 [n] each)."""
    group = COMMAND_BODY_OF[opcode]
    if group is None:
        return {}
    body = data.Layout.cast(Command)["body"].offset
    return {str(name): _field(words, field, body) for name, field in COMMAND_BODIES[group]}


def _field(words: NDArray[np.uint64], field: data.Field, base: int) -> NDArray[np.int64]:
    mask = np.uint64((1 << Shape.cast(field.shape).width) - 1)
    return ((np.asarray(words, np.uint64) >> np.uint64(base + field.offset)) & mask).astype(np.int64)


def triple(bit_line: int, source_line: int, word_line: int) -> int:
    """Pack the codes of the three lines into a register's value."""
    codes = (bit_line, source_line, word_line)
    if not all(0 <= code < 1 << LINE_BITS for code in codes):
        raise ConfigError(f"the codes {codes} do not fit {LINE_BITS} bits each")
    return sum(code << (LINE_BITS * line) for line, code in enumerate(codes))


def lines_of(triple: int) -> tuple[int, int, int]:
    """Split a register's value, or what the pins show, into the codes of the three lines."""
    return triple & _LINE_MASK, triple >> LINE_BITS & _LINE_MASK, triple >> 2 * LINE_BITS & _LINE_MASK


def unpack(beats: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """Unpack the fields that all response beats have.

    Parameters
    ----------
    beats : uint8 [n, RESPONSE_BYTES]
        Lowest byte first.

    Returns
    -------
    dict of int64 [n]
        ``opcode``, ``tile``, ``status``, ``mode``, and one entry per fault.
    """
    header = data.Layout.cast(Response)
    fields = {name: field for name, field in header if name not in ("body", "faults")}
    faults = header["faults"].offset
    for name, field in data.Layout.cast(Faults):
        fields[name] = data.Field(field.shape, faults + field.offset)
    del fields["reserved"]
    return _extract(beats, fields)


def unpack_results(opcode: Opcode, beats: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """Unpack the results of response beats that all answer the same opcode (arguments as in `unpack`)."""
    group = RESPONSE_BODY_OF[opcode]
    if group is None:
        return {}
    body = data.Layout.cast(Response)["body"].offset
    fields = {name: data.Field(field.shape, body + field.offset) for name, field in RESPONSE_BODIES[group]}
    return _extract(beats, fields)


def _extract(beats: NDArray[np.uint8], fields: dict[str, data.Field]) -> dict[str, NDArray[np.int64]]:
    if beats.ndim != 2 or beats.shape[1] != RESPONSE_BYTES or beats.dtype != np.uint8:
        raise ConfigError(f"response beats are {beats.dtype} {beats.shape}; they must be uint8 [n, {RESPONSE_BYTES}]")
    found: dict[str, NDArray[np.int64]] = {}
    for name, field in fields.items():
        shape = Shape.cast(field.shape)
        first, last = field.offset // 8, (field.offset + shape.width - 1) // 8
        window = np.zeros((len(beats), 8), np.uint8)
        window[:, : last - first + 1] = beats[:, first : last + 1]
        bits = window.view("<u8")[:, 0] >> np.uint64(field.offset % 8)
        value = (bits & np.uint64((1 << shape.width) - 1)).astype(np.int64)
        if shape.signed:
            value -= (value >> (shape.width - 1)) << shape.width
        found[name] = value
    return found
