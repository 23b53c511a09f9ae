"""Counts the cycles of phases whose length is known."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import WIDTH_BITS

from .durations import Duration


class PhaseTimer(wiring.Component):
    """Tells the first and the last cycle of a phase whose length is known.

    The last cycle is known from registers alone, because everything that happens next waits for it: whether the second
    cycle or a later one is the last was found in the cycle before, and whether the first one is, before the phase.

    Members
    -------
    restart : In(1)
        A phase begins in the next cycle.
    duration : In(Duration)
        Length of the phase, in its first cycle, unless one of the following holds.
    pulse, width : In
        A pulse of ``width`` cycles, which have not changed since the cycle before its first one.
    wait, cycles : In
        A waiting time of ``cycles`` cycles, which have not changed since the cycle before its first one.
    first, last : Out(1)
        First and last cycle of the phase.
    next : Out
        One more than the number of this cycle, counted from 1.
    """

    restart: In(1)
    duration: In(Duration)
    pulse: In(1)
    width: In(WIDTH_BITS)
    wait: In(1)
    cycles: In(WIDTH_BITS)
    first: Out(1, init=1)
    last: Out(1)
    next: Out(WIDTH_BITS, init=2)

    def elaborate(self, platform) -> Module:
        m = Module()
        single_width, single_wait = Signal(), Signal()
        cycles = Signal.like(self.duration.cycles)  # of the phase, from its second cycle on
        ends = Signal()  # with the next cycle
        announced = Signal()  # this cycle is the last, unless it is the first as well
        single = Mux(self.pulse, single_width, Mux(self.wait, single_wait, self.duration.single))
        with m.If(self.pulse):
            m.d.comb += ends.eq(self.next == self.width)
        with m.Elif(self.wait):
            m.d.comb += ends.eq(self.next == self.cycles)
        with m.Else():
            m.d.comb += ends.eq(Mux(self.first, self.duration.double, self.next[: len(cycles)] == cycles))
        with m.If(self.first):
            m.d.sync += cycles.eq(self.duration.cycles)
        m.d.comb += self.last.eq(Mux(self.first, single, announced))
        m.d.sync += [
            single_width.eq(self.width == 1),
            single_wait.eq(self.cycles == 1),
            announced.eq(ends),
            self.first.eq(self.restart),
            self.next.eq(self.next + 1),
        ]
        with m.If(self.restart):
            m.d.sync += self.next.eq(2)
        return m
