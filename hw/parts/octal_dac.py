"""Octal DACs with an internal reference that understand the same words: AD5628, DAC8568 and their relatives.

A word has 32 bits: 4 in front that say nothing, command, address, 20 bits of data that begin with the code (AD5628 data
sheet D05302 Rev. J, page 24; DAC8568 data sheet SBAS430F, Serial Interface, which calls the commands control bits).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from twinbar.hw.errors import ConfigError

from .dac import BufferedDacDevice, DacDevice, DacPart

DATA_BITS = 20


class OctalDacCommand(IntEnum):
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
"""Instead of an address."""


class OctalDacFields(NamedTuple):
    """Fields of a word."""

    command: int
    address: int
    data: int


def pack(command: int, address: int, data: int) -> int:
    """Return the word of a command, an address and the 20 lowest bits.

    Raises
    ------
    ConfigError
        If a field does not fit.
    """
    for name, value, bits in (("command", command, 4), ("address", address, 4), ("data", data, DATA_BITS)):
        if not 0 <= value < 1 << bits:
            raise ConfigError(f"the {name} of a word of an octal DAC is {value}; it has {bits} bits")
    return command << 24 | address << 20 | data


def unpack(word: int) -> OctalDacFields:
    """Return the fields of a word."""
    return OctalDacFields(word >> 24 & 0xF, word >> 20 & 0xF, word & 0xFFFFF)


@dataclass(frozen=True)
class OctalDacPart(DacPart):
    """An octal DAC.

    Parameters
    ----------
    internal_reference : bool
        Switch the internal reference on (static mode); it is off after power-up, and without one the outputs stay at
        0 V.
    """

    internal_reference: bool = True

    def write_and_update(self, channel: int, code: int) -> int:
        """Return the word of command 3."""
        self.check(channel, code)
        return pack(OctalDacCommand.WRITE_AND_UPDATE, channel, self.data_of(code))

    def data_of(self, code: int) -> int:
        """Return the data bits of a code."""
        return code << DATA_BITS - self.bits

    def start_up(self) -> tuple[int, ...]:
        """Reset the part, switch the reference on or off, and power all outputs up.

        The reset comes first: a part that kept its supply while the FPGA was configured again forgets its codes,
        reference and powered-down outputs with it (AD5628 data sheet, pages 25 and 26; DAC8568, Software Reset).
        """
        return (
            pack(OctalDacCommand.RESET, 0, 0),
            pack(OctalDacCommand.REFERENCE, 0, int(self.internal_reference)),
            pack(OctalDacCommand.POWER, 0, (1 << self.channels) - 1),
        )

    def device(self) -> DacDevice:
        """Return a model."""
        return OctalDacDevice(self)


class OctalDacDevice(BufferedDacDevice):
    """Model of an octal DAC with its LDAC pin tied high.

    Power-down, clear codes and a reference that is on only at times are not modelled.
    """

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a word says."""
        command, address, data = unpack(word)
        if command <= OctalDacCommand.WRITE_AND_UPDATE:
            self._write(command, address, data >> DATA_BITS - self.part.bits, time_ns)
        elif command == OctalDacCommand.LDAC:
            self.transparent = data & 0xFF
        elif command == OctalDacCommand.RESET:
            self.clear(time_ns)
        elif command == OctalDacCommand.REFERENCE:
            self.reference_on = bool(data & 1)
        elif command not in (OctalDacCommand.POWER, OctalDacCommand.CLEAR_CODE):
            self.violate(f"command {command} is not modelled", time_ns)

    def _write(self, command: int, address: int, code: int, time_ns: float) -> None:
        """Do one of the commands 0 to 3."""
        everyone = range(self.part.channels)
        if address >= self.part.channels and address != ALL_CHANNELS:
            self.violate(f"address {address} does not exist", time_ns)
            return
        for channel in everyone if address == ALL_CHANNELS else (address,):
            if command != OctalDacCommand.UPDATE:
                self.write_input(channel, code, time_ns)
            if command in (OctalDacCommand.UPDATE, OctalDacCommand.WRITE_AND_UPDATE):
                self.load(channel, time_ns)
        if command == OctalDacCommand.WRITE_INPUT_UPDATE_ALL:
            for channel in everyone:
                self.load(channel, time_ns)
