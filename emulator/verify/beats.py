"""Command beats as fields by name: to make, to read and to change them, unknown opcodes and reserved bits included."""

from typing import Final

from amaranth.hdl import Shape
from amaranth.lib import data

from twinbar.hw.protocol.layouts import COMMAND_BODIES, COMMAND_BODY_OF, Command
from twinbar.hw.protocol.vocabulary import Opcode

_HEADER: Final = data.Layout.cast(Command)
_KNOWN: Final = {opcode.value: opcode for opcode in Opcode}


def _places() -> dict[int, dict[str, tuple[int, int]]]:
    header = {
        name: (_HEADER[name].offset, Shape.cast(_HEADER[name].shape).width) for name in ("opcode", "tile", "reserved")
    }
    base = _HEADER["body"].offset
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for value, opcode in _KNOWN.items():
        group = COMMAND_BODY_OF[opcode]
        body = dict(COMMAND_BODIES[group]) if group else {}
        found[value] = header | {
            name: (base + field.offset, Shape.cast(field.shape).width) for name, field in body.items()
        }
    found[-1] = header
    return found


_PLACES: Final = _places()
BODY_OFFSET: Final = _HEADER["body"].offset


def opcode_of(beat: int) -> Opcode | None:
    """Give the opcode of a beat, None if there is no such opcode."""
    return _KNOWN.get(beat & 31)


def tile_of(beat: int) -> int:
    """Give the tile that a beat names."""
    return fields_of(beat)["tile"]


def _places_of(beat: int) -> dict[str, tuple[int, int]]:
    return _PLACES.get(beat & 31, _PLACES[-1])


def fields_of(beat: int) -> dict[str, int]:
    """Give the fields of a beat by name."""
    return {name: beat >> first & ((1 << bits) - 1) for name, (first, bits) in _places_of(beat).items()}


def rest_of(beat: int) -> int:
    """Give the bits of a beat that belong to no field."""
    for first, bits in _places_of(beat).values():
        beat &= ~(((1 << bits) - 1) << first)
    return beat


def with_fields(beat: int, **fields: int) -> int:
    """Give a beat with some fields changed; values are cut to their fields."""
    places = _places_of(beat)
    for name, value in fields.items():
        first, bits = places[name]
        mask = (1 << bits) - 1
        beat = beat & ~(mask << first) | (value & mask) << first
    return beat


def beat(opcode: Opcode, tile: int = 0, **fields: int) -> int:
    """Make a beat; values are cut to their fields."""
    return with_fields(int(opcode.value), tile=tile, **fields)
