"""The protocol as docs/controller.md and docs/protocol.md say it, written by hand: numbers, no declaration is imported.

Everything that packs, checks and decodes derives from one declaration; what is wrong there is wrong everywhere at once.
This table stands against it. Commands are for tile 0 of a controller with two tiles of 20 rows and 8 columns, 2 ADC
channels of 8 bits, lines of 10 bits and inputs of 4 bits (so 3 words of row registers), whose registers are as after
power-up: 16 levels, at most 100 pulses.
"""

from typing import NamedTuple

OK, FAILED, ABORTED, FAULTED, DISARMED, LOCKED = 0, 1, 2, 3, 4, 5
UNKNOWN_OPCODE, BAD_TILE, BAD_ADDRESS, BAD_LEVEL, BAD_REGISTER, BAD_VALUE = 8, 9, 10, 11, 12, 13
INCOMPLETE = 14
SAFE, READ, WRITE = 0, 1, 2
"""Modes."""
NO, YES = False, True

CELL = {"row": (16, 10), "column": (26, 10), "level": (36, 8)}
WRITE_CELL = CELL | {"first": (44, 1), "polarity": (45, 1), "code": (46, 1), "entry": (47, 6)}
TRAIN = {"row": (16, 10), "column": (26, 10), "count": (36, 8), "record": (44, 3)}
REGISTER = {"address": (16, 12), "value": (28, 36)}
CELL_RESULT = {"row": (24, 10), "column": (34, 10), "code": (44, 18), "sets": (62, 8), "resets": (70, 8)}
REGISTER_RESULT = {"address": (24, 12), "value": (44, 36)}


class Row(NamedTuple):
    """A command: places are (first bit of the beat, bits)."""

    opcode: int
    name: str
    arguments: dict[str, tuple[int, int]]
    results: dict[str, tuple[int, int]]
    needs: int
    refused_while_faulted: bool
    haltable: bool
    halts: bool
    to_every_tile: bool
    answered: str
    of_chains: bool = False


COMMANDS = (
    Row(1, "READ_REGISTER", REGISTER, REGISTER_RESULT, SAFE, NO, NO, NO, NO, "once"),
    Row(2, "WRITE_REGISTER", REGISTER, REGISTER_RESULT, SAFE, NO, NO, NO, NO, "once"),
    Row(3, "ARM", {"mode": (16, 2)}, {}, SAFE, YES, YES, NO, NO, "once"),
    Row(4, "DISARM", {}, {}, SAFE, NO, NO, NO, NO, "once"),
    Row(5, "CLEAR", {}, {}, SAFE, NO, NO, NO, NO, "once"),
    Row(6, "SAFE", {}, {}, SAFE, NO, NO, YES, YES, "once"),
    Row(7, "ABORT", {}, {}, SAFE, NO, NO, YES, NO, "once"),
    Row(8, "WAIT", {"cycles": (16, 28)}, {}, SAFE, NO, YES, NO, NO, "once"),
    Row(9, "READ", CELL, CELL_RESULT, READ, YES, YES, NO, NO, "once"),
    Row(10, "WRITE", WRITE_CELL, CELL_RESULT, WRITE, YES, YES, NO, NO, "once"),
    Row(11, "FORM", CELL, CELL_RESULT, WRITE, YES, YES, NO, NO, "once"),
    Row(12, "PULSE", TRAIN, CELL_RESULT, WRITE, YES, YES, NO, NO, "once"),
    Row(13, "DRIVE", TRAIN, CELL_RESULT, WRITE, YES, YES, NO, NO, "once"),
    Row(14, "CONVERT", CELL, CELL_RESULT, READ, YES, YES, NO, NO, "once"),
    Row(
        15,
        "CALIBRATE",
        {"column": (26, 10), "subtract": (36, 1), "gain": (37, 1)},
        CELL_RESULT,
        *(READ, YES, YES, NO, NO, "once"),
    ),
    Row(
        16,
        "LOAD",
        {"word": (16, 10), "clear": (26, 1), "shared": (27, 1), "bits": (32, 32)},
        {},
        *(SAFE, NO, NO, NO, NO, "if refused"),
    ),
    Row(
        17,
        "MULTIPLY",
        {
            "outputs": (16, 10),
            "column": (26, 10),
            "subtract": (36, 1),
            "codes": (37, 1),
            "skip": (38, 1),
            "members": (40, 8),
        },
        {"column": (34, 10), "sum": (44, 36)},
        *(READ, YES, YES, NO, NO, "per output"),
    ),
    Row(18, "VERIFY", CELL, CELL_RESULT, READ, YES, YES, NO, NO, "once"),
    Row(
        19,
        "TRANSFER",
        {"word": (16, 10), "clear": (26, 1), "first": (32, 10), "words": (42, 10), "group": (52, 8)},
        {},
        *(SAFE, NO, NO, NO, NO, "if refused", YES),
    ),
)
HEADER = {"opcode": (0, 5), "tile": (5, 8), "body": (16, 48)}
ANSWER = {"opcode": (0, 5), "tile": (5, 8), "status": (13, 4), "faults": (17, 5), "mode": (22, 2), "body": (24, 56)}
FAULTS = {"compliance": (17, 1), "watchdog": (18, 1), "stop": (19, 1), "front_end": (20, 1)}
SIGNED = ("code", "sum")
"""Results in two's complement."""
PACKED = {
    1: {"column": (34, 10), "sum0": (44, 36)},
    2: {"column": (34, 10), "sum0": (44, 18), "sum1": (62, 18)},
    3: {"column": (34, 10), "sum0": (44, 12), "sum1": (56, 12), "sum2": (68, 12)},
}
"""Results of a product by the outputs that share a beat; sums in two's complement."""
ROUTING = {"copy": (0, 1), "stray": (1, 1), "last": (2, 1)}
"""What a dispatcher writes into the three reserved bits."""


