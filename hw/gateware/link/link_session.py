"""The session of a link: which frames are taken, which are acknowledged, and when the controller is reset."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.link.frames import WINDOW, FrameKind

from .frame_receiver import FrameSignature


class SessionSignature(wiring.Signature):
    """What the rest of the link hears of the session.

    Members
    -------
    opened : Out(1)
        There is a session.
    session : Out
        Its number.
    awaited : Out(8)
        Number of the next frame that the host sends.
    pushed : Out(1)
        The last frame that was taken asks for an answer as soon as everything is done.
    missed : Out(1)
        A frame is missing.
    heard : Out(1)
        A frame with commands has come: the host has to know where the board is.
    alarmed : Out(1)
        A frame is found to be missing.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "opened": Out(1),
                "session": Out(4),
                "awaited": Out(8),
                "pushed": Out(1),
                "missed": Out(1),
                "heard": Out(1),
                "alarmed": Out(1),
            }
        )


class LinkSession(wiring.Component):
    """Decides what a frame of the host does.

    Members
    -------
    frame : In(FrameSignature)
    next_seq : In(8)
        Number of the next frame to the host.
    acknowledged : Out(8)
        Number of the first frame that the host does not have.
    window_full : Out(1)
        So many frames are not acknowledged that no other may be begun.
    again : Out(1)
        What is not acknowledged is to be sent again.
    keep : Out(1)
        With ``frame.intact``: its payload is to be kept.
    reset : Out(1)
        A session starts.
    alive : Out(1)
        The host has been heard in this session.
    session : Out(SessionSignature)
    """

    frame: In(FrameSignature())
    next_seq: In(8)
    acknowledged: Out(8)
    window_full: Out(1)
    again: Out(1)
    keep: Out(1)
    reset: Out(1)
    alive: Out(1)
    session: Out(SessionSignature())

    def elaborate(self, platform) -> Module:
        m = Module()
        frame, session = self.frame, self.session
        commanded = Signal()
        ahead, sent, known = Signal(8), Signal(8), Signal(8)
        of_session, expected, missing = Signal(), Signal(), Signal()
        m.d.comb += [
            # A frame without a kind is nobody's, whatever its CRC says.
            of_session.eq(frame.intact & session.opened & (frame.session == session.session) & frame.kind.any()),
            ahead.eq(frame.seq - session.awaited),
            expected.eq(of_session & (frame.kind == FrameKind.DATA) & (ahead == 0)),
            self.alive.eq(of_session),
            self.keep.eq(expected),
            sent.eq(self.next_seq - self.acknowledged),
            known.eq(frame.ack - self.acknowledged),
            self.again.eq(of_session & (frame.kind != FrameKind.HELLO) & frame.resend),
            self.window_full.eq(sent[WINDOW.bit_length() - 1 :].any()),
            # A frame that was taken, or one that is behind: the host has missed the acknowledgement.
            session.heard.eq(of_session & (frame.kind == FrameKind.DATA)),
            session.alarmed.eq((missing | frame.damaged) & ~session.missed),
        ]
        with m.If(frame.intact & (frame.kind == FrameKind.HELLO)):
            # A HELLO of this session behind its first command is a late copy.
            m.d.comb += self.reset.eq(~commanded | (frame.session != session.session))
        with m.Elif(of_session):
            with m.If(known <= sent):
                m.d.sync += self.acknowledged.eq(frame.ack)
            with m.If(expected):
                m.d.sync += [session.awaited.eq(session.awaited + 1), session.pushed.eq(frame.push)]
                m.d.sync += [session.missed.eq(0), commanded.eq(1)]
            with m.Elif(frame.kind == FrameKind.DATA):
                m.d.comb += missing.eq(~ahead[-1])
        with m.If(missing | frame.damaged):
            m.d.sync += session.missed.eq(1)
        with m.If(self.reset):
            m.d.sync += [
                session.opened.eq(1),
                session.session.eq(frame.session),
                *(each.eq(0) for each in (session.awaited, session.pushed, session.missed)),
                self.acknowledged.eq(0),
                commanded.eq(0),
            ]
        return m
