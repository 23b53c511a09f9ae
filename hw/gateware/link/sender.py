"""Sends frames from a ring, keeps them until the host has them, and sends them again if it asks."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Sender(wiring.Component):
    """Sends what lies in the ring, byte by byte, and frees it frame by frame.

    Frames end with a zero in the ring, as on the line, so that no other note of their places is needed: to free a frame
    is to read until the next zero.

    Parameters
    ----------
    depth : int
        Bytes of the ring, a power of two.

    Members
    -------
    end : In
        First byte behind the finished frames.
    acknowledged : In(8)
        Number of the first frame that the host does not have.
    again : In(1)
        Send again what is not acknowledged; for one cycle.
    address : Out
        Read port of the ring.
    stored : In(8)
        The byte at ``address`` in the cycle before.
    o : Out(stream(8))
    kept : Out
        First byte that may have to be sent again.
    idle : Out(1)
        Everything has been sent.
    nothing : Out(1)
        There is nothing to send again, as was asked; for one cycle.
    """

    def __init__(self, depth: int) -> None:
        address = range(depth)
        super().__init__(
            {
                "end": In(address),
                "acknowledged": In(8),
                "again": In(1),
                "address": Out(address),
                "stored": In(8),
                "o": Out(stream.Signature(8)),
                # In front of the first frame is a delimiter, which belongs to none.
                "kept": Out(address, init=1),
                "idle": Out(1),
                "nothing": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        position = Signal.like(self.address, init=0)
        inside = Signal()  # a frame is partly sent
        sending, freeing, asked, rewound = Signal(), Signal(), Signal(), Signal()
        first_kept = Signal(8)  # number of the frame at `kept`
        behind = first_kept != self.acknowledged
        m.d.comb += [
            self.idle.eq(position == self.end),
            self.o.valid.eq(sending),
            self.o.payload.eq(self.stored),
            self.address.eq(position),
        ]
        m.d.comb += self.nothing.eq(rewound & self.idle)
        m.d.sync += rewound.eq(0)
        with m.If(self.again):
            m.d.sync += asked.eq(1)
        # A byte is read in one cycle, and used in the next one.
        with m.If(sending):
            m.d.sync += [sending.eq(0), position.eq(position + 1), inside.eq(self.stored != 0)]
        with m.Elif(freeing):
            m.d.sync += [freeing.eq(0), self.kept.eq(self.kept + 1)]
            with m.If(self.stored == 0):
                m.d.sync += first_kept.eq(first_kept + 1)
            # A frame that is to be sent again and has come in the meantime is passed over.
            with m.If(position == self.kept):
                m.d.sync += position.eq(position + 1)
        with m.Elif(asked & ~inside & ~behind):
            m.d.sync += [asked.eq(self.again), position.eq(self.kept), rewound.eq(1)]
        with m.Elif(~self.idle & self.o.ready & ~(behind & ~inside & (position == self.kept))):
            m.d.sync += sending.eq(1)
        with m.Elif(behind & ~(inside & (position == self.kept))):
            m.d.comb += self.address.eq(self.kept)
            m.d.sync += freeing.eq(1)
        return m
