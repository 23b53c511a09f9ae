"""Queues, arbiter and dispatcher: no beat is lost, doubled, changed or overtaken, and none waits for ever."""

from typing import Any

from amaranth.hdl import Array, Assert, Assume, Cat, Cover, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.streams.arbiter import Arbiter
from twinbar.hw.gateware.streams.dispatcher import Dispatcher
from twinbar.hw.gateware.streams.stream_queue import Queue
from twinbar.hw.protocol.layouts import TILE_BITS, Command
from twinbar.hw.protocol.vocabulary import Opcode

from .symbols import opened

BEAT_BITS = 4
"""Bits of the beats of a queue's proof: what they are does not matter to it."""


class QueueProof(wiring.Component):
    """Follows any one of the beats that are accepted, from its acceptance until it is taken.

    Parameters
    ----------
    depth : int
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        super().__init__({"valid": In(1), "payload": In(BEAT_BITS), "ready": In(1), "follow": In(1)})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        depth, queue = self._depth, Queue(BEAT_BITS, self._depth)
        m.submodules.queue = inside = opened(queue, platform)
        words = inside.submodules.storage.read_port(domain="comb")
        put, take = queue.i.valid & queue.i.ready, queue.o.valid & queue.o.ready
        m.d.comb += [
            queue.i.valid.eq(self.valid),
            queue.i.payload.eq(self.payload),
            queue.o.ready.eq(self.ready),
        ]
        # From the acceptances alone: how many beats there are, and which places are written and read next.
        held = Signal(range(depth + 2))
        writes, reads = Signal(range(depth)), Signal(range(depth))
        m.d.sync += held.eq(held + put - take)
        for place, moves in ((writes, put), (reads, take)):
            with m.If(moves):
                m.d.sync += place.eq(Mux(place == depth - 1, 0, place + 1))
        distance = Signal(range(2 * depth))
        m.d.comb += [
            distance.eq(Mux(writes >= reads, writes - reads, writes + depth - reads)),
            Assert((writes < depth) & (reads < depth)),
            Assert(distance == Mux(held == depth, 0, held)),
            Assert(held <= depth, "no more beats than there is room for"),
            Assert(queue.i.ready == (held < depth), "room is offered where there is some"),
            Assert(queue.empty == (held == 0), "it says when it is empty"),
            Assert(~queue.o.valid | (held != 0), "no beat is offered that was not accepted"),
            Assert((queue.level == held) & (queue.produce == writes) & (queue.consume == reads)),
        ]
        # The one that is followed, and where it lies.
        following, followed, place, ahead = Signal(), Signal(BEAT_BITS), Signal(range(depth)), Signal(range(depth + 1))
        with m.If(~following & put & self.follow):
            m.d.sync += [following.eq(1), followed.eq(self.payload), place.eq(writes), ahead.eq(held - take)]
        with m.If(following & take):
            m.d.sync += [following.eq(ahead != 0), ahead.eq(ahead - 1)]
        m.d.comb += words.addr.eq(place)
        after = Signal(range(2 * depth))
        m.d.comb += after.eq(Mux(place >= reads, place - reads, place + depth - reads))
        with m.If(following):
            m.d.comb += [
                Assert(ahead < held, "no beat is lost"),
                Assert(words.data == followed),
                Assert((place < depth) & (after == ahead)),
            ]
            with m.If((ahead == 0) & queue.o.valid):
                m.d.comb += Assert(queue.o.payload == followed, "beats come out as they went in, in their order")
        # What is offered stays, and what is there is offered in time.
        waits, payload, waited = Signal(), Signal(BEAT_BITS), Signal(range(Queue.cycles() + 1))
        m.d.sync += [waits.eq(queue.o.valid & ~queue.o.ready), payload.eq(queue.o.payload)]
        with m.If(waits):
            m.d.comb += Assert(queue.o.valid & (queue.o.payload == payload), "a beat is offered until it is taken")
        m.d.sync += waited.eq(Mux((held == 0) | queue.o.valid, 0, waited + 1))
        m.d.comb += [
            Assert((held == 0) | queue.o.valid | (waited + 1 < Queue.cycles()), "a beat can be taken in time"),
            Cover((held == depth) & take),
            Cover((held == 0) & ~following & followed.any()),
        ]
        return m


class ArbiterProof(wiring.Component):
    """Tiles that offer any responses, in front of the response queue.

    Parameters
    ----------
    tiles : int
    """

    def __init__(self, tiles: int) -> None:
        self._tiles = tiles
        super().__init__(
            {"i": In(1).array(tiles), "sums": In(8).array(tiles), "ready": In(1), "mine": In(range(tiles))}
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        tiles = self._tiles
        m.submodules.arbiter = arbiter = Arbiter(tiles)
        o = arbiter.o
        body = Array(Signal(8, name=f"body_{tile}") for tile in range(tiles))
        taken = Cat(i.valid & i.ready for i in arbiter.i)
        for tile, i in enumerate(arbiter.i):
            m.d.comb += [
                i.valid.eq(self.i[tile]),
                body[tile].eq(self.sums[tile]),
                i.payload.as_value().eq(self.sums[tile]),
            ]
            # A tile offers until its response is taken (`AnswerProperties`).
            waited = Signal(name=f"waited_{tile}")
            m.d.sync += waited.eq(i.valid & ~i.ready)
            m.d.comb += Assume(~waited | i.valid)
        m.d.comb += o.ready.eq(self.ready)
        with m.If(o.valid & o.ready):
            served = Signal(range(tiles + 1))
            m.d.comb += [served.eq(sum(taken)), Assert(served == 1, "one tile at a time is served")]
        with m.Else():
            m.d.comb += Assert(taken == 0, "nothing is taken that is not passed on")
        m.d.comb += Assert(
            o.valid == Cat(i.valid for i in arbiter.i).any(), "a response is offered while a tile offers one"
        )
        for tile in range(tiles):
            with m.If(taken[tile]):
                m.d.comb += Assert(o.payload.as_value()[:8] == body[tile], "what is passed on is what was offered")
        # Others that are served while any one tile waits.
        which, others, started = Signal(range(tiles)), Signal(range(tiles + 1)), Signal()
        m.d.sync += [which.eq(self.mine), started.eq(1)]
        offers = Array(i.valid for i in arbiter.i)[self.mine]
        served_mine = Array(taken)[self.mine]
        with m.If(~offers | served_mine):
            m.d.sync += others.eq(0)
        with m.Elif(o.valid & o.ready):
            m.d.sync += others.eq(others + 1)
        behind = Signal(range(tiles))
        m.d.comb += [
            Assume(self.mine < tiles),
            Assume(~started | (self.mine == which)),
            # In cyclic order behind the last one that was served, only those in between come first.
            behind.eq(
                Mux(self.mine > arbiter.last, self.mine - arbiter.last - 1, self.mine + tiles - 1 - arbiter.last)
            ),
            Assert(arbiter.last < tiles),
            Assert((others == 0) | ~offers | (others + behind < tiles)),
            Assert(others < tiles, "a tile waits for every other one once at most"),
            Cover(others == tiles - 1),
            Cover(served_mine & (others == tiles - 1)),
        ]
        return m


class DispatcherProof(wiring.Component):
    """Any beats, and queues that have room or not.

    Parameters
    ----------
    config : ControllerConfig
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        groups = {"groups": In(TILE_BITS).array(config.tiles)} if config.shared_inputs else {}
        super().__init__({"command": In(Command), "valid": In(1), "ready": In(config.tiles), **groups})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        config = self._config
        m.submodules.dispatcher = dispatcher = Dispatcher(config)
        i = dispatcher.i
        m.d.comb += [i.payload.eq(self.command), i.valid.eq(self.valid)]
        for tile, o in enumerate(dispatcher.o):
            m.d.comb += o.ready.eq(self.ready[tile])
        if config.shared_inputs:
            for tile in range(config.tiles):
                m.d.comb += dispatcher.groups[tile].eq(self.groups[tile])
        # The sender offers a beat until it is taken.
        waited, beat = Signal(), Signal(len(i.payload.as_value()))
        m.d.sync += [waited.eq(i.valid & ~i.ready), beat.eq(i.payload.as_value())]
        m.d.comb += Assume(~waited | i.valid & (i.payload.as_value() == beat))

        given = Cat(o.valid & o.ready for o in dispatcher.o)
        opcode = self.command.opcode
        to_all, addressed = opcode == Opcode.SAFE, Signal(config.tiles)
        m.d.comb += addressed.eq(1)
        for tile in range(1, config.tiles):
            with m.If(self.command.tile == tile):
                m.d.comb += addressed.eq(1 << tile)
        fields = [name for name, _ in data.Layout.cast(Command) if name != "reserved"]
        with m.If(i.valid & i.ready):
            m.d.comb += Assert(given.any(), "no beat is lost")
        with m.Else():
            m.d.comb += Assert(given == 0, "no beat is given before it is accepted, so none is given twice")
        for o in dispatcher.o:
            with m.If(o.valid & o.ready):
                sent, came = (Cat(Value.cast(beat[name]) for name in fields) for beat in (o.payload, i.payload))
                m.d.comb += Assert(sent == came, "no beat is changed")
        several = Signal()
        if config.routes:
            body = self.command.body
            shared = (opcode == Opcode.LOAD) & body.input.shared if config.shared_inputs else 0
            joint = (opcode == Opcode.MULTIPLY) & (body.product.members > 1) if config.cascade else 0
            m.d.comb += several.eq(shared | joint)
        with m.If(i.valid & i.ready):
            with m.If(to_all):
                m.d.comb += Assert(given.all(), "SAFE reaches every tile")
            with m.Elif(~several):
                m.d.comb += Assert(given == addressed, "a beat reaches the tile that it names, or tile 0")
        m.d.comb += [
            Assert(~(i.valid & self.ready.all()) | i.ready, "a beat waits for room only"),
            Assert(dispatcher.accepted == (i.valid & i.ready), "an accepted beat is told to the watchdogs"),
        ]
        # A halt is told once, in the first cycle in which its beat is presented, whether there is room or not.
        first = i.valid & ~waited
        aborts = Mux(opcode == Opcode.ABORT, Cat(self.command.tile == tile for tile in range(config.tiles)), 0)
        m.d.comb += [
            Assert(dispatcher.safe == (first & to_all), "SAFE halts at once, and once"),
            Assert(dispatcher.abort == Mux(first, aborts, 0), "ABORT halts its tile at once, and once"),
            Cover(waited & i.ready & to_all),
            Cover(i.valid & i.ready & (given != addressed) & ~to_all if config.routes else i.valid & waited & i.ready),
        ]
        return m
