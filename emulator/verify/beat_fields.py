"""Command beats as fields by name: to make, to read and to change them, unknown opcodes and reserved bits included."""

from typing import Final

from twinbar.hw.protocol.commands import COMMANDS, Opcode
from twinbar.hw.protocol.layouts import COMMAND

_KNOWN: Final = {opcode.value: opcode for opcode in Opcode}
_HEADER: Final = {name: (COMMAND[name].offset, COMMAND[name].bits) for name in ("opcode", "tile", "reserved")}
BODY_OFFSET: Final = COMMAND["body"].offset
_PLACES: Final = {
    opcode.value: _HEADER | {field.name: (BODY_OFFSET + field.offset, field.bits) for field in spec.arguments or ()}
    for opcode, spec in COMMANDS.items()
}


def opcode_of(beat: int) -> Opcode | None:
    """Return the opcode of a beat, None if there is no such opcode."""
    return _KNOWN.get(COMMAND["opcode"].of(beat))


def tile_of(beat: int) -> int:
    """Return the tile that a beat names."""
    return fields_of(beat)["tile"]


def _places_of(beat: int) -> dict[str, tuple[int, int]]:
    return _PLACES.get(COMMAND["opcode"].of(beat), _HEADER)


def fields_of(beat: int) -> dict[str, int]:
    """Return the fields of a beat by name."""
    return {name: beat >> first & ((1 << bits) - 1) for name, (first, bits) in _places_of(beat).items()}


def rest_of(beat: int) -> int:
    """Return the bits of a beat that belong to no field."""
    for first, bits in _places_of(beat).values():
        beat &= ~(((1 << bits) - 1) << first)
    return beat


def with_fields(beat: int, **fields: int) -> int:
    """Return a beat with some fields changed; values are cut to their fields."""
    places = _places_of(beat)
    for name, value in fields.items():
        first, bits = places[name]
        mask = (1 << bits) - 1
        beat = beat & ~(mask << first) | (value & mask) << first
    return beat


def beat(opcode: Opcode, tile: int = 0, **fields: int) -> int:
    """Make a beat; values are cut to their fields."""
    return with_fields(int(opcode.value), tile=tile, **fields)