class Check(NamedTuple):
    """A beat in the mode WRITE, and the status of its first answer."""

    beat: int
    status: int


def _cell(opcode: int, row: int, column: int, argument: int = 0) -> int:
    return opcode | row << 16 | column << 26 | argument << 36


CHECKS = (
    Check(0, UNKNOWN_OPCODE),
    Check(19 | 1 << 42, UNKNOWN_OPCODE),
    Check(20, UNKNOWN_OPCODE),
    Check(31, UNKNOWN_OPCODE),
    Check(5 | 2 << 5, BAD_TILE),
    Check(9 | 255 << 5 | 20 << 16, BAD_TILE),
    Check(3 | 1 << 16, OK),
    Check(3 | 2 << 16, OK),
    Check(3 | 0 << 16, BAD_VALUE),
    Check(3 | 3 << 16, BAD_VALUE),
    Check(8 | 0 << 16, BAD_VALUE),
    Check(8 | 1 << 16, OK),
    Check(_cell(9, 19, 7), OK),
    Check(_cell(9, 20, 7), BAD_ADDRESS),
    Check(_cell(9, 19, 8), BAD_ADDRESS),
    Check(_cell(9, 0, 512), BAD_ADDRESS),
    Check(_cell(9, 0, 0, 255), OK),
    Check(_cell(10, 19, 7, 15), OK),
    Check(_cell(10, 20, 0, 15), BAD_ADDRESS),
    Check(_cell(10, 0, 8, 15), BAD_ADDRESS),
    Check(_cell(10, 0, 0, 16), BAD_LEVEL),
    Check(_cell(10, 20, 0, 16), BAD_ADDRESS),
    *(Check(_cell(10, 0, 0, 15) | 1 << bit, BAD_VALUE) for bit in range(44, 53)),
    Check(_cell(10, 0, 0, 16) | 1 << 44, BAD_LEVEL),
    *(Check(_cell(10, 0, 0, 15) | 1 << bit, OK) for bit in range(53, 64)),
    *(Check(_cell(opcode, 0, 0, 15) | 511 << 44, OK) for opcode in (9, 11, 14, 18)),
    Check(_cell(11, 19, 7, 15), OK),
    Check(_cell(11, 20, 0, 15), BAD_ADDRESS),
    Check(_cell(11, 0, 8, 15), BAD_ADDRESS),
    Check(_cell(11, 0, 0, 16), BAD_LEVEL),
    Check(_cell(12, 19, 7, 1 | 1 << 8), OK),
    Check(_cell(12, 19, 7, 100 | 2 << 8), OK),
    Check(_cell(12, 19, 7, 1 | 3 << 8), OK),
    Check(_cell(12, 20, 7, 1 | 1 << 8), BAD_ADDRESS),
    Check(_cell(12, 0, 8, 1 | 1 << 8), BAD_ADDRESS),
    Check(_cell(12, 0, 0, 0 | 1 << 8), BAD_VALUE),
    Check(_cell(12, 0, 0, 101 | 1 << 8), BAD_VALUE),
    *(Check(_cell(12, 0, 0, 1 | record << 8), BAD_VALUE) for record in (0, 4, 5, 6, 7)),
    Check(_cell(13, 19, 7, 0 | 1 << 8), OK),
    Check(_cell(13, 19, 7, 255 | 3 << 8), OK),
    Check(_cell(13, 20, 7, 1 | 1 << 8), BAD_ADDRESS),
    Check(_cell(13, 0, 8, 1 | 1 << 8), BAD_ADDRESS),
    *(Check(_cell(13, 0, 0, record << 8), BAD_VALUE) for record in (0, 4, 5, 6, 7)),
    Check(_cell(14, 19, 7, 255), OK),
    Check(_cell(14, 20, 0), BAD_ADDRESS),
    Check(_cell(14, 0, 8), BAD_ADDRESS),
    Check(_cell(15, 1023, 7), OK),
    Check(_cell(15, 0, 8), BAD_ADDRESS),
    Check(_cell(15, 0, 3, 1), OK),
    Check(_cell(15, 0, 4, 1), BAD_ADDRESS),
    Check(_cell(15, 0, 7, 2), OK),
    Check(_cell(15, 0, 3, 3), BAD_VALUE),
    Check(_cell(15, 0, 4, 3), BAD_ADDRESS),
    Check(16 | 2 << 16, OK),
    Check(16 | 3 << 16, BAD_ADDRESS),
    Check(16 | 1 << 26, OK),
    Check(16 | 1 << 27, BAD_VALUE),
    Check(16 | 3 << 16 | 1 << 27, BAD_ADDRESS),
    Check(_cell(18, 19, 7, 15), OK),
    Check(_cell(18, 20, 0, 15), BAD_ADDRESS),
    Check(_cell(18, 0, 8, 15), BAD_ADDRESS),
    Check(_cell(18, 0, 0, 16), BAD_LEVEL),
    Check(_cell(18, 20, 0, 16), BAD_ADDRESS),
    Check(_cell(17, 8, 0), OK),
    Check(_cell(17, 9, 0), BAD_ADDRESS),
    Check(_cell(17, 2, 6), OK),
    Check(_cell(17, 3, 6), BAD_ADDRESS),
    Check(_cell(17, 1, 5), BAD_ADDRESS),
    Check(_cell(17, 0, 0), BAD_ADDRESS),
    Check(_cell(17, 4, 0, 1), OK),
    Check(_cell(17, 5, 0, 1), BAD_ADDRESS),
    Check(_cell(17, 2, 2, 1), OK),
    Check(_cell(17, 1, 4, 1), BAD_ADDRESS),
    Check(_cell(17, 1023, 8), BAD_ADDRESS),
    Check(_cell(17, 1, 0, 1 << 4), OK),
    *(Check(_cell(17, 1, 0, members << 4), BAD_VALUE) for members in (2, 3, 128, 255)),
    Check(_cell(17, 1, 5, 2 << 4), BAD_ADDRESS),
    Check(1 | 0x7F << 16, BAD_REGISTER),
    Check(1 | 0x00 << 16, OK),
)

