"""A FIFO between two streams, in block RAM."""

from amaranth import Module, Mux, Shape, Signal, Value
from amaranth.hdl import ShapeLike
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.memory import BLOCK_RAM


class Queue(wiring.Component):
    """Holds ``depth`` beats, and one more in its output register.

    A beat that goes in can come out in the second cycle after. (The FIFO of the standard library costs a word of
    flip-flops for reading an address while it is written, which never happens here.)

    Attributes
    ----------
    i : In(stream)
    o : Out(stream)
    """

    def __init__(self, shape: ShapeLike, depth: int) -> None:
        self._width = Shape.cast(shape).width
        self._depth = depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self._depth
        m.submodules.memory = memory = Memory(shape=self._width, depth=depth, init=[], attrs=BLOCK_RAM)
        write, read = memory.write_port(), memory.read_port()
        stored = Signal(range(depth + 1))
        put, get = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(stored != depth),
            put.eq(self.i.valid & self.i.ready),
            get.eq((stored != 0) & (~self.o.valid | self.o.ready)),
            write.en.eq(put),
            write.data.eq(self.i.payload),
            read.en.eq(get),
            Value.cast(self.o.payload).eq(read.data),
        ]
        m.d.sync += [self.o.valid.eq(get | (self.o.valid & ~self.o.ready)), stored.eq(stored + put - get)]
        for port, moves in ((write, put), (read, get)):
            at = Signal.like(port.addr)
            m.d.comb += port.addr.eq(at)
            with m.If(moves):
                m.d.sync += at.eq(Mux(at == depth - 1, 0, at + 1))
        return m
