"""Starts transfers: in the order in which they were accepted, when all tiles that take part can begin."""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..controller_config import ControllerConfig
from .stream_queue import Queue


class TransferSignature(wiring.Signature):
    """What a tile tells of a transfer, and is told.

    Members
    -------
    offers : Out(1)
        A transfer is at the front of the queue, and the tile could begin it in the next cycle.
    refuses : Out(1)
        It would refuse it.
    busy : Out(1)
        One runs, and does not end with this cycle.
    permits : In(1)
        It is the oldest, none runs, and all others that take part offer it. A tile that offers it, too, takes it from
        its queue in this cycle; what it offers itself is known late, and not waited for. A tile alone always may.
    refused : In(1)
        One of them refuses it.
    """

    def __init__(self) -> None:
        super().__init__(
            {"offers": Out(1), "refuses": Out(1), "busy": Out(1), "permits": In(1), "refused": In(1)},
        )


class TransferStart(wiring.Component):
    """Starts the oldest transfer when all its tiles offer one: theirs is the same, for beats come in one order.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    i : In(stream)
        Which tiles take part in a transfer that is accepted.
    tiles : In(TransferSignature) array
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(config.tiles))),
                "tiles": In(TransferSignature()).array(config.tiles),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        if self.config.tiles == 1:
            # The transfer at the front of its own queue is the oldest, and no other tile takes part in it.
            tile = self.tiles[0]
            m.d.comb += [self.i.ready.eq(1), tile.permits.eq(1), tile.refused.eq(tile.refuses)]
            return m
        m.submodules.queue = queue = Queue(unsigned(self.config.tiles), self.config.command_depth)
        connect(m, flipped(self.i), queue.i)
        offers, refuses, busy = (
            Cat(getattr(tile, name) for tile in self.tiles) for name in ("offers", "refuses", "busy")
        )
        free, refused, taking_part = Signal(), Signal(), queue.o.payload
        agree = offers | ~taking_part
        m.d.comb += [
            free.eq(queue.o.valid & ~busy.any()),
            refused.eq((refuses & taking_part).any()),
            queue.o.ready.eq(free & agree.all()),
        ]
        for number, tile in enumerate(self.tiles):
            others = (agree | (1 << number)).all()
            m.d.comb += [tile.permits.eq(free & taking_part[number] & others), tile.refused.eq(refused)]
        return m