WITH_OPTIONS = (
    Check(_cell(17, 1, 0, 2 << 4), OK),
    Check(_cell(17, 1, 0, 2 << 4) | 1 << 5, OK),
    Check(_cell(17, 1, 0, 2 << 4) | 1 << 14, BAD_TILE),
    Check(_cell(17, 9, 0, 2 << 4), BAD_ADDRESS),
    Check(_cell(17, 1, 0, 1 << 4) | 1 << 5, BAD_TILE),
    Check(_cell(17, 1, 0) | 1 << 14, OK),
    Check(16 | 200 << 5 | 1 << 27, OK),
    Check(16 | 200 << 5 | 3 << 16 | 1 << 27, BAD_ADDRESS),
    Check(16 | 1 << 14 | 1 << 27, BAD_TILE),
    Check(16 | 200 << 5, BAD_TILE),
    Check(9 | 1 << 14, OK),
)
"""Beats as they lie in the queue of tile 0 of a controller with cascades and shared inputs: bit 14 is ``stray``."""

OF_CHAINS = (
    Check(19 | 1 << 42, OK),
    Check(19 | 2 << 16 | 1 << 42, OK),
    Check(19 | 3 << 16 | 1 << 42, BAD_ADDRESS),
    Check(19 | 1 << 26 | 1 << 42, OK),
    Check(19, BAD_ADDRESS),
    Check(19 | 2 << 42, BAD_ADDRESS),
    Check(19 | 1 << 32 | 1 << 42, BAD_ADDRESS),
    Check(19 | 512 << 32 | 1 << 42, BAD_ADDRESS),
    Check(19 | 513 << 42, BAD_ADDRESS),
    Check(20, UNKNOWN_OPCODE),
    Check(_cell(17, 1, 0), OK),
)
"""Beats of a controller with chains, whose 8 columns are one word: as if activations and inputs were complete."""
OF_SEVERAL = (
    Check(19 | 1 << 5 | 1 << 13 | 1 << 15 | 1 << 42, OK),
    Check(19 | 1 << 14 | 1 << 42, BAD_TILE),
    Check(19 | 255 << 52 | 1 << 42, OK),
)
"""The same as they lie in a queue: bit 13 is ``copy``, bit 14 ``stray``, bit 15 ``last``."""
WITHOUT_ACTIVATIONS = (
    Check(19 | 1 << 42, INCOMPLETE),
    Check(19 | 1 << 13 | 1 << 42, OK),
    Check(19 | 2 << 42, BAD_ADDRESS),
    Check(_cell(17, 1, 0), OK),
)
WITHOUT_INPUTS = (
    Check(19 | 1 << 42, OK),
    Check(_cell(17, 1, 0), INCOMPLETE),
    Check(_cell(17, 9, 0), BAD_ADDRESS),
    Check(_cell(9, 0, 0), OK),
    Check(16 | 1 << 26, OK),
)
"""Where the last product was cut off, or a transfer into the row registers was refused."""

