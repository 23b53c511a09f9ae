"""Command and response beats through words of a bus, for a host without streams."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.bus_registers import BUS_BITS, COMMAND_HIGH, COMMAND_LOW, RESPONSE_PARTS
from twinbar.hw.protocol.layouts import Command, Response


class BeatMailbox(wiring.Component):
    """Holds one command until the controller accepts it, and shows one response until it is taken.

    Members
    -------
    data : In
        Word that the bus writes.
    write_low, write_high : In(1)
        The bus writes COMMAND_LOW; it writes COMMAND_HIGH, and so sends the beat.
    take : In(1)
        The bus reads the last part of the response.
    low, parts : Out
        What COMMAND_LOW and the RESPONSE registers show.
    command_waits, response_waits : Out(1)
    commands : Out(stream(Command))
    responses : In(stream(Response))
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "data": In(BUS_BITS),
                "write_low": In(1),
                "write_high": In(1),
                "take": In(1),
                "low": Out(BUS_BITS),
                "parts": Out(BUS_BITS).array(len(RESPONSE_PARTS)),
                "command_waits": Out(1),
                "response_waits": Out(1),
                "commands": Out(stream.Signature(Command)),
                "responses": In(stream.Signature(Response)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        high = Signal(COMMAND_HIGH["beat"].bits)
        low = Signal(COMMAND_LOW["beat"].bits)
        with m.If(self.write_low):
            m.d.sync += low.eq(self.data)
        with m.If(self.write_high):
            m.d.sync += [high.eq(self.data), self.command_waits.eq(1)]
        with m.Elif(self.commands.ready):
            m.d.sync += self.command_waits.eq(0)
        beat = self.responses.payload.as_value()
        m.d.comb += [
            self.low.eq(low),
            self.commands.payload.eq(Cat(low, high)),
            self.commands.valid.eq(self.command_waits),
            self.response_waits.eq(self.responses.valid),
            self.responses.ready.eq(self.take),
            *(shown.eq(beat.word_select(part, BUS_BITS)) for part, shown in enumerate(self.parts)),
        ]
        return m
