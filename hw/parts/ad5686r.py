"""AD5686R: four 16-bit outputs with an internal reference, which is on after power-up.

A word has 24 bits: command, a mask of the outputs (D C B A), code (AD5686R/AD5685R/AD5684R data sheet, D10485 Rev. B).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from twinbar.hw.errors import ConfigError

from .bus import BusTiming
from .dac import BufferedDacDevice, DacDevice, DacPart

TIMING = BusTiming(
    # Writes are permitted at 50 MHz. The other limits are those of Table 5 (daisy chain and readback, VLOGIC from
    # 2.7 V), which ask for more than those of a plain write.
    source="AD5686R/AD5685R/AD5684R, Analog Devices D10485 Rev. B, Features and Table 5",
    mode=1,
    period_ns=20,
    high_ns=10,
    low_ns=10,
    select_setup_ns=20,
    select_hold_ns=10,
    select_high_ns=30,
    data_setup_ns=5,
    data_hold_ns=5,
    # Some revisions of the sheet ask for 0.83 us between the rising edges of SYNC of two frames that update an output.
    # All frames of the front end are of one length, so that falling edges are as far apart.
    select_period_ns=830,
    unverified=frozenset({"high_ns", "low_ns", "select_period_ns"}),
)


class Ad5686rCommand(IntEnum):
    """Commands of the input shift register."""

    NO_OPERATION = 0
    WRITE_INPUT = 1
    UPDATE = 2
    WRITE_AND_UPDATE = 3
    POWER = 4
    LDAC = 5
    RESET = 6
    REFERENCE = 7
    DAISY_CHAIN = 8
    READBACK = 9


class Ad5686rFields(NamedTuple):
    """Fields of a word; ``outputs`` is a mask."""

    command: int
    outputs: int
    data: int


def pack(command: int, outputs: int, data: int) -> int:
    """Return the word of a command, a mask of outputs, and 16 bits.

    Raises
    ------
    ConfigError
        If a field does not fit.
    """
    for name, value, bits in (("command", command, 4), ("outputs", outputs, 4), ("data", data, 16)):
        if not 0 <= value < 1 << bits:
            raise ConfigError(f"the {name} of an AD5686R word is {value}; it has {bits} bits")
    return command << 20 | outputs << 16 | data


def unpack(word: int) -> Ad5686rFields:
    """Return the fields of a word."""
    return Ad5686rFields(word >> 20 & 0xF, word >> 16 & 0xF, word & 0xFFFF)


@dataclass(frozen=True)
class AD5686R(DacPart):
    """AD5686R.

    Parameters
    ----------
    internal_reference : bool
        Leave the internal reference on.
    """

    name: str = "AD5686R"
    channels: int = 4
    bits: int = 16
    word_bits: int = 24
    timing: BusTiming = TIMING
    settle_ns: float = 8000
    internal_reference: bool = True

    def write_and_update(self, channel: int, code: int) -> int:
        """Return the word of command 3."""
        self.check(channel, code)
        return pack(Ad5686rCommand.WRITE_AND_UPDATE, 1 << channel, code)

    def start_up(self) -> tuple[int, ...]:
        """Reset the part, switch the reference on or off (bit 0 set is off), and power all outputs up (two zeros each).

        The reset comes first, for a part that kept its supply while the FPGA was configured again.
        """
        return (
            pack(Ad5686rCommand.RESET, 0, 0),
            pack(Ad5686rCommand.REFERENCE, 0, int(not self.internal_reference)),
            pack(Ad5686rCommand.POWER, 0, 0),
        )

    def device(self) -> DacDevice:
        """Return a model."""
        return AD5686RDevice(self)


class AD5686RDevice(BufferedDacDevice):
    """Model of an AD5686R with its LDAC pin tied high; power-down, daisy chain and readback are not modelled."""

    def __init__(self, part: DacPart) -> None:
        super().__init__(part)
        self.reference_on = True

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a word says."""
        command, outputs, data = unpack(word)
        if command in (Ad5686rCommand.WRITE_INPUT, Ad5686rCommand.UPDATE, Ad5686rCommand.WRITE_AND_UPDATE):
            for channel in range(self.part.channels):
                if outputs >> channel & 1:
                    if command != Ad5686rCommand.UPDATE:
                        self.write_input(channel, data, time_ns)
                    if command != Ad5686rCommand.WRITE_INPUT:
                        self.load(channel, time_ns)
        elif command == Ad5686rCommand.LDAC:
            # A bit that is set disables the LDAC pin for its output; with the pin high, both mean the same.
            self.transparent = 0
        elif command == Ad5686rCommand.RESET:
            self.clear(time_ns)
            self.reference_on = True
        elif command == Ad5686rCommand.REFERENCE:
            self.reference_on = not data & 1
        elif command not in (Ad5686rCommand.NO_OPERATION, Ad5686rCommand.POWER):
            self.violate(f"command {command} is not modelled", time_ns)


PARTS: Final = (AD5686R(),)