BY_RAMP = (*(Check(_cell(10, 0, 0, 15) | 1 << bit, BAD_VALUE) for bit in range(44, 53)), Check(_cell(10, 0, 0, 15), OK))
"""Beats of a controller with a pulse table of 32 entries whose `WRITE_TABLE` is 0."""
BY_TABLE = (
    Check(_cell(10, 19, 7, 15), OK),
    Check(_cell(10, 0, 0, 15) | 7 << 44, OK),
    Check(_cell(10, 0, 0, 15) | 31 << 47, OK),
    Check(_cell(10, 0, 0, 15) | 7 << 44 | 31 << 47, OK),
    Check(_cell(10, 0, 0, 15) | 32 << 47, BAD_VALUE),
    Check(_cell(10, 0, 0, 15) | 63 << 47, BAD_VALUE),
    Check(_cell(10, 0, 8, 15) | 63 << 47, BAD_ADDRESS),
    Check(_cell(10, 0, 0, 16) | 32 << 47, BAD_LEVEL),
)
"""The same where it is 1."""

GOOD = {
    1: 1,
    2: 2 | 0x20 << 16,
    3: 3 | 2 << 16,
    4: 4,
    5: 5,
    6: 6,
    7: 7,
    8: 8 | 2 << 16,
    9: _cell(9, 1, 1),
    10: _cell(10, 1, 1, 1),
    11: _cell(11, 1, 1, 1),
    12: _cell(12, 1, 1, 1 | 1 << 8),
    13: _cell(13, 1, 1, 1 << 8),
    14: _cell(14, 1, 1),
    15: _cell(15, 0, 1),
    16: 16,
    17: _cell(17, 1, 0),
    18: _cell(18, 1, 1, 1),
    19: 19 | 1 << 42,
}
"""A beat of every opcode that nothing but the state of the tile refuses."""


class Place(NamedTuple):
    """A register: access, bits, value after power-up, and fields as (first bit, bits, least, most)."""

    address: int
    name: str
    access: str
    bits: int
    init: int
    fields: dict[str, tuple[int, int, int, int]]


def _number(bits: int, least: int = 0, most: int | None = None) -> dict[str, tuple[int, int, int, int]]:
    return {"value": (0, bits, least, 2**bits - 1 if most is None else most)}


