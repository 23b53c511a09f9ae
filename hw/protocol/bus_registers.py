"""What a host on a memory-mapped bus sees: where the registers of the tiles lie, and the registers of the bus itself.

The bus has words of 32 bits and counts bytes. Page 0 holds the registers of the bus, page ``tile + 1`` those of a tile.
A register of a tile takes two words: the low one carries an access out, the high one keeps the bits above it.
"""

from typing import Final

from .enumerations import Mode, Status
from .fields import Field, Word
from .layouts import COMMAND, FAULTS, RESPONSE
from .registers import Access, Register
from .sizes import ADDRESS_BITS, VALUE_BITS, ControllerSizes

BUS_BITS: Final = 32
"""Bits of a word of the bus."""
BUS_BYTES: Final = BUS_BITS // 8
BYTE_BITS: Final = BUS_BYTES.bit_length() - 1
"""Low bits of a byte address that choose a byte of a word."""

HALF: Final = Field("half", BYTE_BITS, 1, "low or high word of a tile's register")
REGISTER_PLACE: Final = Field("register", HALF.end, ADDRESS_BITS, "address of a tile's register")
PAGE_BIT: Final = REGISTER_PLACE.end
"""Lowest bit of the page."""
WORD_PLACE: Final = Field("word", BYTE_BITS, PAGE_BIT - BYTE_BITS, "address of a register of the bus")
"""Fields of an address, which counts bytes."""
PAGE_BYTES: Final = 1 << PAGE_BIT

LOW_WORD: Final = Field("low", 0, BUS_BITS)
HIGH_WORD: Final = Field("high", BUS_BITS, VALUE_BITS - BUS_BITS)
"""Parts of a register's value."""


def page_bits(config: ControllerSizes) -> int:
    """Return the bits that choose the page of the bus or of a tile."""
    return config.tiles.bit_length()


def bus_address_bits(config: ControllerSizes) -> int:
    """Return the bits of a byte address."""
    return PAGE_BIT + page_bits(config)


def bus_address(register: Register) -> int:
    """Return the byte address of a register of the bus."""
    return int(WORD_PLACE.put(register.address))


def tile_address(tile: int, address: int) -> int:
    """Return the byte address of the low word of a tile's register."""
    return (tile + 1) * PAGE_BYTES + int(REGISTER_PLACE.put(address))


def _register(name: str, address: int, access: Access, *fields: Field, init: int = 0) -> Register:
    return Register(name, address, access, Word(name, BUS_BITS, fields), init)


BUS_STATUS: Final = _register(
    "BUS_STATUS",
    0x0,
    Access.LIVE,
    Field("busy", 0, 1, "a command is under way, as on the pin"),
    Field("late", 1, 1, "the answer to an access that timed out is still to come"),
    Field("command_waits", 2, 1, "the command of the mailbox is not accepted yet"),
    Field("response_waits", 3, 1, "the mailbox holds a response"),
)
BUS_ACCESS: Final = _register(
    "BUS_ACCESS",
    0x1,
    Access.LIVE,
    Field("status", 0, 4, "how the last access to a tile's register ended", kind=Status),
    Field("mode", 4, 2, "mode of the tile then", kind=Mode),
    Field("timed_out", 6, 1, "it got no answer in time; status and mode are those of the access before"),
    Field("faults", 8, FAULTS.bits, "latched faults of the tile then, as in a response beat"),
)
BUS_CONTROL: Final = _register(
    "BUS_CONTROL",
    0x2,
    Access.OPEN,
    Field("stop", 0, 1, "halts and disarms all tiles while it is set, as the pin does"),
)
BUS_TIMEOUT: Final = _register(
    "BUS_TIMEOUT",
    0x3,
    Access.OPEN,
    Field("cycles", 0, BUS_BITS, "cycles after which an access to a tile's register is given up; 0: never"),
    init=1 << 16,
)
COMMAND_LOW: Final = _register(
    "COMMAND_LOW", 0x4, Access.OPEN, Field("beat", 0, BUS_BITS, "low word of the command beat to be sent")
)
COMMAND_HIGH: Final = _register(
    "COMMAND_HIGH", 0x5, Access.OPEN, Field("beat", 0, COMMAND.bits - BUS_BITS, "high word; writing it sends the beat")
)
_RESPONSE_WORDS: Final = -(-RESPONSE.bits // BUS_BITS)
RESPONSE_PARTS: Final = tuple(
    _register(
        f"RESPONSE_{part}",
        0x6 + part,
        Access.LIVE,
        Field(
            "beat",
            0,
            min(BUS_BITS, RESPONSE.bits - part * BUS_BITS),
            f"bits {part * BUS_BITS} and above of the response that waits"
            + ("; reading it takes the response" if part == _RESPONSE_WORDS - 1 else ""),
        ),
    )
    for part in range(_RESPONSE_WORDS)
)

MAILBOX_REGISTERS: Final = (COMMAND_LOW, COMMAND_HIGH, *RESPONSE_PARTS)
"""Registers of a wrapper without streams: commands and responses go through them."""
STREAM_BUS_REGISTERS: Final = (BUS_STATUS, BUS_ACCESS, BUS_CONTROL, BUS_TIMEOUT)
"""Registers of page 0 beside streams."""
MAILBOX_BUS_REGISTERS: Final = (*STREAM_BUS_REGISTERS, *MAILBOX_REGISTERS)
"""Registers of page 0 without streams."""
