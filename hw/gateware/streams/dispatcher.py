"""Routes command beats to the queues of the tiles."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import Command
from twinbar.hw.protocol.vocabulary import Opcode


class Dispatcher(wiring.Component):
    """Routes command beats to the queues of the tiles; SAFE goes to all of them.

    Parameters
    ----------
    tiles : int

    Members
    -------
    i : In(stream(Command))
    o : Out(stream(Command)) array, one per tile
    accepted : Out(1)
        A beat is accepted in this cycle.
    safe : Out(1)
        A SAFE is presented in this cycle, for the first time.
    abort : Out(tiles)
        An ABORT for the tile is presented in this cycle, for the first time.
    """

    def __init__(self, tiles: int) -> None:
        self.tiles = tiles
        super().__init__(
            {
                "i": In(stream.Signature(Command)),
                "o": Out(stream.Signature(Command)).array(tiles),
                "accepted": Out(1),
                "safe": Out(1),
                "abort": Out(tiles),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        to_all = Signal()
        to = Signal(self.tiles)
        ready = Signal(self.tiles)
        waiting = Signal()
        command = self.i.payload
        m.d.comb += [
            to_all.eq(command.opcode == Opcode.SAFE),
            to.eq(1),  # A tile that does not exist: tile 0 refuses the beat.
            ready.eq(Cat(o.ready for o in self.o)),
            self.accepted.eq(self.i.valid & self.i.ready),
        ]
        for tile in range(1, self.tiles):
            with m.If(command.tile == tile):
                m.d.comb += to.eq(1 << tile)
        m.d.comb += self.i.ready.eq(to_all & ready.all() | ~to_all & (ready & to).any())
        for tile, o in enumerate(self.o):
            m.d.comb += [
                o.payload.eq(command),
                o.valid.eq(self.i.valid & (to_all & ready.all() | ~to_all & to[tile])),
            ]
        m.d.sync += waiting.eq(self.i.valid & ~self.i.ready)
        presented = self.i.valid & ~waiting
        m.d.comb += self.safe.eq(presented & to_all)
        for tile in range(self.tiles):
            aborted = (command.opcode == Opcode.ABORT) & (command.tile == tile)
            m.d.comb += self.abort[tile].eq(presented & aborted)
        return m
