"""The response beats of a tile."""

from amaranth.hdl import Cat, Module, Mux, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import (
    CODE_BITS,
    COLUMN_BITS,
    PULSE_BITS,
    TILE_BITS,
    VALUE_BITS,
    Command,
    Faults,
    Response,
)
from twinbar.hw.protocol.vocabulary import Mode, Status

from ..tile_states import TileState


class Responder(wiring.Component):
    """Offers a response for as long as the tile is in RESPOND. Combinational.

    Members
    -------
    index : In
        Number of the tile.
    state : In(TileState)
    command : In(Command)
        The command that is answered.
    whole : In(1)
        The result is all of the value: that of a register or of a sum. Else it is a code with its pulses.
    column : In
        Output of a multiplication.
    result : In(signed)
    sets, resets : In
    status, faults, mode : In
    responses : Out(stream(Response))
    handed_over : Out(1)
        The response is taken in this cycle.
    """

    index: In(TILE_BITS)
    state: In(TileState)
    command: In(Command)
    whole: In(1)
    column: In(COLUMN_BITS)
    result: In(signed(VALUE_BITS))
    sets: In(PULSE_BITS)
    resets: In(PULSE_BITS)
    status: In(Status)
    faults: In(Faults)
    mode: In(Mode)
    responses: Out(stream.Signature(Response))
    handed_over: Out(1)

    def elaborate(self, platform) -> Module:
        m = Module()
        response, command = self.responses.payload, self.command
        cell_result = Cat(self.result[:CODE_BITS], self.sets, self.resets)
        m.d.comb += [
            self.responses.valid.eq(self.state == TileState.RESPOND),
            self.handed_over.eq(self.responses.valid & self.responses.ready),
            response.opcode.eq(command.opcode),
            response.tile.eq(self.index),
            response.status.eq(self.status),
            response.faults.eq(self.faults),
            response.mode.eq(self.mode),
            response.body.as_value().eq(
                Cat(command.body.cell.row, self.column, Mux(self.whole, self.result, cell_result))
            ),
        ]
        return m
