"""A link between two tiles of a cascade."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.timing import LINK_DEPTH, LINK_LATENCY

assert (LINK_DEPTH, LINK_LATENCY) == (2, 1)  # two registers, the first of which is the output


class SumLink(wiring.Component):
    """Holds two partial sums in registers: what it says of itself depends on nothing that happens in the cycle.

    Parameters
    ----------
    shape : shape-like
        A partial sum.

    Members
    -------
    i : In(stream)
    o : Out(stream)
    clear : In(1)
        It is empty from the next cycle on.

    Attributes
    ----------
    front, back, level : Signal
        The sums, and how many they are: the proof looks at them.
    """

    def __init__(self, shape) -> None:
        self.shape = shape
        self.front, self.back = Signal(shape), Signal(shape)
        self.level = Signal(range(LINK_DEPTH + 1))
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape)), "clear": In(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        front, back, level = self.front, self.back, self.level
        put, take = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(level != LINK_DEPTH),
            self.o.valid.eq(level != 0),
            self.o.payload.eq(front),
            put.eq(self.i.valid & self.i.ready),
            take.eq(self.o.valid & self.o.ready),
        ]
        m.d.sync += level.eq(Mux(self.clear, 0, level + put - take))
        with m.If(take & (level == LINK_DEPTH)):
            m.d.sync += front.eq(back)
        with m.Elif(put & (take | (level == 0))):
            m.d.sync += front.eq(self.i.payload)
        with m.If(put & ~take & (level == 1)):
            m.d.sync += back.eq(self.i.payload)
        return m
