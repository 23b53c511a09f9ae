"""Packs commands and unpacks responses on the host, at the offsets of the layouts."""

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinbar.hw.errors import ConfigError

from .commands import COMMANDS, PACKED_RESULTS, Opcode
from .fields import Field
from .layouts import COMMAND, FAULTS, RESPONSE
from .registers import LINES, TRIPLE

RESPONSE_BYTES = RESPONSE.bits // 8


def _moved(fields: Iterable[Field], base: int) -> dict[str, Field]:
    """Return fields by name, counted from the start of the beat."""
    return {field.name: replace(field, offset=base + field.offset) for field in fields}


_HEADER = {
    **{field.name: field for field in RESPONSE if field.name not in ("body", "faults")},
    **_moved((field for field in FAULTS if field.name != "reserved"), RESPONSE["faults"].offset),
}
_RESULTS = {opcode: _moved(spec.response or (), RESPONSE["body"].offset) for opcode, spec in COMMANDS.items()}
_PACKED = {lanes: _moved(word, RESPONSE["body"].offset) for lanes, word in PACKED_RESULTS.items()}


def pack(opcode: Opcode, tile: ArrayLike = 0, **fields: Any) -> NDArray[np.uint64]:
    """Pack command beats.

    Parameters
    ----------
    opcode : Opcode
    tile : int array
    **fields : int arrays or enumeration members
        Arguments of the opcode (see `twinbar.hw.protocol.commands`), broadcast against each other; those left out are
        0.

    Returns
    -------
    uint64 [n]

    Raises
    ------
    ConfigError
        If an argument does not exist for this opcode, or does not fit its field.
    """
    layout = COMMANDS[opcode].arguments
    for name in fields:
        if layout is None or name not in layout:
            known = ", ".join(layout.names) if layout else "none"
            raise ConfigError(f"{opcode.name} has no argument {name!r}; it takes {known}")
    placed = [_placed(COMMAND["opcode"], 0, opcode), _placed(COMMAND["tile"], 0, tile)]
    placed += [_placed(layout[name], COMMAND["body"].offset, value) for name, value in fields.items() if layout]
    values = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value)) for *_, value in placed))
    words = np.zeros(values[0].shape, np.uint64)
    for (offset, bits, name, _), value in zip(placed, values, strict=True):
        if value.dtype.kind not in "biu" or (value < 0).any() or (value >= 1 << bits).any():
            raise ConfigError(f"{opcode.name}.{name} holds a value that does not fit its {bits} bits")
        words |= value.astype(np.uint64) << np.uint64(offset)
    return words


def _placed(field: Field, base: int, value: Any) -> tuple[int, int, str, Any]:
    return base + field.offset, field.bits, field.name, value.value if isinstance(value, Enum) else value


def unpack_commands(words: NDArray[np.uint64]) -> dict[str, NDArray[np.int64]]:
    """Unpack ``opcode`` and ``tile`` of command beats (int64 [n] each)."""
    return {name: _field(words, COMMAND[name], 0) for name in ("opcode", "tile")}


def unpack_arguments(opcode: Opcode, words: NDArray[np.uint64]) -> dict[str, NDArray[np.int64]]:
    """Unpack the arguments of command beats of the same opcode, by the names that `pack` takes (int64 [n] each)."""
    body = COMMAND["body"].offset
    return {field.name: _field(words, field, body) for field in COMMANDS[opcode].arguments or ()}


def _field(words: NDArray[np.uint64], field: Field, base: int) -> NDArray[np.int64]:
    return ((np.asarray(words, np.uint64) >> np.uint64(base + field.offset)) & np.uint64(field.mask)).astype(np.int64)


def triple(bit_line: int, source_line: int, word_line: int) -> int:
    """Pack the codes of the three lines into a register's value."""
    codes = (bit_line, source_line, word_line)
    bits = TRIPLE[LINES[0]].bits
    if not all(0 <= code < 1 << bits for code in codes):
        raise ConfigError(f"the codes {codes} do not fit {bits} bits each")
    return int(TRIPLE.pack(bit_line=bit_line, source_line=source_line, word_line=word_line))


def lines_of(triple: int) -> tuple[int, int, int]:
    """Split a register's value, or what the pins show, into the codes of the three lines."""
    bit_line, source_line, word_line = TRIPLE.unpack(triple).values()
    return bit_line, source_line, word_line


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
    return _extract(beats, _HEADER)


def unpack_results(opcode: Opcode, beats: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """Unpack the results of response beats that all answer the same opcode (arguments as in `unpack`)."""
    fields = _RESULTS[opcode]
    return _extract(beats, fields) if fields else {}


def unpack_products(beats: NDArray[np.uint8], lanes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Unpack responses to `MULTIPLY` of a controller that puts ``lanes`` outputs into a beat.

    Returns
    -------
    columns : int64 [n]
        First output of each beat.
    sums : int64 [n, lanes]
        Lanes behind the last output of a command are 0.
    """
    columns, *sums = _extract(beats, _PACKED[lanes]).values()
    return columns, np.stack(sums, axis=1)


def _extract(beats: NDArray[np.uint8], fields: dict[str, Field]) -> dict[str, NDArray[np.int64]]:
    if beats.ndim != 2 or beats.shape[1] != RESPONSE_BYTES or beats.dtype != np.uint8:
        raise ConfigError(f"response beats are {beats.dtype} {beats.shape}; they must be uint8 [n, {RESPONSE_BYTES}]")
    found: dict[str, NDArray[np.int64]] = {}
    for name, field in fields.items():
        first, last = field.offset // 8, (field.end - 1) // 8
        window = np.zeros((len(beats), 8), np.uint8)
        window[:, : last - first + 1] = beats[:, first : last + 1]
        bits = window.view("<u8")[:, 0] >> np.uint64(field.offset % 8)
        value = (bits & np.uint64(field.mask)).astype(np.int64)
        if field.signed:
            value -= (value >> (field.bits - 1)) << field.bits
        found[name] = value
    return found
