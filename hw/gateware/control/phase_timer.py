"""Counts the cycles of phases whose length is known."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import WIDTH_BITS

from .duration_memory import Duration


class ClockSignature(wiring.Signature):
    """The cycle of a phase, for the sequencer.

    Members
    -------
    restart : Out(1)
        A phase begins in the next cycle.
    first, last : In(1)
        First and last cycle of the phase.
    next : In
        One more than the number of this cycle, counted from 1.
    """

    def __init__(self) -> None:
        super().__init__(
            {"restart": Out(1), "first": In(1, init=1), "last": In(1), "next": In(WIDTH_BITS, init=2)},
        )


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
    """

    clock: In(ClockSignature())
    duration: In(Duration)
    pulse: In(1)
    width: In(WIDTH_BITS)
    wait: In(1)
    wait_cycles: In(WIDTH_BITS)

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
            m.d.comb += ends.eq(clock.next == self.width)
        with m.Elif(self.wait):
            m.d.comb += ends.eq(clock.next == self.wait_cycles)
        with m.Else():
            m.d.comb += ends.eq(Mux(clock.first, self.duration.double, clock.next[: len(cycles)] == cycles))
        with m.If(clock.first):
            m.d.sync += cycles.eq(self.duration.cycles)
        m.d.comb += clock.last.eq(Mux(clock.first, single, announced))
        m.d.sync += [
            single_width.eq(self.width == 1),
            single_wait.eq(self.wait_cycles == 1),
            announced.eq(ends),
            clock.first.eq(clock.restart),
            clock.next.eq(clock.next + 1),
        ]
        with m.If(clock.restart):
            m.d.sync += clock.next.eq(2)
        return m
