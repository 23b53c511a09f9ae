"""The controller: tiles behind one command stream and one response stream."""

import functools
import itertools
import operator
from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.errors import ParameterError
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.protocol.layouts import WORD_BITS, Command, Response
from twinbar.hw.timing import PHASES, Phase

from .array.emulated_array import EmulatedArray, EmulatedFrontEnd, EmulatedPinsSignature
from .controller_config import ControllerConfig
from .front_end.direct_front_end import DirectFrontEnd
from .front_end.handshake import DirectPinsSignature
from .front_end.serial_front_end import SerialFrontEnd, SerialPinsSignature
from .streams.arbiter import Arbiter
from .streams.dispatcher import Dispatcher
from .streams.joint_start import JointStart
from .streams.stream_queue import Queue
from .streams.sum_link import SumLink
from .streams.transfer_start import TransferStart
from .tile import Tile


class Controller(wiring.Component):
    """The controller with direct front ends, with front ends of serial parts, or with emulated arrays.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts, optional
        Parts of every tile's front end.
    array : EmulatedArray, optional
        Cells that the chip emulates, instead of parts. Commands wait until they are formed.

    Raises
    ------
    ParameterError
        If the front end cannot compare, and is to.

    Members
    -------
    commands : In(stream(Command))
    responses : Out(stream(Response))
    stop : In(1)
        Asynchronous: halts and disarms all tiles while it is high.
    tiles : Out(DirectPinsSignature, SerialPinsSignature or EmulatedPinsSignature) array
        Pins of every tile.
    phases : Out array
        Phase of every tile in this cycle, for observation.
    busy : Out(1)
        A command is presented, a queue holds a beat, or a tile works; for observation.

    Attributes
    ----------
    cores : list of Tile
        The tiles; what each asks of its front end can be observed there.
    alive : Signal
        To be driven by a link: the host has been heard, which the watchdogs take like an accepted beat.
    """

    def __init__(
        self, config: ControllerConfig, parts: SerialParts | None = None, array: EmulatedArray | None = None
    ) -> None:
        if config.compare and (parts is not None or array is not None):
            raise ParameterError("compare", "is true; only a direct front end can compare")
        self.config, self.parts, self.array = config, parts, array
        self.cores = [Tile(config) for _ in range(config.tiles)]
        self.alive = Signal()
        super().__init__(self.signature_of(config, parts, array))

    @staticmethod
    def signature_of(
        config: ControllerConfig, parts: SerialParts | None = None, array: EmulatedArray | None = None
    ) -> wiring.Signature:
        """Return the ports of a controller without making one.

        Parameters
        ----------
        config, parts, array
            As of the class.
        """
        pins = pins_signature(config, parts, array)
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
        m.submodules.dispatcher = dispatcher = Dispatcher(config)
        m.submodules.arbiter = arbiter = Arbiter(config.tiles)
        m.submodules.response_queue = response_queue = Queue(Response, config.response_depth)
        formed = Signal(init=1)
        m.d.comb += [
            dispatcher.i.payload.eq(self.commands.payload),
            dispatcher.i.valid.eq(self.commands.valid & formed),
            self.commands.ready.eq(dispatcher.i.ready & formed),
        ]
        connect(m, arbiter.o, response_queue.i)
        connect(m, response_queue.o, flipped(self.responses))
        stop, works = Signal(), Signal(config.tiles)
        m.submodules.stop_synchronizer = FFSynchronizer(self.stop, stop)
        for number in range(config.tiles):
            m.submodules[f"command_queue_{number}"] = queue = Queue(Command, config.command_depth)
            m.submodules[f"tile_{number}"] = tile = self.cores[number]
            m.submodules[f"front_end_{number}"] = front_end = self._front_end()
            connect(m, dispatcher.o[number], queue.i)
            connect(m, queue.o, tile.commands)
            connect(m, tile.responses, arbiter.i[number])
            connect(m, tile.front, front_end.tile)
            connect(m, front_end.pins, flipped(self.tiles[number]))
            m.d.comb += [
                tile.index.eq(number),
                tile.accepted.eq(dispatcher.accepted | self.alive),
                tile.safe.eq(dispatcher.safe),
                tile.abort.eq(dispatcher.abort[number]),
                tile.stop.eq(stop),
                self.phases[number].eq(tile.phase),
                works[number].eq(~queue.empty | (tile.phase != Phase.IDLE)),
            ]
            if self.array is not None:
                m.d.comb += front_end.index.eq(number)
        if config.shared_inputs:
            m.d.comb += [group.eq(tile.input_group) for group, tile in zip(dispatcher.groups, self.cores, strict=True)]
        if config.cascade:
            cascade(m, config, self.cores)
        if config.chain:
            chain(m, config, self.cores, dispatcher)
        if self.array is not None:
            m.d.comb += formed.eq(Cat(pins.formed for pins in self.tiles).all())
        m.d.comb += self.busy.eq(self.commands.valid | works.any() | ~response_queue.empty)
        return m

    def _front_end(self) -> DirectFrontEnd | SerialFrontEnd | EmulatedFrontEnd:
        if self.array is not None:
            return EmulatedFrontEnd(self.config, self.array)
        if self.parts is not None:
            return SerialFrontEnd(self.config, self.parts)
        return DirectFrontEnd(self.config)


def cascade(m: Module, config: ControllerConfig, tiles: Sequence[Tile]) -> None:
    """Let neighbouring tiles start cascades together, and hand each other their partial sums."""
    m.submodules.joint_start = joint_start = JointStart(config.tiles)
    for number, tile in enumerate(tiles):
        connect(m, tile.joint, joint_start.tiles[number])
    for number, (lower, upper) in enumerate(itertools.pairwise(tiles)):
        m.submodules[f"link_{number}"] = link = SumLink(signed(config.lane_bits))
        connect(m, upper.below, link.i)
        connect(m, link.o, lower.above)
        m.d.comb += link.clear.eq(joint_start.clear[number])


def chain(m: Module, config: ControllerConfig, tiles: Sequence[Tile], dispatcher: Dispatcher) -> None:
    """Let tiles send each other activations, over wires that they share."""
    m.submodules.transfer_start = transfer_start = TransferStart(config)
    connect(m, dispatcher.transfers, transfer_start.i)
    shared = Signal(WORD_BITS)
    m.d.comb += shared.eq(functools.reduce(operator.or_, (tile.outgoing for tile in tiles)))
    for number, tile in enumerate(tiles):
        connect(m, tile.transfer, transfer_start.tiles[number])
        m.d.comb += tile.incoming.eq(shared)


def pins_signature(
    config: ControllerConfig, parts: SerialParts | None = None, array: EmulatedArray | None = None
) -> wiring.Signature:
    """Return the pins of a tile's front end."""
    assert parts is None or array is None
    if array is not None:
        return EmulatedPinsSignature()
    if parts is not None:
        return SerialPinsSignature(config, parts)
    return DirectPinsSignature(config)
