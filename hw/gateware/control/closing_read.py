"""The conversion behind a write by comparisons, which gives the code that they do not."""

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class ClosingRead(wiring.Component):
    """Says whether a command compares, and whether a read by conversions follows its last decision.

    Members
    -------
    start : In(1)
        A command may start with the next cycle.
    compares : In(1)
        The command is one that compares, as the register `WRITE_TABLE` says.
    writes, wanted : In(1)
        It is a write, whose argument ``code`` is set.
    deciding : In(1)
    missed, more : In(1)
        In DECIDE: the cell was compared, and is not in its window; pulses are left.
    ended : In(1)
        In the last cycle of a pulse: the write ends behind it.
    halt : In(1)
    comparing : Out(1)
        Cells are compared, not converted; from the second cycle of the command on.
    follows : Out(1)
        In DECIDE, or with ``ended``: the read follows, unless halted.
    reads : Out(1)
        It takes place.
    has_failed : Out(1)
        The write has, that it belongs to.
    """

    start: In(1)
    compares: In(1)
    writes: In(1)
    wanted: In(1)
    deciding: In(1)
    missed: In(1)
    more: In(1)
    ended: In(1)
    halt: In(1)
    comparing: Out(1)
    follows: Out(1)
    reads: Out(1)
    has_failed: Out(1)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.d.comb += [
            self.follows.eq(
                self.comparing
                & self.writes
                & (self.deciding & Mux(self.missed, ~self.more, self.wanted) | self.ended & self.wanted)
            ),
        ]
        m.d.sync += self.comparing.eq(self.compares & ~self.reads)
        with m.If(self.follows & ~self.halt):
            m.d.sync += [self.reads.eq(1), self.has_failed.eq(self.deciding & self.missed), self.comparing.eq(0)]
        with m.If(self.start):
            m.d.sync += [self.reads.eq(0), self.has_failed.eq(0), self.comparing.eq(0)]
        return m
