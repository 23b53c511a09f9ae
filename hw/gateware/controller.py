"""The controller: tiles behind one command stream and one response stream."""

from functools import reduce
from operator import or_

from amaranth import Cat, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.gateware.collector import Collector
from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.gateware.control import ControlUnit
from twinbar.hw.gateware.dispatcher import Dispatcher
from twinbar.hw.gateware.front_end import FrontEndPins
from twinbar.hw.gateware.queue import Queue
from twinbar.hw.gateware.safety import Safety
from twinbar.hw.gateware.tile import Tile
from twinbar.hw.protocol.commands import Command
from twinbar.hw.protocol.responses import Response
from twinbar.hw.timing import PHASES


class Controller(wiring.Component):
    """A vendor-free core with plain pins.

    Parameters
    ----------
    config : ControllerConfig

    Attributes
    ----------
    commands : In(stream)
    responses : Out(stream)
    tiles : Out(FrontEndPins).array(config.tiles)
    stop : In
        Asynchronous pin that puts everything into the safe state.
    armed : Out
        Pulses are allowed.
    phases : Out(4).array(config.tiles)
        `twinbar.hw.timing.Phase` of each tile in this cycle.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "tiles": Out(FrontEndPins(config)).array(config.tiles),
                "stop": In(1),
                "armed": Out(1),
                "phases": Out(range(len(PHASES))).array(config.tiles),
            }
        )

    def elaborate(self, platform: object) -> Module:
        config = self._config
        m = Module()
        m.submodules.dispatcher = dispatcher = Dispatcher(config.tiles)
        m.submodules.control = control = ControlUnit(config)
        m.submodules.safety = safety = Safety()
        m.submodules.collector = collector = Collector(config.tiles + 1)
        m.submodules.answers = answers = Queue(Response, config.response_depth)
        tiles = []
        for number in range(config.tiles):
            m.submodules[f"queue_{number}"] = queue = Queue(Command, config.command_depth)
            m.submodules[f"tile_{number}"] = tile = Tile(config, number)
            tiles.append(tile)
            connect(m, dispatcher.o[number], queue.i)
            connect(m, queue.o, tile.commands)
            connect(m, tile.responses, collector.i[number])
            connect(m, tile.pins, flipped(self.tiles[number]))
            m.d.comb += [
                tile.armed.eq(safety.armed),
                tile.faults.eq(safety.faults),
                tile.safe.eq(control.safe),
                self.phases[number].eq(tile.phase),
            ]
        connect(m, flipped(self.commands), dispatcher.i)
        connect(m, dispatcher.control, control.commands)
        connect(m, control.responses, collector.i[config.tiles])
        connect(m, collector.o, answers.i)
        connect(m, answers.o, flipped(self.responses))
        m.d.comb += [
            safety.arm.eq(control.arm),
            safety.disarm.eq(control.disarm),
            safety.safe.eq(control.safe),
            safety.clear.eq(control.clear),
            safety.watchdog.eq(control.watchdog),
            safety.raised.eq(reduce(or_, (Value.cast(tile.raise_faults) for tile in tiles))),
            safety.busy.eq(Cat(tile.busy for tile in tiles).any()),
            safety.stop.eq(self.stop),
            safety.beat.eq(self.commands.valid & self.commands.ready),
            control.armed.eq(safety.armed),
            control.faults.eq(safety.faults),
            self.armed.eq(safety.armed),
        ]
        return m
