"""Accesses of a bus to the registers of the tiles, between the commands of a stream."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import ADDRESS_BITS, TILE_BITS, VALUE_BITS, Command, Response
from twinbar.hw.protocol.vocabulary import Opcode

from ..controller_config import ControllerConfig


def _is_register(opcode: Any) -> Any:
    return (opcode == Opcode.READ_REGISTER) | (opcode == Opcode.WRITE_REGISTER)


class TileAccess(wiring.Component):
    """Reads and writes registers by commands of its own, between those of a stream.

    Every command for a register is answered by one beat. While one of the bus is under way none of the stream is let
    in, and none is sent before those of the stream are answered: so the only answer to such a command is the bus's.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    start : In(1)
        Begin an access at the end of this cycle; ignored unless ``idle``.
    withdraw : In(1)
        Nobody waits for the access any more; it is not sent, if it has not been.
    write, tile, address, number : In
        What is accessed, and the value to be written. Taken over with ``start``.
    idle : Out(1)
    answered : Out(1)
        ``response`` is the answer, in this cycle.
    response : Out(Response)
    outer_commands : In(stream(Command))
    outer_responses : Out(stream(Response))
        The stream between whose beats it sends.
    commands : Out(stream(Command))
    responses : In(stream(Response))
        Of the controller.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "withdraw": In(1),
                "write": In(1),
                "tile": In(TILE_BITS),
                "address": In(ADDRESS_BITS),
                "number": In(VALUE_BITS),
                "idle": Out(1),
                "answered": Out(1),
                "response": Out(Response),
                "outer_commands": In(stream.Signature(Command)),
                "outer_responses": Out(stream.Signature(Response)),
                "commands": Out(stream.Signature(Command)),
                "responses": In(stream.Signature(Response)),
            }
        )

    @property
    def most_unanswered(self) -> int:
        """Commands that can have been accepted and not answered: in queues, at work, and as responses."""
        config = self.config
        return config.tiles * (config.command_depth + 2) + config.response_depth + 2

    def elaborate(self, platform) -> Module:
        m = Module()
        command = Signal(Command)
        asks, sends, awaits = Signal(), Signal(), Signal()
        unanswered = Signal(range(self.most_unanswered + 1))
        # A beat that was offered stays on offer until it is taken.
        held, blocked = Signal(), Signal()
        entered, left, mine = Signal(), Signal(), Signal()
        theirs = _is_register(self.outer_commands.payload.opcode)
        answer = _is_register(self.responses.payload.opcode)
        m.d.comb += [
            self.idle.eq(~(asks | sends | awaits)),
            blocked.eq(sends | theirs & ~held & ~self.idle),
            self.commands.payload.eq(Mux(sends, command.as_value(), self.outer_commands.payload.as_value())),
            self.commands.valid.eq(sends | self.outer_commands.valid & ~blocked),
            self.outer_commands.ready.eq(self.commands.ready & ~blocked),
            entered.eq(self.outer_commands.valid & self.outer_commands.ready & theirs),
            mine.eq(awaits & answer),
            self.outer_responses.payload.eq(self.responses.payload),
            self.outer_responses.valid.eq(self.responses.valid & ~mine),
            self.responses.ready.eq(mine | self.outer_responses.ready),
            left.eq(self.outer_responses.valid & self.outer_responses.ready & answer),
            self.answered.eq(self.responses.valid & mine),
            self.response.eq(self.responses.payload),
        ]
        waits = self.commands.valid & ~self.commands.ready
        m.d.sync += [held.eq(waits), unanswered.eq(unanswered + entered - left)]
        with m.If(self.idle & self.start):
            m.d.sync += [
                asks.eq(1),
                command.eq(0),
                command.opcode.eq(Mux(self.write, Opcode.WRITE_REGISTER, Opcode.READ_REGISTER)),
                command.tile.eq(self.tile),
                command.body.register.address.eq(self.address),
                command.body.register.value.eq(Mux(self.write, self.number, 0)),
            ]
        with m.If(asks):
            with m.If(self.withdraw):
                m.d.sync += asks.eq(0)
            with m.Elif((unanswered == 0) & ~entered & ~waits):
                m.d.sync += [asks.eq(0), sends.eq(1)]
        with m.If(sends & self.commands.ready):
            m.d.sync += [sends.eq(0), awaits.eq(1)]
        with m.If(self.answered):
            m.d.sync += awaits.eq(0)
        return m
