"""Merges the responses of the tiles."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import Response


class Arbiter(wiring.Component):
    """Merges the responses of the tiles, round robin: first in cyclic order after the tile that was served last.

    Parameters
    ----------
    tiles : int

    Members
    -------
    i : In(stream(Response)) array, one per tile
    o : Out(stream(Response))

    Attributes
    ----------
    last : Signal
        The tile that was served last: the proof looks at it.
    """

    def __init__(self, tiles: int) -> None:
        self.tiles = tiles
        self.last = Signal(range(tiles), init=tiles - 1)
        super().__init__(
            {"i": In(stream.Signature(Response)).array(tiles), "o": Out(stream.Signature(Response))},
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        last = self.last
        chosen = Signal.like(last, name="chosen", init=0)
        offers = Array(i.valid for i in self.i)
        # Later assignments win: first the lowest tile that offers, then the lowest one behind the tile served last.
        for tile in reversed(range(self.tiles)):
            with m.If(offers[tile]):
                m.d.comb += chosen.eq(tile)
        for tile in reversed(range(1, self.tiles)):
            with m.If(offers[tile] & (last < tile)):
                m.d.comb += chosen.eq(tile)
        for tile, i in enumerate(self.i):
            with m.If(chosen == tile):
                m.d.comb += [self.o.payload.eq(i.payload), self.o.valid.eq(i.valid), i.ready.eq(self.o.ready)]
        # A stream must not change a beat that waits. Here it may: the queue behind takes a beat at once or has no room.
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += last.eq(chosen)
        return m
