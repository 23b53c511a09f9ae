"""The netlists of a controller, in two forms.

flat
    One module that holds everything.
composed
    One *unit* (a tile with its command queue and front end), compiled once and instantiated for every tile, and one
    *hub* (dispatcher, arbiter, response queue). ``composed.h`` connects them cycle by cycle.

With serial parts, what the array has to do is told by what the tile asks of its front end, as in every engine (ADR
0010); its pins say whether the parts do it too. Both forms then have outputs ``asked`` beside the pins.
"""

from functools import lru_cache
from typing import Any

from amaranth import Module, Signal
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.gateware.controller import Controller, pins_signature
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.front_end.direct_front_end import DirectFrontEnd
from twinbar.hw.gateware.front_end.handshake import DirectPinsSignature
from twinbar.hw.gateware.front_end.serial_front_end import SerialFrontEnd
from twinbar.hw.gateware.streams.arbiter import Arbiter
from twinbar.hw.gateware.streams.dispatcher import Dispatcher
from twinbar.hw.gateware.streams.stream_queue import Queue
from twinbar.hw.gateware.tile import Tile
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.layouts import TILE_BITS, Command, Response
from twinbar.hw.protocol.vocabulary import Request
from twinbar.hw.timing import PHASES, Phase


class AskedSignature(wiring.Signature):
    """What a tile asks of a serial front end, as the pins of a direct one would show it.

    Gain trims are left out (serial parts have none), and so is what the tile gets.
    """

    def __init__(self, config: ControllerConfig) -> None:
        members = DirectPinsSignature(config).members.items()
        super().__init__({name: member for name, member in members if member.flow is Out and name != "trim"})


def _show(m: Module, front: Any, asked: Any) -> None:
    """Show what a tile asks of its front end."""
    for name in asked.signature.members:
        # As `DirectFrontEnd` makes its strobe.
        strobe = (front.request == Request.CONVERT) & front.begins
        m.d.comb += getattr(asked, name).eq(strobe if name == "convert" else getattr(front, name))


class ObservedController(Controller):
    """A controller with serial parts that shows what its tiles ask of their front ends.

    Members
    -------
    asked : Out(AskedSignature) array

    The others are those of `Controller`.
    """

    @staticmethod
    def signature_of(config: ControllerConfig, *others: Any) -> wiring.Signature:
        """Return the ports of a controller, and what is shown."""
        members = Controller.signature_of(config, *others).members
        return wiring.Signature({**members, "asked": Out(AskedSignature(config)).array(config.tiles)})

    def elaborate(self, platform: object) -> Module:
        """Show what the tiles ask."""
        m: Module = super().elaborate(platform)
        for core, asked in zip(self.cores, self.asked, strict=True):
            _show(m, core.front, asked)
        return m


class TileUnit(wiring.Component):
    """A tile with its command queue and front end: what is compiled once for any number of tiles.

    Members
    -------
    works : Out(1)
        The queue holds a beat, or the tile is not idle.
    asked : Out(AskedSignature)
        With serial parts.

    The others are those of `Tile` and of its front end.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts | None = None) -> None:
        self._config, self._parts = config, parts
        super().__init__(
            {
                "index": In(TILE_BITS),
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "accepted": In(1),
                "safe": In(1),
                "abort": In(1),
                "stop": In(1),
                "pins": Out(pins_signature(config, parts)),
                "phase": Out(range(len(PHASES))),
                "works": Out(1),
                **({} if parts is None else {"asked": Out(AskedSignature(config))}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Connect queue, tile and front end, as `Controller` does."""
        m = Module()
        m.submodules.command_queue = queue = Queue(Command, self._config.command_depth)
        m.submodules.tile = tile = Tile(self._config)
        m.submodules.front_end = front_end = self._front_end()
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
        if self._parts is not None:
            _show(m, tile.front, self.asked)
        return m

    def _front_end(self) -> DirectFrontEnd | SerialFrontEnd:
        return DirectFrontEnd(self._config) if self._parts is None else SerialFrontEnd(self._config, self._parts)


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
        m.submodules.dispatcher = dispatcher = Dispatcher(self._config)
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


def modules(config: ControllerConfig, parts: SerialParts | None = None, *, composed: bool) -> dict[str, Elaboratable]:
    """Return the modules of a controller by the name of their namespace."""
    if composed:
        return {"unit": TileUnit(config, parts), "hub": Hub(config)}
    return {"flat": Controller(config) if parts is None else ObservedController(config, parts)}


@lru_cache(maxsize=16)
def controller_texts(config: ControllerConfig, parts: SerialParts | None = None, *, composed: bool) -> dict[str, str]:
    """Return the netlists of a controller in Yosys' own format, by the name of their namespace.

    To elaborate a controller takes seconds, and a process often makes many of the same: the last ones are kept.
    """
    return {name: rtlil_text(module) for name, module in modules(config, parts, composed=composed).items()}


def rtlil_text(module: Elaboratable) -> str:
    """Return the netlist in Yosys' own format, without source locations: equal gateware gives equal text."""
    return str(rtlil.convert(module, emit_src=False))
