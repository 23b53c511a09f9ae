"""What the read-out tells the sequencer of the code that it has read."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from twinbar.hw.protocol.registers import LEVEL_WINDOW

CODE_BITS = LEVEL_WINDOW["low"].bits
"""Bits of a code in a window."""


class VerdictSignature(wiring.Signature):
    """What the sequencer hears of a read.

    Members
    -------
    last_sample : Out(1)
        The conversion in progress is the last of a single-cell read.
    gain, last_bit : Out(1)
        The command looks for a gain trim, and its last bit is in work.
    below, above : Out(1)
        The averaged code lies below or above the level's window.
    short, excess : Out
        By how many codes, less one, it lies below, if it does, and above, if it does; where there is a pulse table.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "last_sample": Out(1),
                "gain": Out(1),
                "last_bit": Out(1),
                "below": Out(1),
                "above": Out(1),
                "short": Out(CODE_BITS),
                "excess": Out(CODE_BITS),
            },
        )
