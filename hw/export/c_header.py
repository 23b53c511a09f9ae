"""The registers as a C header: offsets, masks and shifts, enumerations, and two functions that access them."""

from collections.abc import Iterable, Iterator
from enum import Enum

from twinbar.hw.protocol import enumerations
from twinbar.hw.protocol.commands import COMMANDS, Opcode
from twinbar.hw.protocol.fields import Word
from twinbar.hw.protocol.layouts import COMMAND, RESPONSE
from twinbar.hw.protocol.sizes import ControllerSizes

from .address_map import TILE_BYTES, MappedRegister, bus_page, tile_page

_FUNCTIONS = """\
/* A register of a tile: value of up to 64 bits. One access at a time: the high word is kept beside the low one. */
static inline uint64_t twinbar_read(volatile uint32_t *base, unsigned tile, uint32_t offset)
{
    volatile uint32_t *low = base + (TWINBAR_TILE_BASE(tile) + offset) / 4;
    uint64_t value = low[0];
    return value | (uint64_t)low[1] << 32;
}

static inline void twinbar_write(volatile uint32_t *base, unsigned tile, uint32_t offset, uint64_t value)
{
    volatile uint32_t *low = base + (TWINBAR_TILE_BASE(tile) + offset) / 4;
    low[1] = (uint32_t)(value >> 32);
    low[0] = (uint32_t)value;
}
"""


def c_header(config: ControllerSizes) -> str:
    """Return the text of the header."""
    lines = [
        "/* The registers of the Twinbar controller, generated from the declarations of its protocol. */",
        "#ifndef TWINBAR_REGISTERS_H",
        "#define TWINBAR_REGISTERS_H",
        "",
        "#include <stdint.h>",
        "",
        f"#define TWINBAR_TILES {config.tiles}u",
        f"#define TWINBAR_TILE_BASE(tile) ({TILE_BYTES:#x}u * (1u + (tile)))",
        "",
        "/* Registers of the bus: bytes from its start. Those from COMMAND_LOW on are there without streams only. */",
        *_defines(bus_page(mailbox=True)),
        "",
        "/* Registers of a tile: bytes from its start. */",
        *_defines(tile_page(config)),
        "",
        "/* Command and response beats, lowest bit first: places of their fields. */",
        *_places("COMMAND", COMMAND),
        *_places("RESPONSE", RESPONSE),
        *(
            line
            for word in {spec.arguments.name: spec.arguments for spec in COMMANDS.values() if spec.arguments}.values()
            for line in _places(f"BODY_{word.name}", word)
        ),
        "",
        *_enumeration(Opcode),
        *(line for kind in _kinds() for line in _enumeration(kind)),
        "",
        _FUNCTIONS,
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _kinds() -> Iterable[type[Enum]]:
    members = vars(enumerations).values()
    return [each for each in members if isinstance(each, type) and issubclass(each, Enum) and each.__members__]


def _defines(page: Iterable[MappedRegister]) -> Iterator[str]:
    for register in page:
        name = f"TWINBAR_{register.name}"
        if register.count is None:
            yield f"#define {name} {register.offset:#x}u"
        else:
            yield f"#define {name}(index) ({register.offset:#x}u + {register.size}u * (index))"
            yield f"#define {name}_COUNT {register.count}u"
        for field in register.fields:
            mask = ((1 << field.bits) - 1) << field.offset
            yield f"#define {name}_{field.name.upper()}_MASK {mask:#x}{'ull' if register.size > 4 else 'u'}"
            yield f"#define {name}_{field.name.upper()}_SHIFT {field.offset}"


def _places(prefix: str, word: Word) -> Iterator[str]:
    for field in word:
        name = f"TWINBAR_{prefix}_{field.name}".upper()
        yield f"#define {name}_SHIFT {field.offset}"
        yield f"#define {name}_BITS {field.bits}"


def _enumeration(kind: type[Enum]) -> Iterator[str]:
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
    yield f"enum twinbar{name} {{"
    yield from (f"    TWINBAR{name.upper()}_{member.name} = {member.value}," for member in kind)
    yield "};"
