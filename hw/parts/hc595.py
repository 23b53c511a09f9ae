"""74HC595: an octal shift register with a latch, as a driver of eight switches or gates.

Data is shifted on rising edges of SHCP; the latch clock STCP is wired as chip select, and its rising edge brings all
bits to the outputs at once. OE is the pin that opens the switches: outputs float while it is high, so that every one
needs a resistor that keeps its switch open.
"""

from typing import Final

from .bus import BusTiming
from .switch import OpenPin, SwitchPart


def _part(supply: str, row: tuple[float, float, float, float, float, float, float]) -> SwitchPart:
    period, width, setup, hold, latch, chain, output = row
    return SwitchPart(
        name=f"74HC595 at {supply}",
        timing=BusTiming(
            source=f"74HC595, Nexperia Rev. 8 (25 February 2016), Table 7, {supply}, -40 to 125 degrees C",
            mode=0,
            # In a chain, data leaves a part within the delay SHCP to Q7S and must be set up at the next.
            period_ns=max(period, chain + setup),
            high_ns=width,
            low_ns=width,
            select_setup_ns=0,
            select_hold_ns=latch,
            select_high_ns=width,
            data_setup_ns=setup,
            data_hold_ns=hold,
            unverified=frozenset(
                {
                    "period_ns",
                    "high_ns",
                    "low_ns",
                    "select_hold_ns",
                    "select_high_ns",
                    "data_setup_ns",
                    "data_hold_ns",
                }
            ),
        ),
        open_pin=OpenPin.OUTPUT_ENABLE,
        open_ns=0,
        settle_ns=output,
    )


# 1 / fmax, tW, tsu (DS to SHCP), th, tsu (SHCP to STCP), tpd (SHCP to Q7S), tpd (STCP to Qn), in ns. The delays were
# read in the sheet; the other columns could not be.
HC595_2V = _part("2 V", (250, 110, 75, 3, 110, 240, 265))
"""The slow end of the table: right for any supply from 2 V on, and for the 3.3 V that the table does not give."""
HC595_4V5 = _part("4.5 V", (50, 22, 15, 3, 22, 48, 53))

PARTS: Final = (HC595_2V, HC595_4V5)