_LANES = {"bit_line": (0, 12, 0, 4095), "source_line": (12, 12, 0, 4095), "word_line": (24, 12, 0, 4095)}
_SHAPE = {"width": (0, 28, 1, 268435455), "compliance": (28, 8, 0, 255)}
REGISTERS = (
    Place(0x00, "IDENTITY", "constant", 32, 0x54574252, _number(32)),
    Place(0x01, "VERSION", "constant", 32, 0, {"minor": (0, 16, 0, 65535), "major": (16, 16, 0, 65535)}),
    Place(0x02, "HASH_LOW", "constant", 32, 0, _number(32)),
    Place(0x03, "HASH_HIGH", "constant", 32, 0, _number(32)),
    Place(
        *(0x04, "GEOMETRY", "constant", 33, 0),
        {"rows": (0, 11, 0, 2047), "columns": (11, 11, 0, 2047), "tiles": (22, 11, 0, 2047)},
    ),
    Place(
        *(0x05, "CONVERTERS", "constant", 32, 0),
        {
            "adc_bits": (0, 5, 0, 31),
            "dac_bits": (5, 5, 0, 31),
            "input_bits": (10, 6, 0, 63),
            "adc_channels": (16, 16, 0, 65535),
        },
    ),
    Place(
        *(0x06, "QUEUES", "constant", 32, 0),
        {"command_depth": (0, 16, 0, 65535), "response_depth": (16, 16, 0, 65535)},
    ),
    Place(
        *(0x07, "FEATURES", "constant", 8, 0),
        {
            "cascade": (0, 1, 0, 1),
            "shared_inputs": (1, 1, 0, 1),
            "outputs_per_beat": (2, 2, 0, 3),
            "pulse_entries": (4, 2, 0, 3),
            "compare": (6, 1, 0, 1),
            "chain": (7, 1, 0, 1),
        },
    ),
    Place(0x08, "INPUTS", "live", 3, 0, {"compliance": (0, 1, 0, 1), "stop": (1, 1, 0, 1), "front_end": (2, 1, 0, 1)}),
    Place(0x09, "CAPS", "constant", 36, 0, {"width": (0, 28, 0, 268435455), "pulses": (28, 8, 0, 255)}),
    Place(0x0A, "CODE_CAPS", "constant", 36, 0, _LANES),
    Place(0x10, "SELECT", "locked", 16, 1, _number(16, 1)),
    Place(0x11, "SETTLE_READ", "locked", 16, 16, _number(16, 1)),
    Place(0x12, "SETTLE_DRIVE", "locked", 16, 16, _number(16, 2)),
    Place(0x13, "SETTLE_MULTIPLY", "locked", 16, 16, _number(16, 1)),
    Place(0x14, "CONVERT", "locked", 16, 16, _number(16, 1)),
    Place(0x15, "RECOVER", "locked", 16, 4, _number(16, 1)),
    Place(0x16, "SAMPLING", "locked", 7, 0, {"discard": (0, 4, 0, 15), "log2_average": (4, 3, 0, 4)}),
    Place(0x17, "PULSE_LIMIT", "locked", 8, 100, _number(8, 1)),
    Place(0x18, "LEVELS", "locked", 9, 16, _number(9, 1, 256)),
    Place(0x19, "COMPLIANCE", "locked", 18, 131072, {"blanking": (0, 16, 0, 65535), "action": (16, 2, 0, 2)}),
    Place(0x1A, "WATCHDOG", "locked", 28, 0, _number(28)),
    Place(0x1B, "INPUT_GROUP", "locked", 8, 0, _number(8)),
    Place(
        *(0x1C, "WRITE_TABLE", "locked", 36, 0),
        {
            "use": (0, 1, 0, 1),
            "compare": (1, 1, 0, 1),
            "keep": (2, 1, 0, 1),
            "shift": (3, 4, 0, 15),
            "rise": (7, 6, 0, 63),
            "fall": (13, 6, 0, 63),
            "patience": (19, 8, 0, 255),
            "slack": (27, 9, 0, 511),
        },
    ),
    Place(0x1D, "COMPARE", "locked", 16, 2, _number(16, 1)),
    Place(0x20, "RANGE_READ", "open", 16, 0, _number(16)),
    Place(0x21, "RANGE_MULTIPLY", "open", 16, 0, _number(16)),
    Place(0x22, "GAIN_TARGET", "open", 16, 0, _number(16)),
    Place(
        *(0x23, "ACTIVATION", "open", 16, 0),
        {"sums": (0, 2, 0, 2), "relu": (2, 1, 0, 1), "shift": (3, 5, 0, 31), "zero": (8, 8, 0, 255)},
    ),
    *(
        Place(base + place, f"{record}_{name}", "locked", 36, init, fields)
        for base, record in ((0x40, "READ"), (0x48, "SET"), (0x50, "RESET"), (0x58, "FORM"), (0x60, "MULTIPLY"))
        for place, name, init, fields in (
            (0, "CODES", 0, _LANES),
            (1, "LOW", 0, _LANES),
            (2, "HIGH", 0, _LANES),
            (3, "STOP", 0, _LANES),
            (4, "LIMIT", 68719476735, _SHAPE),
            (5, "WIDTH", 68451041285, _SHAPE),
            (6, "STEP", 0, _LANES),
        )
    ),
)


