"""MCP4922: two 12-bit outputs, 0 V to an external reference.

A word has 16 bits, as that of the built-in MCP4822: output, buffered reference input, gain (1: once the reference),
active, code. The LDAC pin is tied low, so that an output follows when chip select goes high.
"""

from dataclasses import dataclass

from twinbar.hw.parts.bus import BusTiming
from twinbar.hw.parts.dac import DacDevice, DacPart

TIMING = BusTiming(
    source="MCP4902/4912/4922, Microchip DS22250A, page 7",
    mode=0,
    period_ns=50,
    high_ns=15,
    low_ns=15,
    select_setup_ns=40,
    select_hold_ns=15,
    select_high_ns=15,
    data_setup_ns=15,
    data_hold_ns=10,
    # Taken over from the sister part MCP4822 (DS22249A), not read in this part's own sheet.
    unverified=frozenset({"period_ns", "high_ns", "low_ns", "data_setup_ns", "data_hold_ns"}),
)
_SINGLE_GAIN, _ACTIVE = 1 << 13, 1 << 12


@dataclass(frozen=True)
class Mcp4922(DacPart):
    """MCP4922 (parameters as in `DacPart`)."""

    name: str = "MCP4922"
    channels: int = 2
    bits: int = 12
    word_bits: int = 16
    timing: BusTiming = TIMING
    settle_ns: float = 4500

    def write_and_update(self, channel: int, code: int) -> int:
        """Return the word of an active output at single gain."""
        self.check(channel, code)
        return channel << 15 | _SINGLE_GAIN | _ACTIVE | code

    def device(self) -> DacDevice:
        """Return a model."""
        return Mcp4922Device(self)


class Mcp4922Device(DacDevice):
    """Model of an MCP4922 with its LDAC pin tied low; an output that is shut down floats, and is not modelled."""

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a word says."""
        if not word & _ACTIVE:
            self.violate(f"the word {word:#06x} shuts an output down, which is not modelled", time_ns)
        self.update(word >> 15 & 1, word & 0xFFF, time_ns)


MCP4922 = Mcp4922()
