"""Collector: one response stream from many, round robin."""

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.responses import Response


class Collector(wiring.Component):
    """Takes one response per cycle: the turn goes up from the source that was last served, and begins at the lowest.

    Parameters
    ----------
    sources : int

    Attributes
    ----------
    i : In(stream).array(sources)
    o : Out(stream)
    """

    def __init__(self, sources: int) -> None:
        self._sources = sources
        super().__init__({"i": In(stream.Signature(Response)).array(sources), "o": Out(stream.Signature(Response))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        last = Signal(range(self._sources), init=self._sources - 1)
        turn = Signal.like(last, init=0)
        chosen = Signal.like(last, init=0)
        # A response that has been offered is not exchanged for another before it is taken.
        held = Signal()
        offered = Signal.like(last, init=0)
        for number in reversed(range(self._sources)):
            with m.If(self.i[number].valid):
                m.d.comb += turn.eq(number)
        for number in reversed(range(self._sources)):
            with m.If(self.i[number].valid & (number > last)):
                m.d.comb += turn.eq(number)
        m.d.comb += chosen.eq(Mux(held, offered, turn))
        with m.Switch(chosen):
            for number, source in enumerate(self.i):
                with m.Case(number):
                    m.d.comb += [
                        self.o.valid.eq(source.valid),
                        self.o.payload.eq(source.payload),
                        source.ready.eq(self.o.ready),
                    ]
        m.d.sync += [held.eq(self.o.valid & ~self.o.ready), offered.eq(chosen)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += last.eq(chosen)
        return m
