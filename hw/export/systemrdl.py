"""The registers in SystemRDL 2.0: what register compilers, documentation and verification tools read."""

from collections.abc import Iterable, Iterator
from enum import Enum

from twinbar.hw.protocol.sizes import ControllerSizes

from .address_map import TILE_BYTES, MappedField, MappedRegister, bus_page, tile_page


def systemrdl(config: ControllerSizes) -> str:
    """Return the address maps of a tile and of the two wrappers.

    The maps are ``twinbar_axi`` and ``twinbar_wishbone``, each with ``tile[n]``.
    """
    tile = tile_page(config)
    pages = {"twinbar_axi": bus_page(mailbox=False), "twinbar_wishbone": bus_page(mailbox=True)}
    kinds = _enumerations([*tile, *(each for page in pages.values() for each in page)])
    blocks = [
        "// The registers of the Twinbar controller, generated from the declarations of its protocol.",
        *(_enumeration(kind) for kind in kinds),
        "\n".join(["addrmap twinbar_tile {", "  littleendian;", "  lsb0;", *_registers(tile), "};"]),
    ]
    for name, page in pages.items():
        lines = [f"addrmap {name} {{", "  littleendian;", "  lsb0;", *_registers(page)]
        lines += [f"  twinbar_tile tile[{config.tiles}] @ {TILE_BYTES:#x} += {TILE_BYTES:#x};", "};"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _enumerations(page: Iterable[MappedRegister]) -> list[type[Enum]]:
    kinds = {each.kind: None for register in page for each in register.fields if each.kind is not None}
    return list(kinds)


def _enumeration(kind: type[Enum]) -> str:
    bits = max(int(member.value) for member in kind).bit_length()
    lines = [f"  {member.name} = {bits}'d{member.value};" for member in kind]
    return "\n".join([f"enum {kind.__name__} {{", *lines, "};"])


def _registers(page: Iterable[MappedRegister]) -> Iterator[str]:
    for register in page:
        yield "  reg {"
        yield f"    regwidth = {register.size * 8}; accesswidth = 32;"
        if register.about:
            yield f"    desc = {_text(register.about)};"
        for field in register.fields:
            yield from _field(field, writable=register.writable)
        row = "" if register.count is None else f"[{register.count}]"
        step = "" if register.count is None else f" += {register.size:#x}"
        yield f"  }} {register.name}{row} @ {register.offset:#x}{step};"


def _field(field: MappedField, *, writable: bool) -> Iterator[str]:
    access = "sw = rw; hw = r;" if writable else "sw = r; hw = w;" if field.init is None else "sw = r; hw = na;"
    kind = "" if field.kind is None else f" encode = {field.kind.__name__};"
    yield f"    field {{ {access}{kind} desc = {_text(field.about)};"
    init = "" if field.init is None else f" = {field.bits}'h{field.init:x}"
    yield f"    }} {field.name}[{field.offset + field.bits - 1}:{field.offset}]{init};"


def _text(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
