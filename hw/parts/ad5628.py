"""AD5628: eight 12-bit outputs with an internal reference (Pmod DA4).

Words are those of `twinbar.hw.parts.octal_dac`. A frame that ends before its 32nd bit does nothing.
"""

from dataclasses import dataclass
from typing import Final

from .bus import BusTiming
from .octal_dac import OctalDacPart

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


@dataclass(frozen=True)
class AD5628(OctalDacPart):
    """AD5628 (parameters as in `OctalDacPart`)."""

    name: str = "AD5628"
    channels: int = 8
    bits: int = 12
    word_bits: int = 32
    timing: BusTiming = TIMING
    settle_ns: float = 7000


PARTS: Final = (AD5628(),)
