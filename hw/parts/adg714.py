"""ADG714: eight analog switches of 2.5 Ohm up to 5.5 V, or +-2.5 V.

Data is shifted on falling edges, the last eight bits being those of the part; a switch is on where its bit is 1. DOUT,
an open drain, passes data to the next part of a chain, after the rising edge. After power-up, and while RESET is low,
all switches are off (ADG714/ADG715 data sheet, Rev. E, Theory of Operation).
"""

from typing import Final

from .bus import BusTiming
from .switch import OpenPin, SwitchPart

ADG714 = SwitchPart(
    name="ADG714",
    timing=BusTiming(
        source="ADG714/ADG715, Analog Devices Rev. E, ADG714 Timing Characteristics",
        mode=1,
        # In a chain, the data must leave a part (20 ns) and be set up at the next (5 ns) while the clock is high.
        period_ns=20 + 5 + 13,
        high_ns=20 + 5,
        low_ns=13,
        select_setup_ns=13,
        select_hold_ns=0,
        select_high_ns=33,
        data_setup_ns=5,
        data_hold_ns=4.5,
        unverified=frozenset(
            {
                "period_ns",
                "high_ns",
                "low_ns",
                "select_setup_ns",
                "select_hold_ns",
                "select_high_ns",
                "data_setup_ns",
                "data_hold_ns",
            }
        ),
    ),
    open_pin=OpenPin.RESET,
    # Not in the part of the sheet that could be read; more than comparable parts ask for.
    open_ns=50,
    settle_ns=100,
)

PARTS: Final = (ADG714,)
