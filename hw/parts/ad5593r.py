"""AD5593R: eight pins, here all of them 12-bit outputs, on I2C (the inputs of OpenMENA's crossbar).

A word is the pointer byte and two bytes of data. Pointer 0x10 and the pin's number write an output; below 0x10 the
pointer is the number of a register (numbers as in Linux, drivers/iio/dac/ad5593r.c, and in the library that OpenMENA
uses). The part has a software reset, which is not used: for 250 us (from memory) it takes nothing. All registers that
matter are written instead, and every output in use gets its safe code after them.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from .dac import DacDevice, DacPart
from .i2c import I2cTiming

TIMING = I2cTiming(
    source="AD5593R, Analog Devices Rev. D, Table 3 and its notes (page 6)",
    mode=0,
    period_ns=2500,
    high_ns=600,
    low_ns=1300,
    select_setup_ns=600,
    select_hold_ns=600,
    select_high_ns=1300,
    data_setup_ns=100,
    # A master holds the data line for this long, to bridge the undefined region of the falling clock (note 2).
    data_hold_ns=300,
    rise_ns=300,
    # By the level of the pin A0.
    addresses=(0x10, 0x11),
)
_WRITE: Final = 0x10
_DATA_BITS: Final = 16


class Ad5593rRegister(IntEnum):
    """Registers that are written at the start."""

    GENERAL = 3
    DAC_PINS = 5
    LOAD_MODE = 7
    POWER_AND_REFERENCE = 11


@dataclass(frozen=True)
class AD5593R(DacPart):
    """AD5593R with all pins as outputs, from 0 V to the reference. Its settling time is from memory.

    Parameters
    ----------
    internal_reference : bool
        2.5 V of its own; else the pin VREF, as OpenMENA has it (1.5 V).

    The others are those of `DacPart`.
    """

    name: str = "AD5593R"
    channels: int = 8
    bits: int = 12
    word_bits: int = 24
    timing: I2cTiming = TIMING
    settle_ns: float = 6000
    internal_reference: bool = False

    def write_and_update(self, channel: int, code: int) -> int:
        """Return the word that brings a code to an output (see `DacPart`)."""
        self.check(channel, code)
        return (_WRITE | channel) << _DATA_BITS | code

    def start_up(self) -> tuple[int, ...]:
        """Return: reference, everything powered; outputs from 0 V to it; loaded at once; all pins are outputs."""
        registers = {
            Ad5593rRegister.POWER_AND_REFERENCE: int(self.internal_reference) << 9,
            Ad5593rRegister.GENERAL: 0,
            Ad5593rRegister.LOAD_MODE: 0,
            Ad5593rRegister.DAC_PINS: (1 << self.channels) - 1,
        }
        return tuple(number << _DATA_BITS | data for number, data in registers.items())

    def device(self) -> DacDevice:
        """Return a model of the part."""
        return Ad5593rDevice(self)


class Ad5593rDevice(DacDevice):
    """Model of the part: its outputs, and which of its pins are outputs."""

    def __init__(self, part: AD5593R) -> None:
        super().__init__(part)
        self.registers = dict.fromkeys(Ad5593rRegister, 0)

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a whole word says."""
        pointer, data = word >> _DATA_BITS, word & (1 << _DATA_BITS) - 1
        if pointer in self.registers:
            self.registers[Ad5593rRegister(pointer)] = data
        elif not _WRITE <= pointer < _WRITE + self.part.channels:
            self.violate(f"pointer {pointer:#x} is not modelled", time_ns)
        else:
            self.update(pointer - _WRITE, data & (1 << self.part.bits) - 1, time_ns)


PARTS: Final = (AD5593R(),)
