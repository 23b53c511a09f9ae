"""AD5628: eight 12-bit outputs with an internal reference (Pmod DA4).

A word has 32 bits: 4 don't care, command, address, code, 8 don't care (data sheet D05302 Rev. J, page 24). A frame that
ends before its 32nd bit does nothing.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from twinbar.hw.errors import ConfigError

from .bus import BusTiming
from .dac import BufferedDacDevice, DacDevice, DacPart

TIMING = BusTiming(
    source="AD5628/AD5648/AD5668, Analog Devices D05302 Rev. J, Timing Characteristics",
    mode=1,
    period_ns=20,
    # Half of the shortest period each: never less than the sheet asks for.
    high_ns=10,
    low_ns=10,
    select_setup_ns=13,
    select_hold_ns=0,
    select_high_ns=15,
    data_setup_ns=4,
    data_hold_ns=4,
    unverified=frozenset(
        {"high_ns", "low_ns", "select_setup_ns", "select_hold_ns", "select_high_ns", "data_setup_ns", "data_hold_ns"}
    ),
)


class Command(IntEnum):
    """Commands of the input shift register."""

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
    """Fields of a word; ``data`` are its 20 lowest bits."""

    command: int
    address: int
    data: int


def pack(command: int, address: int, data: int) -> int:
    """Give the word of a command, an address and the 20 lowest bits.

    Raises
    ------
    ConfigError
        If a field does not fit.
    """
    for name, value, bits in (("command", command, 4), ("address", address, 4), ("data", data, 20)):
        if not 0 <= value < 1 << bits:
            raise ConfigError(f"the {name} of an AD5628 word is {value}; it has {bits} bits")
    return command << 24 | address << 20 | data


def unpack(word: int) -> Fields:
    """Give the fields of a word."""
    return Fields(word >> 24 & 0xF, word >> 20 & 0xF, word & 0xFFFFF)


@dataclass(frozen=True)
class AD5628(DacPart):
    """AD5628.

    Parameters
    ----------
    internal_reference : bool
        Switch the internal reference on; it is off after power-up, and without one the outputs stay at 0 V.
    """

    name: str = "AD5628"
    channels: int = 8
    bits: int = 12
    word_bits: int = 32
    timing: BusTiming = TIMING
    settle_ns: float = 7000
    internal_reference: bool = True

    def write_and_update(self, channel: int, code: int) -> int:
        """Give the word of command 3."""
        self.check(channel, code)
        return pack(Command.WRITE_AND_UPDATE, channel, code << 8)

    def start_up(self) -> tuple[int, ...]:
        """Switch the reference on or off."""
        return (pack(Command.REFERENCE, 0, int(self.internal_reference)),)

    def device(self) -> DacDevice:
        """Give a model."""
        return AD5628Device(self)


class AD5628Device(BufferedDacDevice):
    """Model of an AD5628 with its LDAC pin tied high; power-down and clear codes are not modelled."""

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a word says."""
        command, address, data = unpack(word)
        if command <= Command.WRITE_AND_UPDATE:
            self.write(command, address, data >> 8, time_ns)
        elif command == Command.LDAC:
            self.transparent = data & 0xFF
        elif command == Command.RESET:
            self.clear(time_ns)
        elif command == Command.REFERENCE:
            self.reference_on = bool(data & 1)
        elif command not in (Command.POWER, Command.CLEAR_CODE):
            self.violate(f"command {command} does not exist", time_ns)


PARTS: Final = (AD5628(),)
