"""The registers of bus and tiles as words of a memory-mapped bus."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.protocol.bus_registers import (
    BUS_ACCESS,
    BUS_BITS,
    BUS_CONTROL,
    BUS_STATUS,
    BUS_TIMEOUT,
    COMMAND_HIGH,
    COMMAND_LOW,
    HALF,
    HIGH_WORD,
    LOW_WORD,
    PAGE_BIT,
    REGISTER_PLACE,
    RESPONSE_PARTS,
    WORD_PLACE,
)
from twinbar.hw.protocol.layouts import Command, Response
from twinbar.hw.protocol.registers import Register
from twinbar.hw.protocol.vocabulary import Status

from ..controller_config import ControllerConfig
from .beat_mailbox import BeatMailbox
from .bus_access import BusAccessSignature
from .tile_access import TileAccess


class RegisterWindow(wiring.Component):
    """Carries out the accesses of a bus.

    Parameters
    ----------
    config : ControllerConfig
    mailbox : bool
        Commands and responses go through words of page 0 (`BeatMailbox`) instead of streams.

    Members
    -------
    bus : In(BusAccessSignature)
    busy : In(1)
        Of the controller.
    stop : Out(1)
        The register BUS_CONTROL.
    response_waits : Out(1)
        The mailbox holds a response, where there is one.
    outer_commands : In(stream(Command))
    outer_responses : Out(stream(Response))
        Of the host, without a mailbox.
    commands : Out(stream(Command))
    responses : In(stream(Response))
        Of the controller.
    """

    def __init__(self, config: ControllerConfig, *, mailbox: bool) -> None:
        self.config, self.mailbox = config, mailbox
        outer = {
            "outer_commands": In(stream.Signature(Command)),
            "outer_responses": Out(stream.Signature(Response)),
        }
        super().__init__(
            {
                "bus": In(BusAccessSignature(config)),
                "busy": In(1),
                "stop": Out(1),
                "commands": Out(stream.Signature(Command)),
                "responses": In(stream.Signature(Response)),
                **({"response_waits": Out(1)} if mailbox else outer),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        bus = self.bus
        m.submodules.tile_access = tile_access = TileAccess(self.config)
        connect(m, tile_access.commands, flipped(self.commands))
        connect(m, flipped(self.responses), tile_access.responses)
        box = None
        if self.mailbox:
            m.submodules.beat_mailbox = box = BeatMailbox()
            connect(m, box.commands, tile_access.outer_commands)
            connect(m, tile_access.outer_responses, box.responses)
            m.d.comb += [box.data.eq(bus.data), self.response_waits.eq(box.response_waits)]
        else:
            connect(m, flipped(self.outer_commands), tile_access.outer_commands)
            connect(m, tile_access.outer_responses, flipped(self.outer_responses))

        control, timeout = Signal(BUS_CONTROL.word.layout, init={}), Signal(BUS_BITS, init=BUS_TIMEOUT.init)
        last = Signal(BUS_ACCESS.word.layout)
        high_to_write, high_read = Signal(HIGH_WORD.bits), Signal(HIGH_WORD.bits)
        waits, started, left = Signal(), Signal(), Signal(BUS_BITS)
        page = bus.address[PAGE_BIT:]
        tile = Signal.like(page)
        m.d.comb += [
            self.stop.eq(control.stop),
            tile.eq(page - 1),
            tile_access.tile.eq(tile),
            tile_access.address.eq(bus.address[REGISTER_PLACE.places]),
            tile_access.write.eq(bus.write),
            tile_access.number.eq(Cat(bus.data, high_to_write)),
            tile_access.start.eq(waits & bus.access & ~started),
        ]
        with m.If(~waits):
            with m.If(bus.access & bus.write & ~bus.whole):
                m.d.comb += [bus.done.eq(1), bus.refused.eq(1)]
            with m.Elif(bus.access & (page == 0)):
                m.d.comb += [bus.done.eq(1), bus.refused.eq(1)]
                self._page_of_the_bus(m, control, timeout, last, tile_access.idle, box)
            with m.Elif(bus.access & bus.address[HALF.places]):
                m.d.comb += [bus.done.eq(1), bus.result.eq(high_read)]
                with m.If(bus.write):
                    m.d.comb += bus.refused.eq(bus.data[HIGH_WORD.bits :].any())
                    m.d.sync += high_to_write.eq(bus.data)
            with m.Elif(bus.access):
                m.d.sync += [waits.eq(1), started.eq(0), left.eq(timeout)]
        with m.Else():
            response = tile_access.response
            m.d.sync += [started.eq(started | tile_access.idle), left.eq(left - 1)]
            with m.If(~bus.access):
                m.d.comb += tile_access.withdraw.eq(1)
                m.d.sync += waits.eq(0)
            with m.Elif(started & tile_access.answered):
                found = response.body.register.value
                m.d.comb += [
                    bus.done.eq(1),
                    bus.refused.eq(response.status != Status.OK),
                    bus.result.eq(found[LOW_WORD.places]),
                ]
                m.d.sync += [
                    waits.eq(0),
                    high_to_write.eq(0),
                    last.status.eq(response.status),
                    last.mode.eq(response.mode),
                    last.faults.eq(response.faults),
                    last.timed_out.eq(0),
                ]
                with m.If(~bus.write):
                    m.d.sync += high_read.eq(found[HIGH_WORD.places])
            with m.Elif(left == 1):
                m.d.comb += [bus.done.eq(1), bus.refused.eq(1), tile_access.withdraw.eq(1)]
                m.d.sync += [waits.eq(0), high_to_write.eq(0), last.timed_out.eq(1)]
        return m

    def _page_of_the_bus(self, m, control, timeout, last, idle, box: BeatMailbox | None) -> None:
        """Carry out an access to page 0; what is not there stays refused."""
        bus, place = self.bus, self.bus.address[WORD_PLACE.places]
        status = Signal(BUS_STATUS.word.layout)
        m.d.comb += [status.busy.eq(self.busy), status.late.eq(~idle)]

        def readable(register: Register, value) -> None:
            with m.If(~bus.write & (place == register.address)):
                m.d.comb += [bus.refused.eq(0), bus.result.eq(value)]

        def writable(register: Register, target) -> None:
            readable(register, target)
            with m.If(bus.write & (place == register.address)):
                m.d.comb += bus.refused.eq(bus.data[register.word.fields[-1].end :].any())
                m.d.sync += target.eq(bus.data)

        readable(BUS_STATUS, status)
        readable(BUS_ACCESS, last)
        writable(BUS_CONTROL, control.as_value())
        writable(BUS_TIMEOUT, timeout)
        if box is None:
            return
        m.d.comb += [status.command_waits.eq(box.command_waits), status.response_waits.eq(box.response_waits)]
        for register, part in zip(RESPONSE_PARTS, box.parts, strict=True):
            readable(register, part)
        readable(COMMAND_LOW, box.low)
        reads_last = ~bus.write & (place == RESPONSE_PARTS[-1].address)
        m.d.comb += box.take.eq(reads_last)
        with m.If(reads_last & ~box.response_waits):
            m.d.comb += bus.refused.eq(1)
        with m.If(bus.write & ~box.command_waits):
            with m.If(place == COMMAND_LOW.address):
                m.d.comb += [bus.refused.eq(0), box.write_low.eq(1)]
            with m.If(place == COMMAND_HIGH.address):
                m.d.comb += [bus.refused.eq(0), box.write_high.eq(1)]
        return
