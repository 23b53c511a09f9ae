"""A link between two tiles of a cascade: no partial sum is lost, doubled, overtaken, or left when a cascade starts."""

from typing import Any

from amaranth.hdl import Assert, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.streams.sum_link import SumLink
from twinbar.hw.timing import LINK_DEPTH

SUM_BITS = 4
"""Bits of the sums of the proof: what they are does not matter to a link."""


class LinkProof(wiring.Component):
    """Follows any one of the sums that are handed over, from its handover until it is taken, or cleared away."""

    def __init__(self) -> None:
        super().__init__(
            {"valid": In(1), "payload": In(SUM_BITS), "ready": In(1), "clear": In(1), "follow": In(1)},
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.link = link = SumLink(SUM_BITS)
        put, take = link.i.valid & link.i.ready, link.o.valid & link.o.ready
        m.d.comb += [
            link.i.valid.eq(self.valid),
            link.i.payload.eq(self.payload),
            link.o.ready.eq(self.ready),
            link.clear.eq(self.clear),
        ]
        # How many there are, from the handovers alone.
        held = Signal(range(LINK_DEPTH + 2))
        m.d.sync += held.eq(Mux(self.clear, 0, held + put - take))
        m.d.comb += [
            Assert(held <= LINK_DEPTH, "no more sums than there is room for"),
            Assert(link.i.ready == (held < LINK_DEPTH), "room is offered where there is some"),
            Assert(link.o.valid == (held != 0), "a sum is offered while there is one"),
        ]
        # The one that is followed, and how many are taken before it.
        following, followed, ahead = Signal(), Signal(SUM_BITS), Signal(range(LINK_DEPTH))
        with m.If(~following & put & self.follow):
            m.d.sync += [following.eq(1), followed.eq(self.payload), ahead.eq(held - take)]
        with m.If(following & take):
            m.d.sync += [following.eq(ahead != 0), ahead.eq(ahead - 1)]
        with m.If(self.clear):
            m.d.sync += following.eq(0)
        with m.If(following):
            m.d.comb += [
                Assert(ahead < held, "no sum is lost"),
                Assert(Mux(ahead == 0, link.front, link.back) == followed),
            ]
            with m.If(ahead == 0):
                m.d.comb += Assert(
                    link.o.valid & (link.o.payload == followed), "sums come out as they went in, in their order"
                )
        m.d.comb += Assert(link.level == held)
        # After a start, nothing is there that was handed over before.
        cleared = Signal()
        m.d.sync += cleared.eq(self.clear)
        with m.If(cleared):
            m.d.comb += Assert(~link.o.valid, "nothing is left when a cascade starts")
        m.d.comb += [Cover(take & (held == LINK_DEPTH)), Cover(cleared & put)]
        return m
