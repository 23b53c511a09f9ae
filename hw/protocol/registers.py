"""Registers, declared once: addresses, widths, reset values, legal values and what they mean."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import Enum
from typing import Final

from twinbar.hw.timing import MAX_WIDTH, Timing

CODE_BITS: Final = 12
"""Bits of a drive code."""
CYCLE_BITS: Final = 16
"""Bits of a duration, pulse widths and the watchdog excepted."""
WIDTH_BITS: Final = MAX_WIDTH.bit_length()

LEVEL_BASE: Final = 0x100
"""Address of the first entry of the level table: low code in bits 0 to 15, high code in bits 16 to 31."""
LEVELS: Final = 256
"""Entries of the level table."""

POLARITIES: Final = ("set", "reset", "form")
"""Polarities in the order of their numbers (`twinbar.hw.protocol.commands.Polarity`)."""
LINES: Final = ("amplitude", "gate")
"""Lines whose codes ramp: the pulse voltage, and the word line (the gate of a 1T1R cell)."""


class Access(Enum):
    """Who may change a register."""

    READ_WRITE = "RW"
    READ_ONLY = "RO"


class Owner(Enum):
    """Where a register lives: in every tile, or once in the controller (tile field 255)."""

    TILE = "tile"
    CONTROLLER = "controller"


@dataclass(frozen=True)
class Register:
    """One register.

    Parameters
    ----------
    name : str
    address : int
    width : int
        Bits; larger values are refused.
    reset : int
    minimum : int
        Least legal value: 0, or 1 for a duration.
    doc : str
    owner : Owner
    access : Access
    """

    name: str
    address: int
    width: int
    reset: int
    minimum: int
    doc: str
    owner: Owner = Owner.TILE
    access: Access = Access.READ_WRITE


_DURATIONS: Final = {
    "select": "cycles until a selected cell or input step is connected",
    "settle_read": "cycles until the read-out has come to rest",
    "settle_drive": "cycles until the write drive has come to rest",
    "settle_multiply": "cycles until the driven rows have come to rest",
    "convert": "cycles from an accepted conversion to its code",
    "recover": "cycles after the write gate has closed",
}


def _declare() -> Iterator[tuple[str, int, int, int, str]]:
    timing = Timing()
    defaults: dict[str, int] = {field.name: getattr(timing, field.name) for field in fields(timing)}
    for name, doc in _DURATIONS.items():
        yield name, CYCLE_BITS, defaults[name], 1, doc
    for polarity in POLARITIES:
        width = defaults.get(f"width_{polarity}", defaults["width_set"])
        yield (
            f"width_{polarity}",
            WIDTH_BITS,
            width,
            1,
            f"cycles for which a {polarity.upper()} pulse holds the gate open",
        )
    yield "discard", 4, 0, 0, "samples of each read that are thrown away"
    yield "average", 3, 0, 0, "binary logarithm of the samples that are averaged"
    yield "levels", 9, LEVELS, 0, "entries of the level table in use"
    yield (
        "pulse_limit",
        CODE_BITS,
        100,
        0,
        "largest number of pulses, all polarities together, that one command may give",
    )
    for polarity in POLARITIES:
        for line in LINES:
            for end, doc in (
                ("start", "code of the first pulse, and after each change of polarity"),
                ("step", "increment from pulse to pulse"),
                ("stop", "code at which the ramp is capped"),
            ):
                yield f"{polarity}_{line}_{end}", CODE_BITS, 0, 0, f"{polarity.upper()} {line}: {doc}"
    top = (1 << CODE_BITS) - 1
    for polarity in POLARITIES:
        for line in LINES:
            yield f"limit_{polarity}_{line}_low", CODE_BITS, 0, 0, f"least {line} code of a {polarity.upper()} pulse"
            yield (
                f"limit_{polarity}_{line}_high",
                CODE_BITS,
                top,
                0,
                f"largest {line} code of a {polarity.upper()} pulse",
            )
    yield "limit_width", WIDTH_BITS, MAX_WIDTH, 1, "longest pulse in cycles; the guard closes the gate there"
    yield "blanking", CYCLE_BITS, 2, 0, "cycles after the gate opens in which the compliance input is ignored"
    yield "safe_amplitude", CODE_BITS, 0, 0, "amplitude code of the safe state"
    yield "safe_gate", CODE_BITS, 0, 0, "word-line code of the safe state"


TILE_REGISTERS: Final = tuple(
    Register(name, address, width, reset, minimum, doc)
    for address, (name, width, reset, minimum, doc) in enumerate(_declare())
)
"""Registers of each tile."""

CONTROLLER_REGISTERS: Final = (
    Register(
        "watchdog",
        0,
        32,
        0,
        0,
        "cycles without a command beat after which an armed controller trips; 0 switches the watchdog off",
        Owner.CONTROLLER,
    ),
)
"""Registers of the controller itself."""

ADDRESS: Final = {register.name: register.address for register in (*TILE_REGISTERS, *CONTROLLER_REGISTERS)}
"""Address of each register by name."""
