"""AD7476A: one 12-bit input, 1 MSPS (Pmod AD1 carries two, with a common clock and chip select).

The input is sampled when chip select goes low, and converted by the 16 clocks of the frame, which carries four zeros
and the result. Each bit is valid at a falling edge, having been launched by the one before; chip select launches the
first (AD7476A/AD7477A/AD7478A data sheet, D02930 Rev. F, pages 21 and 22).
"""

from dataclasses import dataclass
from typing import Final

from .adc import AdcDevice, AdcPart, Frame, Source, bits_of
from .bus import BusTiming

ACQUISITION_NS = 250.0
"""Least time in track before the next sample (D02930 Rev. F, page 9)."""
TRACK_BIT = 13
"""The part tracks from the rising edge after this falling edge on (page 21)."""

TIMING = BusTiming(
    source="AD7476A/AD7477A/AD7478A, Analog Devices D02930 Rev. F, Table 4",
    mode=2,
    period_ns=50,
    high_ns=20,
    low_ns=20,
    duty=0.4,
    longest_period_ns=100_000,
    select_setup_ns=10,
    select_hold_ns=0,
    # Quiet time is t8 + tQUIET = 36 + 50 ns; acquisition, 2.5 periods + this, asks for more: 250 ns at 20 MHz.
    select_high_ns=125,
    select_period_ns=1000,
    data_setup_ns=0,
    data_hold_ns=0,
    access_ns=40,
    select_access_ns=22,
    output_hold_ns=7,
    launches_on_sampling_edge=True,
)


@dataclass(frozen=True)
class AD7476A(AdcPart):
    """AD7476A."""

    name: str = "AD7476A"
    channels: int = 1
    bits: int = 12
    frame_bits: int = 16
    latency: int = 0
    bipolar: bool = False
    timing: BusTiming = TIMING
    dummies: int = 1
    track_bit: int = TRACK_BIT
    acquisition_ns: float = ACQUISITION_NS

    def command(self, channel: int) -> int:
        """Return 0: the part has no data input."""
        self.check(channel)
        return 0

    def result(self, word: int) -> int:
        """Return the 12 lowest bits."""
        return word & 0xFFF

    def start_up(self) -> tuple[Frame, ...]:
        """Return the dummy conversion that leaves whatever mode the part powered up in."""
        return (Frame(0, self.frame_bits),)

    def device(self, source: Source) -> AdcDevice:
        """Return a model."""
        return AD7476ADevice(self, source)


class AD7476ADevice(AdcDevice):
    """Model of an AD7476A; its power-down mode is not modelled: a frame of less than 16 bits is a violation."""

    def __init__(self, part: AdcPart, source: Source) -> None:
        super().__init__(part, source)
        self._tracking_since = float("-inf")

    def selected(self, time_ns: float) -> list[int]:
        """Sample, and send the result; the first one after power-up is wrong."""
        self.need("acquisition", time_ns - self._tracking_since, self.part.acquisition_ns)
        code = self.sample(0)
        if len(self.conversions) <= self.part.dummies:
            code = ~code & 0xFFF
        return bits_of(code, 16)

    def bit(self, value: int, count: int, time_ns: float) -> None:
        """Go back into track."""
        if count == self.part.track_bit + 1:
            self._tracking_since = self.other_edge_ns

    def frame(self, word: int, count: int, time_ns: float) -> None:
        """End the frame."""
        if count != self.part.frame_bits:
            self.violate(f"a frame of {count} bits, the part takes {self.part.frame_bits}", time_ns)


PARTS: Final = (AD7476A(),)
