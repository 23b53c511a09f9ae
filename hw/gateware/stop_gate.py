"""The last gate before the pin that opens the write gate: the emergency stop closes it without a clock."""

from typing import Final

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.cdc import AsyncFFSynchronizer
from amaranth.lib.wiring import In, Out

HELD_STAGES: Final = 4
"""Clock edges for which a stop is held after it ended.

The controller sees it at the second one and has closed its gate at the third, so that the pin is released only when
there is nothing to let through.
"""


class StopGate(wiring.Component):
    """Lets the write gate through while there is no stop.

    The pin is one AND of a register, of the stop itself, and of a flip-flop that the stop sets without a clock and
    that keeps it for `HELD_STAGES` clock edges. It has no glitches: while there is no stop, only the register changes;
    a stop makes it 0 through whichever input comes first, and both others are at rest when the flip-flop lets go.

    Parameters
    ----------
    stages : int

    Members
    -------
    stop : In(1)
        Asynchronous.
    gate : In(1)
        A register: the controller's write gate.
    held : Out(1)
        The stop, and so much longer that the controller sees the shortest one.
    pin : Out(1)
    """

    stop: In(1)
    gate: In(1)
    held: Out(1)
    pin: Out(1)

    def __init__(self, stages: int = HELD_STAGES) -> None:
        self._stages = stages
        super().__init__()

    def elaborate(self, platform) -> Module:
        """Connect the AND."""
        m = Module()
        m.submodules.hold = AsyncFFSynchronizer(self.stop, self.held, stages=self._stages)
        m.d.comb += self.pin.eq(self.gate & ~self.stop & ~self.held)
        return m