class Write(NamedTuple):
    """A write of a register, and its status while the tile is disarmed, and while it is armed."""

    address: int
    value: int
    disarmed: int
    armed: int


def _locked(address: int, good: tuple[int, ...], bad: tuple[int, ...]) -> tuple[Write, ...]:
    return (
        *(Write(address, value, OK, LOCKED) for value in good),
        *(Write(address, value, BAD_VALUE, LOCKED) for value in bad),
    )


def _open(address: int, good: tuple[int, ...], bad: tuple[int, ...]) -> tuple[Write, ...]:
    return (
        *(Write(address, value, OK, OK) for value in good),
        *(Write(address, value, BAD_VALUE, BAD_VALUE) for value in bad),
    )


def _nothing(*addresses: int) -> tuple[Write, ...]:
    return tuple(Write(address, 0, BAD_REGISTER, BAD_REGISTER) for address in addresses)


WRITES = (
    *_nothing(0x00, 0x01, 0x04, 0x06, 0x07, 0x08, 0x09, 0x1C, 0x1D, 0x1E, 0x1F, 0x23, 0x3F, 0x47, 0x67, 0x7F),
    *_nothing(0x80, 0x88, 0x89, 0x90, 0x98, 0x9B, 0x9C, 0x9F, 0xA0, 0xA2, 0xFF, 0x200, 0x201, 0x280, 0x2FF, 0x300),
    *_nothing(0x3FF, 0x402, 0x7FF, 0x808, 0xBFF, 0xC04, 0xFFF),
    *_locked(0x10, (1, 65535), (0, 65536)),
    *_locked(0x12, (2,), (0, 1, 65536)),
    *_locked(0x16, (0, 15, 0x40, 0x4F), (0x50, 0x7F, 0x80, 1 << 35)),
    *_locked(0x17, (1, 100), (0, 256)),
    *_locked(0x18, (1, 256, 16), (0, 257, 511, 512)),
    *_locked(0x19, (0, 65535, 0x10000, 0x2FFFF), (0x30000, 0x40000)),
    *_locked(0x1A, (268435455, 0), (1 << 28,)),
    *_locked(0x1B, (255, 0), (256, 1 << 35)),
    *_open(0x20, (65535, 0), (65536,)),
    *_locked(0x48, (0, 1023 | 1023 << 12 | 1023 << 24), (1024, 1024 << 12, 1024 << 24)),
    *_locked(0x4E, (1 << 24,), (1 << 35,)),
    *_locked(0x4C, (1, 268435455 | 255 << 28), (0, 255 << 28)),
    *_locked(0x4D, (5 | 255 << 28,), (0, 1 << 28)),
    *_open(0x100, (0, 255 | 255 << 16, 7 << 16), (256, 256 << 16, 1 << 32)),
    *_open(0x1FF, (1,), (1 << 15, 1 << 31)),
    *_open(0x401, (255, 128), (256,)),
    *_open(0x807, (0, 255, 131071, 131072 - 256), (256, 65536, 131072 - 257, 131072)),
    *_open(0xC03, (255, 131072 - 256), (256, 131072 - 257)),
)

