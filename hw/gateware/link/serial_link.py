"""The link of a board: from a UART's pins to the streams of the controller."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.link.config import LinkConfig
from twinbar.hw.link.frames import WINDOW, Flag, Kind
from twinbar.hw.link.front_end import DIRECT
from twinbar.hw.link.hello import Hello
from twinbar.hw.protocol.layouts import Command, Response

from ..block_ram import block_ram
from ..controller_config import ControllerConfig
from .frame_receiver import FrameReceiver
from .framer import Framer
from .packer import Packer
from .sender import Sender
from .uart import UartReceiver, UartTransmitter
from .unpacker import Unpacker


class SerialLink(wiring.Component):
    """The link of a board. Nothing is executed before the frame that it came in was found intact and in its place.

    Parameters
    ----------
    config : ControllerConfig
    link : LinkConfig
    front_end : int
        What the board says of its front end (`twinbar.hw.link.front_end`).

    Members
    -------
    rx : In(1)
    tx : Out(1)
        Pins of the UART.
    commands : Out(stream(Command))
    responses : In(stream(Response))
    busy : In(1)
        Of the controller.
    reset : Out(1)
        A session starts: the controller is to be reset in the next cycle, in which its streams are ignored.
    """

    def __init__(self, config: ControllerConfig, link: LinkConfig, front_end: int = DIRECT) -> None:
        self.config = config
        self.link = link
        self.front_end = front_end
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "commands": Out(stream.Signature(Command)),
                "responses": In(stream.Signature(Response)),
                "busy": In(1),
                "reset": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        link = self.link
        hello = Hello.of(self.config, link, self.front_end)
        new = ResetInserter(self.reset)
        m.submodules.uart_receiver = uart_receiver = UartReceiver(link.divisor)
        m.submodules.uart_transmitter = uart_transmitter = UartTransmitter(link.divisor)
        m.submodules.receiver = receiver = FrameReceiver(link.receive_bytes)
        m.submodules.received = received = block_ram(shape=8, depth=link.receive_bytes)
        m.submodules.unpacker = unpacker = new(Unpacker(hello.widths, link.receive_bytes))
        m.submodules.packer = packer = new(Packer(hello.widths))
        m.submodules.framer = framer = new(Framer(hello.pack(), link.transmit_bytes))
        m.submodules.transmitted = transmitted = block_ram(shape=8, depth=link.transmit_bytes)
        m.submodules.sender = sender = new(Sender(link.transmit_bytes))

        # --- bytes and beats ---------------------------------------------------------------------------------------
        received_write, received_read = received.write_port(), received.read_port()
        transmitted_write, transmitted_read = transmitted.write_port(), transmitted.read_port()
        connect(m, unpacker.o, flipped(self.commands))
        connect(m, flipped(self.responses), packer.i)
        connect(m, packer.o, framer.records)
        connect(m, sender.o, uart_transmitter.i)
        m.d.comb += [
            uart_receiver.rx.eq(self.rx),
            self.tx.eq(uart_transmitter.tx),
            receiver.data.eq(uart_receiver.data),
            receiver.valid.eq(uart_receiver.valid),
            receiver.broken.eq(uart_receiver.broken),
            receiver.taken.eq(unpacker.address),
            receiver.forget.eq(self.reset),
            received_write.addr.eq(receiver.address),
            received_write.data.eq(receiver.stored),
            received_write.en.eq(receiver.write),
            received_read.addr.eq(unpacker.address),
            unpacker.stored.eq(received_read.data),
            unpacker.end.eq(receiver.end),
            transmitted_write.addr.eq(framer.address),
            transmitted_write.data.eq(framer.data),
            transmitted_write.en.eq(framer.write),
            transmitted_read.addr.eq(sender.address),
            sender.stored.eq(transmitted_read.data),
            sender.end.eq(framer.end),
        ]

        # --- what a frame does -------------------------------------------------------------------------------------
        opened, session = Signal(), Signal(4)
        awaited = Signal(8)
        commanded, pushed, missed, urgent, news = Signal(), Signal(), Signal(), Signal(), Signal()
        acknowledged = Signal(8)
        ahead, sent, known = Signal(8), Signal(8), Signal(8)
        of_session, expected = Signal(), Signal()
        m.d.comb += [
            of_session.eq(receiver.intact & opened & (receiver.session == session)),
            ahead.eq(receiver.seq - awaited),
            expected.eq(of_session & (receiver.kind == Kind.DATA) & (ahead == 0)),
            receiver.keep.eq(expected),
            sent.eq(framer.seq - acknowledged),
            known.eq(receiver.ack - acknowledged),
            sender.acknowledged.eq(acknowledged),
            sender.again.eq(of_session & (receiver.kind != Kind.HELLO) & receiver.resend),
        ]

        with m.If(framer.telling):
            m.d.sync += [news.eq(0), urgent.eq(0)]
        missing = Signal()
        with m.If(receiver.intact & (receiver.kind == Kind.HELLO)):
            # A HELLO of this session behind its first command is a late copy.
            m.d.comb += self.reset.eq(~commanded | (receiver.session != session))
        with m.Elif(of_session):
            with m.If(known <= sent):
                m.d.sync += acknowledged.eq(receiver.ack)
            with m.If(expected):
                m.d.sync += [awaited.eq(awaited + 1), pushed.eq(receiver.push), missed.eq(0), news.eq(1)]
                m.d.sync += commanded.eq(1)
            with m.Elif(receiver.kind == Kind.DATA):
                m.d.comb += missing.eq(~ahead[-1])
                # Behind: the host has missed the acknowledgement.
                m.d.sync += news.eq(1)
        with m.If(missing | receiver.damaged):
            m.d.sync += missed.eq(1)
            with m.If(~missed):
                m.d.sync += urgent.eq(1)
        with m.If(sender.nothing):
            m.d.sync += urgent.eq(1)

        # --- what the host is told, and when -----------------------------------------------------------------------
        rest, told_rest, was_malformed = Signal(), Signal(), Signal()
        released = unpacker.address[-8:]
        unit_before = Signal()
        m.d.comb += rest.eq(unpacker.waiting & ~self.busy & ~self.responses.valid & packer.starting)
        m.d.sync += was_malformed.eq(unpacker.malformed)
        with m.If(unpacker.malformed & ~was_malformed):
            m.d.sync += urgent.eq(1)
        with m.If(framer.telling):
            m.d.sync += told_rest.eq(rest)
        with m.Elif(~rest):
            m.d.sync += told_rest.eq(0)

        m.d.sync += unit_before.eq(released[0])
        with m.If(released[0] != unit_before):
            m.d.sync += news.eq(1)

        # The linger is a power of two: the highest bit says that it has passed.
        something, linger = Signal(), Signal(link.linger.bit_length())
        m.d.comb += something.eq(framer.holds_records | news | rest & ~told_rest)
        with m.If(~something):
            m.d.sync += linger.eq(0)
        with m.Elif(~linger[-1]):
            m.d.sync += linger.eq(linger + 1)
        waited = sender.idle & linger[-1]
        m.d.comb += [
            framer.starting.eq(packer.starting),
            framer.enable.eq(opened),
            framer.wanted.eq(urgent | waited | rest & pushed & something),
            framer.session.eq(session),
            framer.ack.eq(awaited),
            framer.released.eq(released),
            framer.flags[Flag.REST].eq(rest & told_rest),
            framer.flags[Flag.RESEND].eq(missed),
            framer.flags[Flag.MALFORMED].eq(unpacker.malformed),
            framer.check.eq(packer.check),
            packer.turn.eq(framer.turn),
            framer.kept.eq(sender.kept),
            framer.window_full.eq(sent[WINDOW.bit_length() - 1 :].any()),
        ]

        with m.If(self.reset):
            m.d.sync += [opened.eq(1), session.eq(receiver.session), awaited.eq(0), acknowledged.eq(0)]
            m.d.sync += [signal.eq(0) for signal in (commanded, pushed, missed, urgent, news, told_rest, unit_before)]
            m.d.sync += linger.eq(0)
        return m
