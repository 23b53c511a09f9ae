"""The netlists of a controller, in two forms.

flat
    One module that holds everything.
composed
    One *unit* (a tile with its command queue and front end), compiled once and instantiated for every tile, and one
    *hub* (dispatcher, arbiter, response queue). ``composed.h`` connects them cycle by cycle.
"""

from amaranth import Module, Signal
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.gateware.arbiter import Arbiter
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.direct import DirectFrontEnd
from twinbar.hw.gateware.dispatcher import Dispatcher
from twinbar.hw.gateware.front_end import DirectPinsSignature
from twinbar.hw.gateware.stream_queue import Queue
from twinbar.hw.gateware.tile import Tile
from twinbar.hw.protocol.layouts import TILE_BITS, Command, Response
from twinbar.hw.timing import PHASES, Phase


class Unit(wiring.Component):
    """A tile with its command queue and front end: what is compiled once for any number of tiles.

    Members
    -------
    works : Out(1)
        The queue holds a beat, or the tile is not idle.

    The others are those of `Tile` and of its front end.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "index": In(TILE_BITS),
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "accepted": In(1),
                "safe": In(1),
                "abort": In(1),
                "stop": In(1),
                "pins": Out(DirectPinsSignature(config)),
                "phase": Out(range(len(PHASES))),
                "works": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Connect queue, tile and front end, as `Controller` does."""
        m = Module()
        m.submodules.command_queue = queue = Queue(Command, self._config.command_depth)
        m.submodules.tile = tile = Tile(self._config)
        m.submodules.front_end = front_end = DirectFrontEnd(self._config)
        connect(m, flipped(self.commands), queue.i)
        connect(m, queue.o, tile.commands)
        connect(m, tile.responses, flipped(self.responses))
        connect(m, tile.front, front_end.tile)
        connect(m, front_end.pins, flipped(self.pins))
        m.d.comb += [
            tile.index.eq(self.index),
            tile.accepted.eq(self.accepted),
            tile.safe.eq(self.safe),
            tile.abort.eq(self.abort),
            tile.stop.eq(self.stop),
            self.phase.eq(tile.phase),
            self.works.eq(~queue.empty | (tile.phase != Phase.IDLE)),
        ]
        return m


class Hub(wiring.Component):
    """Everything of a controller but its units.

    Members
    -------
    commands, responses, stop
        As of `Controller`.
    to_tile, from_tile : stream arrays
        Of the units.
    accepted, safe, stopped : Out(1)
        For all units; ``stopped`` is the synchronised stop input.
    abort : Out(tiles)
    queued : Out(1)
        The response queue holds a beat.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "stop": In(1),
                "to_tile": Out(stream.Signature(Command)).array(config.tiles),
                "from_tile": In(stream.Signature(Response)).array(config.tiles),
                "accepted": Out(1),
                "safe": Out(1),
                "stopped": Out(1),
                "abort": Out(config.tiles),
                "queued": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Connect everything around the units, as `Controller` does."""
        tiles = self._config.tiles
        m = Module()
        m.submodules.dispatcher = dispatcher = Dispatcher(tiles)
        m.submodules.arbiter = arbiter = Arbiter(tiles)
        m.submodules.response_queue = queue = Queue(Response, self._config.response_depth)
        stopped = Signal()
        m.submodules.stop_synchronizer = FFSynchronizer(self.stop, stopped)
        connect(m, flipped(self.commands), dispatcher.i)
        connect(m, arbiter.o, queue.i)
        connect(m, queue.o, flipped(self.responses))
        for number in range(tiles):
            connect(m, dispatcher.o[number], flipped(self.to_tile[number]))
            connect(m, flipped(self.from_tile[number]), arbiter.i[number])
        m.d.comb += [
            self.accepted.eq(dispatcher.accepted),
            self.safe.eq(dispatcher.safe),
            self.abort.eq(dispatcher.abort),
            self.stopped.eq(stopped),
            self.queued.eq(~queue.empty),
        ]
        return m


def modules(config: ControllerConfig, *, composed: bool) -> dict[str, Elaboratable]:
    """Give the modules of a controller by the name of their namespace."""
    if not composed:
        return {"flat": Controller(config)}
    return {"unit": Unit(config), "hub": Hub(config)}


def rtlil_text(module: Elaboratable) -> str:
    """Give the netlist in Yosys' own format, without source locations: equal gateware gives equal text."""
    return str(rtlil.convert(module, emit_src=False))
