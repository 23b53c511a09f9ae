"""DAC8568: eight 16-bit outputs with an internal reference.

A word has 32 bits: 4 prefix bits (0), control, address, code, 4 feature bits (data sheet SBAS430F, Serial Interface).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from twinbar.hw.errors import ConfigError

from .bus import BusTiming
from .dac import BufferedDacDevice, DacDevice, DacPart

TIMING = BusTiming(
    source="DAC7568/DAC8168/DAC8568, Texas Instruments SBAS430F, Timing Requirements",
    mode=1,
    period_ns=20,
    # Half of the shortest period each: never less than the sheet asks for.
    high_ns=10,
    low_ns=10,
    select_setup_ns=13,
    select_hold_ns=10,
    select_high_ns=80,
    data_setup_ns=6,
    data_hold_ns=4,
    unverified=frozenset({"high_ns", "low_ns"}),
)


class Control(IntEnum):
    """Control bits."""

    WRITE_INPUT = 0
    UPDATE = 1
    WRITE_INPUT_UPDATE_ALL = 2
    WRITE_AND_UPDATE = 3
    POWER = 4
    CLEAR_CODE = 5
    LDAC = 6
    RESET = 7
    REFERENCE = 8


ALL_CHANNELS = 0xF


class Fields(NamedTuple):
    """Fields of a word."""

    control: int
    address: int
    code: int
    feature: int


def pack(control: int, address: int, code: int, feature: int = 0) -> int:
    """Give the word of control, address, code and feature bits.

    Raises
    ------
    ConfigError
        If a field does not fit.
    """
    for name, value, bits in (
        ("control", control, 4),
        ("address", address, 4),
        ("code", code, 16),
        ("feature", feature, 4),
    ):
        if not 0 <= value < 1 << bits:
            raise ConfigError(f"the {name} of a DAC8568 word is {value}; it has {bits} bits")
    return control << 24 | address << 20 | code << 4 | feature


def unpack(word: int) -> Fields:
    """Give the fields of a word."""
    return Fields(word >> 24 & 0xF, word >> 20 & 0xF, word >> 4 & 0xFFFF, word & 0xF)


@dataclass(frozen=True)
class DAC8568(DacPart):
    """DAC8568.

    Parameters
    ----------
    internal_reference : bool
        Switch the internal reference on (static mode); it is off after power-up.
    """

    name: str = "DAC8568"
    channels: int = 8
    bits: int = 16
    word_bits: int = 32
    timing: BusTiming = TIMING
    settle_ns: float = 10_000
    internal_reference: bool = True

    def write_and_update(self, channel: int, code: int) -> int:
        """Give the word of control 3."""
        self.check(channel, code)
        return pack(Control.WRITE_AND_UPDATE, channel, code)

    def start_up(self) -> tuple[int, ...]:
        """Switch the reference on or off."""
        return (pack(Control.REFERENCE, 0, 0, int(self.internal_reference)),)

    def device(self) -> DacDevice:
        """Give a model."""
        return DAC8568Device(self)


class DAC8568Device(BufferedDacDevice):
    """Model of a DAC8568 with its LDAC pin tied high; power-down, clear codes and flexible reference are left out."""

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a word says."""
        if word >> 31:
            self.violate("the first prefix bit is not 0", time_ns)
            return
        control, address, code, feature = unpack(word)
        if control <= Control.WRITE_AND_UPDATE:
            self.write(control, address, code, time_ns)
        elif control == Control.LDAC:
            self.transparent = word & 0xFF
        elif control == Control.RESET:
            self.clear(time_ns)
        elif control == Control.REFERENCE:
            self.reference_on = bool(feature & 1)
        elif control not in (Control.POWER, Control.CLEAR_CODE):
            self.violate(f"control {control} is not modelled", time_ns)


PARTS: Final = (DAC8568(),)
