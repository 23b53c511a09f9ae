"""Routes command beats to the queues of the tiles."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import TILE_BITS, Command
from twinbar.hw.protocol.vocabulary import Opcode

from ..controller_config import ControllerConfig
from .router import Router


class Dispatcher(wiring.Component):
    """Routes command beats to the queues of the tiles; SAFE goes to all of them.

    Where beats can be for several tiles, the reserved bits of a beat say so (`twinbar.hw.protocol.layouts.Routing`).

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    i : In(stream(Command))
    groups : In array, one per tile
        Registers INPUT_GROUP, where there are shared inputs.
    o : Out(stream(Command)) array, one per tile
    transfers : Out(stream)
        Which tiles take part in a transfer that is accepted, where there are chains.
    accepted : Out(1)
        A beat is accepted in this cycle.
    safe : Out(1)
        A SAFE is presented in this cycle, for the first time.
    abort : Out(tiles)
        An ABORT for the tile is presented in this cycle, for the first time.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.tiles = tiles = config.tiles
        super().__init__(
            {
                **({"groups": In(TILE_BITS).array(tiles)} if config.shared_inputs else {}),
                "i": In(stream.Signature(Command)),
                "o": Out(stream.Signature(Command)).array(tiles),
                **({"transfers": Out(stream.Signature(unsigned(tiles)))} if config.chain else {}),
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
        if self.config.routes:
            self._route(m, to_all, to, ready, waiting)
        else:
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

    def _route(self, m: Module, to_all: Signal, to: Signal, ready: Signal, waiting: Signal) -> None:
        """Offer the beat to all the tiles that it is for at once, when their queues are ready."""
        m.submodules.router = router = Router(self.config)
        receivers = Signal(self.tiles)
        m.d.comb += [
            router.command.eq(self.i.payload),
            router.waiting.eq(waiting),
            # A single tile takes every beat, even those for tiles that do not exist.
            receivers.eq(Mux(to_all, ~0, Mux(router.several, router.to, to)) if self.tiles > 1 else 1),
            self.i.ready.eq((ready | ~receivers).all()),
        ]
        if self.config.chain:
            # The queue of a single tile keeps transfers in order.
            waits = router.transfer & ~self.transfers.ready if self.tiles > 1 else 0
            m.d.comb += [
                self.i.ready.eq((ready | ~receivers).all() & ~waits),
                self.transfers.valid.eq(self.i.valid & self.i.ready & router.transfer),
                self.transfers.payload.eq(receivers),
            ]
        if self.config.shared_inputs:
            m.d.comb += [mine.eq(group) for mine, group in zip(router.groups, self.groups, strict=True)]
        for tile, o in enumerate(self.o):
            told = Cat(router.copy[tile], router.stray, router.last[tile]) & router.several.replicate(3)
            m.d.comb += [
                o.payload.eq(self.i.payload),
                o.payload.reserved.eq(told),
                o.valid.eq(self.i.valid & receivers[tile] & self.i.ready),
            ]
