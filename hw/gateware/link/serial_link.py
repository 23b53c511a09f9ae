"""The link of a board: from a UART's pins to the streams of the controller."""

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.link.frames import FrameFlag
from twinbar.hw.link.front_end_number import DIRECT
from twinbar.hw.link.hello import Hello
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.layouts import Command, Response

from ..block_ram import block_ram
from ..controller_config import ControllerConfig
from .frame_receiver import FrameReceiver
from .framer import Framer
from .link_session import LinkSession
from .packer import Packer
from .report_timer import ReportTimer
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
        What the board says of its front end (`twinbar.hw.link.front_end_number`).

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
    alive : Out(1)
        An intact frame of the session has come.
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
                "alive": Out(1),
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
        m.submodules.session = session = LinkSession()
        m.submodules.report = report = new(ReportTimer(link.linger))

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

        # --- the session -------------------------------------------------------------------------------------------
        connect(m, receiver.frame, session.frame)
        connect(m, session.session, report.session)
        state, released = session.session, unpacker.address[-8:]
        m.d.comb += [
            self.reset.eq(session.reset),
            self.alive.eq(session.alive),
            session.next_seq.eq(framer.seq),
            receiver.keep.eq(session.keep),
            receiver.forget.eq(self.reset),
            sender.acknowledged.eq(session.acknowledged),
            sender.again.eq(session.again),
            report.telling.eq(framer.telling),
            report.resting.eq(unpacker.waiting & ~self.busy & ~self.responses.valid & packer.starting),
            report.malformed.eq(unpacker.malformed),
            report.released.eq(released),
            report.holds_records.eq(framer.holds_records),
            report.idle.eq(sender.idle),
            report.nothing.eq(sender.nothing),
            framer.starting.eq(packer.starting),
            framer.enable.eq(state.opened),
            framer.wanted.eq(report.wanted),
            framer.session.eq(state.session),
            framer.ack.eq(state.awaited),
            framer.released.eq(released),
            framer.flags[FrameFlag.REST].eq(report.told_rest),
            framer.flags[FrameFlag.RESEND].eq(state.missed),
            framer.flags[FrameFlag.MALFORMED].eq(unpacker.malformed),
            framer.check.eq(packer.check),
            packer.turn.eq(framer.turn),
            framer.kept.eq(sender.kept),
            framer.window_full.eq(session.window_full),
        ]
        return m
