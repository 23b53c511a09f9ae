"""A queue of beats in block RAM."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.timing import QUEUE_LATENCY

from ..block_ram import block_ram


class Queue(wiring.Component):
    """First in, first out, in block RAM.

    A beat accepted in cycle x can be taken from x + ``Queue.cycles()`` on; room made in x can be used from x + 1 on.

    Parameters
    ----------
    shape : shape-like
        Payload.
    depth : int
        Beats that were accepted and not yet taken, at most.

    Members
    -------
    i : In(stream)
    o : Out(stream)
    empty : Out(1)
        It holds no beat.

    Attributes
    ----------
    produce, consume, level : Signal
        Places that are written and read next, and how many beats there are: the proof looks at them.
    """

    def __init__(self, shape, depth: int) -> None:
        self.depth = depth
        self.shape = shape
        self.produce = Signal(range(depth))
        self.consume = Signal(range(depth))
        self.level = Signal(range(depth + 1))
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape)), "empty": Out(1)})

    @staticmethod
    def cycles() -> int:
        """Return the cycles from a beat's acceptance to the first in which it can be taken: write, read."""
        return QUEUE_LATENCY

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.storage = storage = block_ram(shape=self.shape, depth=self.depth)
        write, read = storage.write_port(), storage.read_port()
        produce, consume, level = self.produce, self.consume, self.level
        put, take = Signal(), Signal()

        def after(pointer):
            if self.depth & (self.depth - 1) == 0:
                return (pointer + 1)[: len(pointer)]
            wrapped = Signal.like(pointer)
            m.d.comb += wrapped.eq(pointer + 1)
            with m.If(pointer == self.depth - 1):
                m.d.comb += wrapped.eq(0)
            return wrapped

        m.d.comb += [
            # If the depth is a power of two, only a full queue sets the highest bit of the level.
            self.i.ready.eq(level != self.depth if self.depth & (self.depth - 1) else ~level[-1]),
            self.empty.eq(level == 0),
            put.eq(self.i.valid & self.i.ready),
            take.eq(self.o.valid & self.o.ready),
            write.addr.eq(produce),
            write.data.eq(self.i.payload),
            write.en.eq(put),
            read.addr.eq(consume),
            read.en.eq(1),
            self.o.payload.eq(read.data),
        ]
        with m.If(put):
            m.d.sync += produce.eq(after(produce))
        with m.If(take):
            m.d.comb += read.addr.eq(after(consume))
            m.d.sync += consume.eq(after(consume))
        m.d.sync += level.eq(level + put - take)
        # The beat that is read now was in the memory at the start of this cycle; one that is being written is not.
        m.d.sync += self.o.valid.eq((level > 1) | ((level == 1) & ~take))
        return m