READABLE = (*(place.address for place in REGISTERS), *range(0x80, 0x89), *range(0x90, 0x98), 0x99, 0x9B, 0x100, 0x1FF)
READABLE += (0x9D, 0x9E, 0x9F, 0xA2)
READABLE += (0x400, 0x401, 0x800, 0x807, 0xC00, 0xC03)
OPTIONAL = (0x1C, 0x1D)
"""Of them, those that only a controller with a pulse table has, or (the second) with comparisons."""
OF_CAPS = (0x09, 0x0A)
"""Those that only a controller with caps has."""
CHAIN_REGISTER = 0x23
"""That of a controller with chains."""
READABLE = tuple(address for address in READABLE if address not in (*OPTIONAL, *OF_CAPS, CHAIN_REGISTER))
UNREADABLE = (*OF_CAPS, 0x0F, *OPTIONAL, 0x1E, 0x3F, 0x47, 0x67, 0x7F, 0x89, 0x8F, 0x98, 0x9A, 0x9C, 0xFF, 0x3FF, 0x402)
UNREADABLE += (CHAIN_REGISTER, 0xA0, 0xA1, 0xA3, 0xA6, 0xA7, 0xAF, 0x200, 0x201, 0x27F, 0x280, 0x2FF, 0x300)
UNREADABLE += (0x7FF, 0x808, 0xBFF, 0xC04, 0xFFF)

_ENTRY_CODES = {"good": (0, 1023 | 1023 << 12 | 1023 << 24), "bad": (1024, 1024 << 12, 1024 << 24)}
_ENTRY_USES = {"good": (1, 255, 1 | 1 << 8, 255 | 1 << 9), "bad": (0, 1 << 8, 1 << 9, 1 | 3 << 8, 1 | 1 << 10, 1 << 35)}
TABLE_WRITES = (
    *(write for address in (0x200, 0x23E, 0x280, 0x2BE) for write in _locked(address, **_ENTRY_CODES)),
    *(write for address in (0x201, 0x23F, 0x281, 0x2BF) for write in _locked(address, **_ENTRY_USES)),
    *_nothing(0x240, 0x241, 0x27F, 0x2C0, 0x2FF, 0x300, 0x1E),
)
"""Writes of a controller with a pulse table of 32 entries."""
COMPARING_WRITES = (*_locked(0x1C, ((1 << 36) - 1, 3, 0), ()), *_locked(0x1D, (1, 65535, 2), (0, 65536)))
"""Those of one with comparisons, too."""
CONVERTING_WRITES = (*_locked(0x1C, (1, (1 << 36) - 3, 0), (2, 3, (1 << 36) - 1)), *_nothing(0x1D))
"""Those of one without."""
TABLE_READABLE = (0x1C, 0x200, 0x201, 0x23E, 0x23F, 0x280, 0x281, 0x2BE, 0x2BF)
TABLE_UNREADABLE = (0x1E, 0x240, 0x241, 0x27F, 0x2C0, 0x2FF)
TABLE_AT_POWER_UP = {0x200: 0, 0x201: 1, 0x23E: 0, 0x23F: 1, 0x280: 0, 0x281: 1, 0x2BF: 1}

CHAIN_WRITES = (
    *_open(0x23, (0, 2, 1 << 2, 31 << 3, 15 << 8), (3, 1 << 12, 1 << 16, 1 << 35)),
    *_open(0x300, (0, (1 << 32) - 1, 131071, 131072, 8191 << 18, 8192 << 18), (1 << 32, 1 << 35)),
    *_open(0x307, (5 | 9 << 18,), (1 << 33,)),
    *_nothing(0x308, 0x3FF, 0xA6, 0xA7, 0x24),
)
"""Writes of a controller with chains: a bias of 18 bits, and a scale of 14, for each of its 8 columns."""
CHAIN_READABLE = (0x23, 0x300, 0x307, 0xA6, 0xA7)
CHAIN_UNREADABLE = (0x24, 0x308, 0x3FF, 0xA5, 0xA8)

WORDS = {
    "GEOMETRY": 20 | 8 << 11 | 2 << 22,
    "CONVERTERS": 8 | 10 << 5 | 4 << 10 | 2 << 16,
    "FEATURES": 0 | 0 << 1 | 1 << 2,
}
"""What the constant registers of the controller hold."""
TABLE_FEATURES = {
    (16, NO): 1 << 2 | 1 << 4,
    (32, NO): 1 << 2 | 2 << 4,
    (64, NO): 1 << 2 | 3 << 4,
    (16, YES): 1 << 2 | 1 << 4 | 1 << 6,
    (64, YES): 1 << 2 | 3 << 4 | 1 << 6,
}
"""The register `FEATURES` by entries of the pulse table, and comparisons."""
CHAIN_FEATURES = 1 << 1 | 1 << 2 | 1 << 7
"""That of a controller with chains and shared inputs."""
