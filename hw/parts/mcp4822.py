"""MCP4822: two 12-bit outputs with an internal 2.048 V reference.

A word has 16 bits: output, don't care, gain (1: 2.048 V full scale, 0: 4.096 V), active, code. The LDAC pin is tied
low, so that an output follows when chip select goes high (data sheet DS22249A, sections 4 and 5).
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from twinbar.hw.errors import ConfigError

from .bus import BusTiming
from .dac import DacDevice, DacPart

TIMING = BusTiming(
    # The chip select times stand on the page after; they are those of the sister parts (DS22250A, page 7).
    source="MCP4802/4812/4822, Microchip DS22249A, page 6; MCP4902/4912/4922, Microchip DS22250A, page 7",
    mode=0,
    period_ns=50,
    high_ns=15,
    low_ns=15,
    select_setup_ns=40,
    select_hold_ns=15,
    select_high_ns=15,
    data_setup_ns=15,
    data_hold_ns=10,
)


class Mcp4822Fields(NamedTuple):
    """Fields of a word."""

    channel: int
    single_gain: bool
    active: bool
    code: int


def pack(channel: int, code: int, *, single_gain: bool = True, active: bool = True) -> int:
    """Return the word for an output.

    Raises
    ------
    ConfigError
        If output or code does not exist.
    """
    if channel not in (0, 1) or not 0 <= code < 1 << 12:
        raise ConfigError(
            f"output {channel} and code {code} do not fit an MCP4822 word; it has outputs 0 and 1, and 12 bits"
        )
    return channel << 15 | single_gain << 13 | active << 12 | code


def unpack(word: int) -> Mcp4822Fields:
    """Return the fields of a word."""
    return Mcp4822Fields(word >> 15 & 1, bool(word >> 13 & 1), bool(word >> 12 & 1), word & 0xFFF)


@dataclass(frozen=True)
class MCP4822(DacPart):
    """MCP4822.

    Parameters
    ----------
    single_gain : bool
        Full scale of 2.048 V; else 4.096 V.
    """

    name: str = "MCP4822"
    channels: int = 2
    bits: int = 12
    word_bits: int = 16
    timing: BusTiming = TIMING
    settle_ns: float = 4500
    single_gain: bool = True

    def write_and_update(self, channel: int, code: int) -> int:
        """Return the word of an active output."""
        self.check(channel, code)
        return pack(channel, code, single_gain=self.single_gain)

    def device(self) -> DacDevice:
        """Return a model."""
        return MCP4822Device(self)


class MCP4822Device(DacDevice):
    """Model of an MCP4822 with its LDAC pin tied low.

    Attributes
    ----------
    active : list of bool
        Outputs that are not shut down.
    single_gain : list of bool
    """

    def __init__(self, part: DacPart) -> None:
        super().__init__(part)
        self.active = [False, False]
        self.single_gain = [False, False]

    def execute(self, word: int, time_ns: float) -> None:
        """Do what a word says."""
        channel, self_gain, active, code = unpack(word)
        self.active[channel], self.single_gain[channel] = active, self_gain
        self.update(channel, code, time_ns)


PARTS: Final = (MCP4822(),)
