"""Counts the cycles of phases whose length is known."""

from typing import Final

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.registers import COMPLIANCE
from twinbar.hw.timing import REGISTER_READ_CYCLES

from .duration_memory import Duration

MARK_BITS: Final = COMPLIANCE["blanking"].bits
"""Bits of the number of a cycle whose coming is told."""


class ClockSignature(wiring.Signature):
    """The cycle of a phase, for the sequencer.

    Members
    -------
    restart : Out(1)
        A phase begins in the next cycle.
    first, last : In(1)
        First and last cycle of the phase.
    fetched : In(1)
        A register that is read has been with this cycle.
    """

    def __init__(self) -> None:
        super().__init__({"restart": Out(1), "first": In(1, init=1), "last": In(1), "fetched": In(1)})


class PhaseTimer(wiring.Component):
    """Tells the first and the last cycle of a phase whose length is known.

    The last cycle is known from registers alone, because everything that happens next waits for it: whether the second
    cycle or a later one is the last was found in the cycle before, and whether the first one is, before the phase.

    Members
    -------
    clock : In(ClockSignature)
    duration : In(Duration)
        Length of the phase, in its first cycle, unless one of the following holds.
    pulse, width : In
        A pulse of ``width`` cycles, which have not changed since the cycle before its first one.
    wait, wait_cycles : In
        A waiting time of ``wait_cycles`` cycles, which have not changed since the cycle before its first one.
    fetches : In(1)
        A register is accessed.
    mark : In
    nears_mark : Out(1)
        The next cycle is number ``mark`` of the phase, counted from 1.

    Attributes
    ----------
    next : Signal
        One more than the number of this cycle, counted from 1. It changes in every cycle, so it stays in here, where
        the fewest expressions depend on it; the proofs look at it.
    """

    clock: In(ClockSignature())
    duration: In(Duration)
    pulse: In(1)
    width: In(WIDTH_BITS)
    wait: In(1)
    wait_cycles: In(WIDTH_BITS)
    fetches: In(1)
    mark: In(MARK_BITS)
    nears_mark: Out(1)

    def __init__(self) -> None:
        self.next = Signal(WIDTH_BITS, init=2)
        super().__init__()

    @staticmethod
    def cycles(duration: int) -> int:
        """Return the cycles of a phase, of a pulse, or of waiting, of a ``duration`` of 1 or more: none are added."""
        return duration

    def elaborate(self, platform) -> Module:
        m = Module()
        clock = self.clock
        single_width, single_wait = Signal(), Signal()
        cycles = Signal.like(self.duration.cycles)  # of the phase, from its second cycle on
        ends = Signal()  # with the next cycle
        announced = Signal()  # this cycle is the last, unless it is the first as well
        single = Mux(self.pulse, single_width, Mux(self.wait, single_wait, self.duration.single))
        with m.If(self.pulse):
            m.d.comb += ends.eq(self.next == self.width)
        with m.Elif(self.wait):
            m.d.comb += ends.eq(self.next == self.wait_cycles)
        with m.Else():
            m.d.comb += ends.eq(Mux(clock.first, self.duration.double, self.next[: len(cycles)] == cycles))
        with m.If(clock.first):
            m.d.sync += cycles.eq(self.duration.cycles)
        m.d.comb += [
            clock.last.eq(Mux(clock.first, single, announced)),
            self.nears_mark.eq(self.next[:MARK_BITS] == self.mark),
        ]
        with m.If(self.fetches):
            m.d.comb += clock.fetched.eq(self.next[:3] == REGISTER_READ_CYCLES)
        m.d.sync += [
            single_width.eq(self.width == 1),
            single_wait.eq(self.wait_cycles == 1),
            announced.eq(ends),
            clock.first.eq(clock.restart),
            self.next.eq(self.next + 1),
        ]
        with m.If(clock.restart):
            m.d.sync += self.next.eq(2)
        return m
