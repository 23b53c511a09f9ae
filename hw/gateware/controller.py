"""The controller: tiles behind one command stream and one response stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.layouts import Command, Response
from twinbar.hw.timing import PHASES, Phase

from .arbiter import Arbiter
from .config import ControllerConfig
from .direct import DirectFrontEnd
from .dispatcher import Dispatcher
from .front_end import DirectPinsSignature
from .serial_front_end import SerialFrontEnd, SerialPinsSignature
from .stream_queue import Queue
from .tile import Tile


class Controller(wiring.Component):
    """The controller with direct front ends, or with front ends of serial parts.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts, optional
        Parts of every tile's front end.

    Members
    -------
    commands : In(stream(Command))
    responses : Out(stream(Response))
    stop : In(1)
        Asynchronous: halts and disarms all tiles while it is high.
    tiles : Out(DirectPinsSignature or SerialPinsSignature) array
        Pins of every tile.
    phases : Out array
        Phase of every tile in this cycle, for observation.
    busy : Out(1)
        A command is presented, a queue holds a beat, or a tile works; for observation.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts | None = None) -> None:
        self.config, self.parts = config, parts
        super().__init__(self.signature_of(config, parts))

    @staticmethod
    def signature_of(config: ControllerConfig, parts: SerialParts | None = None) -> wiring.Signature:
        """Give the ports of a controller without making one."""
        pins = DirectPinsSignature(config) if parts is None else SerialPinsSignature(config, parts)
        return wiring.Signature(
            {
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "stop": In(1),
                "tiles": Out(pins).array(config.tiles),
                "phases": Out(range(len(PHASES))).array(config.tiles),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        config = self.config
        m.submodules.dispatcher = dispatcher = Dispatcher(config.tiles)
        m.submodules.arbiter = arbiter = Arbiter(config.tiles)
        m.submodules.response_queue = response_queue = Queue(Response, config.response_depth)
        connect(m, flipped(self.commands), dispatcher.i)
        connect(m, arbiter.o, response_queue.i)
        connect(m, response_queue.o, flipped(self.responses))
        stop, works = Signal(), Signal(config.tiles)
        m.submodules.stop_synchronizer = FFSynchronizer(self.stop, stop)
        for number in range(config.tiles):
            m.submodules[f"command_queue_{number}"] = queue = Queue(Command, config.command_depth)
            m.submodules[f"tile_{number}"] = tile = Tile(config)
            front_end = DirectFrontEnd(config) if self.parts is None else SerialFrontEnd(config, self.parts)
            m.submodules[f"front_end_{number}"] = front_end
            connect(m, dispatcher.o[number], queue.i)
            connect(m, queue.o, tile.commands)
            connect(m, tile.responses, arbiter.i[number])
            connect(m, tile.front, front_end.tile)
            connect(m, front_end.pins, flipped(self.tiles[number]))
            m.d.comb += [
                tile.index.eq(number),
                tile.accepted.eq(dispatcher.accepted),
                tile.safe.eq(dispatcher.safe),
                tile.abort.eq(dispatcher.abort[number]),
                tile.stop.eq(stop),
                self.phases[number].eq(tile.phase),
                works[number].eq(~queue.empty | (tile.phase != Phase.IDLE)),
            ]
        m.d.comb += self.busy.eq(self.commands.valid | works.any() | ~response_queue.empty)
        return m
