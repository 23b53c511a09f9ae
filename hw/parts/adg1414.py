"""ADG1414: eight analog switches up to +-15 V.

Data is shifted on falling edges, the last eight bits being those of the part, and the switches follow when chip select
goes high; a switch is on where its bit is 1. SDO passes data to the next part of a chain, after the rising edge. RESET
opens all switches and clears the shift register (ADG1414 data sheet, Rev. B).
"""

from typing import Final

from .bus import BusTiming
from .switch import OpenPin, SwitchPart

ADG1414 = SwitchPart(
    name="ADG1414",
    timing=BusTiming(
        source="ADG1414, Analog Devices Rev. B, Table 6",
        mode=1,
        # In a chain, the data must leave a part (t11) and be set up at the next (t5) while the clock is high.
        period_ns=40 + 5 + 9,
        high_ns=40 + 5,
        low_ns=9,
        select_setup_ns=5,
        select_hold_ns=5,
        select_high_ns=15,
        data_setup_ns=5,
        data_hold_ns=5,
    ),
    open_pin=OpenPin.RESET,
    open_ns=15,
    # The switching time depends on the supplies and was not at hand; slower than any of them.
    settle_ns=500,
)

PARTS: Final = (ADG1414,)
