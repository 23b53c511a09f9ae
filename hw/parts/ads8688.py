"""ADS8688: eight 16-bit inputs, 500 kSPS, with programmable ranges up to +-10.24 V.

A frame has 32 bits: a command of 16, then the result of the input that the command of the frame before chose. The input
is sampled when chip select goes low; the result is sent after the 16th falling edge, each bit being launched by a
falling edge and valid at the next. Program registers are written by frames of 24 bits: address, write bit, data, and 8
that mean nothing (data sheet SBAS582, Data Acquisition and Program Registers; commands and registers as in Linux,
ti-ads8688.c).
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from twinbar.hw.errors import ConfigError

from .adc import AdcDevice, AdcPart, Frame, Source, bits_of
from .bus import BusTiming

TIMING = BusTiming(
    source="ADS8684/ADS8688, Texas Instruments SBAS582, Timing Requirements: Serial Interface",
    mode=1,
    period_ns=1000 / 17,
    high_ns=0.4 * 1000 / 17,
    low_ns=0.4 * 1000 / 17,
    duty=0.4,
    select_setup_ns=30,
    select_hold_ns=30,
    select_high_ns=30,
    # 500 kSPS: 850 ns of conversion and 1150 ns of acquisition.
    select_period_ns=2000,
    data_setup_ns=5,
    data_hold_ns=5,
    # The sheet asks the master for 25 ns before the falling edge; what is left of the shortest period is the part's.
    access_ns=1000 / 17 - 25,
    output_hold_ns=10,
    launches_on_sampling_edge=True,
    unverified=frozenset(
        {
            "period_ns",
            "high_ns",
            "low_ns",
            "duty",
            "select_setup_ns",
            "select_hold_ns",
            "select_high_ns",
            "data_setup_ns",
            "data_hold_ns",
            "access_ns",
            "output_hold_ns",
        }
    ),
)
CONVERSION_NS = 850.0
"""The 16th falling edge must come after the conversion has ended (not verified against the sheet)."""


class Range(IntEnum):
    """Range codes of an input, for the internal reference of 4.096 V."""

    BIPOLAR_10V24 = 0
    BIPOLAR_5V12 = 1
    BIPOLAR_2V56 = 2
    UNIPOLAR_10V24 = 5
    UNIPOLAR_5V12 = 6


NO_OPERATION = 0x0000
RESET = 0x8500
RANGE_REGISTER = 0x05


def choose(channel: int) -> int:
    """Return the command (16 bits) that chooses an input for the next frame: MAN_Ch_n."""
    return 0xC000 | channel << 10


def chosen(command: int) -> int | None:
    """Return the input that a command chooses."""
    channel = command >> 10 & 7
    return channel if command == choose(channel) else None


def write_register(address: int, value: int) -> Frame:
    """Return the frame that writes a program register.

    Raises
    ------
    ConfigError
        If address or value does not fit.
    """
    if not 0 <= address < 1 << 7 or not 0 <= value < 1 << 8:
        raise ConfigError(
            f"an ADS8688 register is written with address {address} and value {value}; they have 7 and 8 bits"
        )
    return Frame((address << 9 | 1 << 8 | value) << 8, 24)


def written_register(word: int) -> tuple[int, int] | None:
    """Return address and value of a frame of 24 bits that writes a program register."""
    return (word >> 17 & 0x7F, word >> 8 & 0xFF) if word >> 16 & 1 else None


@dataclass(frozen=True)
class ADS8688(AdcPart):
    """ADS8688.

    Parameters
    ----------
    input_range : Range
        Range of all inputs.
    """

    name: str = "ADS8688"
    channels: int = 8
    bits: int = 16
    frame_bits: int = 32
    latency: int = 1
    bipolar: bool = True
    timing: BusTiming = TIMING
    result_bit: int = 16
    conversion_ns: float = CONVERSION_NS
    # Every input has a filter of second order at 15 kHz: two poles at 23.3 kHz, 6.8 us each, and half a step of 16 bits
    # is left after 14.5 of them (the bandwidth is not verified against the sheet).
    settle_ns: float = 100_000
    input_range: Range = Range.BIPOLAR_10V24

    def __post_init__(self) -> None:
        if self.bipolar != (self.input_range < Range.UNIPOLAR_10V24):
            raise ConfigError(
                f"the range {self.input_range.name} of {self.name} does not agree with bipolar = {self.bipolar}"
            )

    def command(self, channel: int) -> int:
        """Return the frame that chooses an input for the next one."""
        self.check(channel)
        return choose(channel) << 16

    def result(self, word: int) -> int:
        """Return the 16 lowest bits."""
        return word & 0xFFFF

    def start_up(self) -> tuple[Frame, ...]:
        """Reset the program registers, and set the range of every input."""
        ranges = (write_register(RANGE_REGISTER + channel, self.input_range) for channel in range(self.channels))
        return (Frame(RESET << 16, self.frame_bits), *ranges)

    def device(self, source: Source) -> AdcDevice:
        """Return a model."""
        return ADS8688Device(self, source)


class ADS8688Device(AdcDevice):
    """Model of an ADS8688; automatic scanning, standby and readback of registers are not modelled.

    Attributes
    ----------
    ranges : list of int
    """

    def __init__(self, part: AdcPart, source: Source) -> None:
        super().__init__(part, source)
        self.ranges = [0] * part.channels
        self._chosen: int | None = None
        self._began = 0.0

    def selected(self, time_ns: float) -> list[int]:
        """Sample, and send the result after the command; nothing was chosen after power-up."""
        self._began = time_ns
        code = 0 if self._chosen is None else self.sample(self._chosen)
        return [0] * 16 + bits_of(code, 16)

    def bit(self, value: int, count: int, time_ns: float) -> None:
        """Check that the conversion has ended before its result is sent."""
        if count == self.part.result_bit:
            self.need("conversion", time_ns - self._began, self.part.conversion_ns, time_ns)

    def frame(self, word: int, count: int, time_ns: float) -> None:
        """Do what the command says."""
        if count == 24:
            register = written_register(word)
            if register is None or not RANGE_REGISTER <= register[0] < RANGE_REGISTER + self.part.channels:
                self.violate(f"a frame of 24 bits with {word:#08x}, which writes no range", time_ns)
            else:
                self.ranges[register[0] - RANGE_REGISTER] = register[1]
            return
        if count != self.part.frame_bits:
            self.violate(f"a frame of {count} bits, the part takes {self.part.frame_bits}", time_ns)
            return
        command = word >> 16
        channel = chosen(command)
        if channel is not None:
            self._chosen = channel
        elif command == RESET:
            self.ranges, self._chosen = [0] * self.part.channels, None
        elif command != NO_OPERATION:
            self.violate(f"command {command:#06x} is not modelled", time_ns)


UNIPOLAR_5V12: Final = replace(ADS8688(), name="ADS8688, 0 to 5.12 V", bipolar=False, input_range=Range.UNIPOLAR_5V12)
"""For amplifiers between 0 V and 5 V: `twinbar.hw.parts.ads8688:UNIPOLAR_5V12` in a wiring."""
PARTS: Final = (ADS8688(),)
