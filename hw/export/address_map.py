"""The registers as a memory-mapped bus shows them: what every description of them is written from.

All of it comes from the declarations of `twinbar.hw.protocol`; nothing is listed here again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from twinbar.hw.actions import Action
from twinbar.hw.protocol import registers, version
from twinbar.hw.protocol.bus_registers import (
    BUS_BYTES,
    MAILBOX_BUS_REGISTERS,
    PAGE_BYTES,
    REGISTER_PLACE,
    STREAM_BUS_REGISTERS,
    bus_address,
)
from twinbar.hw.protocol.fields import Field, Word
from twinbar.hw.protocol.registers import Access, Register, Space, constants
from twinbar.hw.protocol.sizes import ControllerSizes
from twinbar.hw.timing import Phase

TILE_BYTES: Final = PAGE_BYTES
"""From one tile to the next."""
REGISTER_BYTES: Final = 1 << REGISTER_PLACE.offset
"""Of a tile's register: two words of the bus."""


@dataclass(frozen=True)
class MappedField:
    """A field of a register.

    Parameters
    ----------
    name, about : str
    offset, bits : int
    kind : type, optional
        Enumeration of its values.
    init : int or None
        After power-up, as the bits of the field; None: it shows a state.
    """

    name: str
    about: str
    offset: int
    bits: int
    kind: type[Enum] | None
    init: int | None


@dataclass(frozen=True)
class MappedRegister:
    """A register, or equal ones in a row.

    Parameters
    ----------
    name, about : str
    offset : int
        Bytes from the start of its page.
    size : int
        Its bytes, and the distance between the ones of a row.
    writable : bool
    fields : tuple of MappedField
    count : int or None
        How many there are in a row; None: a single one.
    """

    name: str
    about: str
    offset: int
    size: int
    writable: bool
    fields: tuple[MappedField, ...]
    count: int | None = None


def bus_page(*, mailbox: bool) -> list[MappedRegister]:
    """Return the registers of the bus itself.

    Parameters
    ----------
    mailbox : bool
        Those of a wrapper without streams are among them.
    """
    return [
        MappedRegister(
            name=each.name,
            about="",
            offset=bus_address(each),
            size=BUS_BYTES,
            writable=each.access.writable,
            fields=_fields(each.word, each.access, each.init),
        )
        for each in (MAILBOX_BUS_REGISTERS if mailbox else STREAM_BUS_REGISTERS)
    ]


def tile_page(config: ControllerSizes) -> list[MappedRegister]:
    """Return the registers, counters and tables of a tile, in the order of their addresses."""
    known = constants(config, version.MAJOR, version.MINOR)
    existing = (each for each in registers.REGISTERS if each.exists(config))
    single = (_single(each, known.get(each, each.after_power_up(config)), config) for each in existing)
    found = [*single, *(one for space in registers.SPACES for one in _of_space(space, config))]
    return sorted(found, key=lambda each: each.offset)


_ACCESSES: Final = {
    Access.CONSTANT: "fixed when the controller is built",
    Access.LIVE: "shows a state",
    Access.OPEN: "can be written at any time",
    Access.LOCKED: "can be written while the tile is disarmed",
}
_NAMED_ENTRIES: Final[dict[str, type[Enum]]] = {"phase": Phase, "action": Action}
"""Enumerations of what counts the entries of a space."""


def _offset(address: int) -> int:
    return int(REGISTER_PLACE.put(address))


def _single(register: Register, init: int, config: ControllerSizes) -> MappedRegister:
    return MappedRegister(
        name=register.name,
        about=_ACCESSES[register.access],
        offset=_offset(register.address),
        size=REGISTER_BYTES,
        writable=register.access.writable,
        fields=_fields(register.word, register.access, init, config),
    )


def _of_space(space: Space, config: ControllerSizes) -> Iterator[MappedRegister]:
    """Return a row of registers, or registers with names where an enumeration counts them or entries have two words."""
    common: dict[str, Any] = {
        "about": f"{space.name}; {_ACCESSES[space.access]}",
        "size": REGISTER_BYTES,
        "writable": space.access.writable,
    }
    if len(space.words) > 1:
        for number in range(space.count(config)):
            place = number % len(space.words)
            fields = _fields(space.words[place], space.access, space.inits[place], config)
            name = f"{_name_of(space)}_{number // len(space.words)}_{space.words[place].name}"
            yield MappedRegister(name=name, offset=_offset(space.base + number), fields=fields, **common)
        return
    common["fields"] = _fields(space.word, space.access, space.init, config)
    kind, _, first = space.index.partition(" - ")
    if kind in _NAMED_ENTRIES:
        for member in _NAMED_ENTRIES[kind]:
            number = member.value - int(first or 0)
            if space.has(number, config):
                yield MappedRegister(
                    name=f"{kind}_{member.name}".upper(), offset=_offset(space.base + number), **common
                )
        return
    if space.count(config):
        yield MappedRegister(name=_name_of(space), offset=_offset(space.base), count=space.count(config), **common)


def _name_of(space: Space) -> str:
    return next(name for name, value in vars(registers).items() if value is space)


def _fields(word: Word, access: Access, init: int, config: ControllerSizes | None = None) -> tuple[MappedField, ...]:
    return tuple(
        MappedField(
            name=each.name,
            about=_meaning(each, config),
            offset=each.offset,
            bits=each.bits,
            kind=each.kind,
            init=None if access is Access.LIVE else (init >> each.offset) & each.mask,
        )
        for each in word
    )


def _meaning(field: Field, config: ControllerSizes | None) -> str:
    """Say what a field holds, its range if its bits could hold more, and how a sign is written."""
    least, most = field.bounds(config) if config is not None else (field.least, field.most)
    notes = [field.about or field.name]
    if (least, most) != field.reach and field.kind is None:
        notes.append(f"{least} to {most}")
    if field.signed:
        notes.append("two's complement")
    return "; ".join(notes)
