"""A square wave that shows the world outside that the controller's clock runs."""

from typing import Final

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

_LONGEST_S: Final = 1e-3
"""From one edge to the next, at most."""


class Heartbeat(wiring.Component):
    """Toggles while the clock runs, the controller is out of reset and nobody stops it.

    A retriggerable monostable, or a charge pump, that cuts the supply of the array where no edge comes for some
    milliseconds is the backstop for a clock that stands still.

    Parameters
    ----------
    clock_hz : int

    Members
    -------
    stop : In(1)
        It stands still.
    beat : Out(1)
        A register; from one edge to the next it takes a power of two of cycles, the greatest below a millisecond.
    """

    stop: In(1)
    beat: Out(1)

    def __init__(self, clock_hz: int) -> None:
        self.cycles = 1 << max(int(clock_hz * _LONGEST_S).bit_length() - 1, 1)
        super().__init__()

    def elaborate(self, platform) -> Module:
        """Count."""
        m = Module()
        time = Signal(range(2 * self.cycles))
        m.d.comb += self.beat.eq(time[-1])
        with m.If(~self.stop):
            m.d.sync += time.eq(time + 1)
        return m
