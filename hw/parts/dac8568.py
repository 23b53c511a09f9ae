"""DAC8568: eight 16-bit outputs with an internal reference.

Words are those of `twinbar.hw.parts.octal_dac`; the 4 bits after the code are feature bits (data sheet SBAS430F).
"""

from dataclasses import dataclass
from typing import Final

from .bus import BusTiming
from .dac import DacDevice
from .octal_dac import OctalDacDevice, OctalDacPart

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


@dataclass(frozen=True)
class DAC8568(OctalDacPart):
    """DAC8568 (parameters as in `OctalDacPart`)."""

    name: str = "DAC8568"
    channels: int = 8
    bits: int = 16
    word_bits: int = 32
    timing: BusTiming = TIMING
    settle_ns: float = 10_000

    def device(self) -> DacDevice:
        """Return a model."""
        return DAC8568Device(self)


class DAC8568Device(OctalDacDevice):
    """Model of a DAC8568, which wants the first bit of a word to be 0."""

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a word says."""
        if word >> 31:
            self.violate("the first prefix bit is not 0", time_ns)
            return
        super().execute(word, time_ns)


PARTS: Final = (DAC8568(),)
