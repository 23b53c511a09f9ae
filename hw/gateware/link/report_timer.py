"""When the board tells the host where it is."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .link_session import SessionSignature


class ReportTimer(wiring.Component):
    """Says when a frame to the host is ended: at once if something is wrong, else when enough has been gathered.

    Parameters
    ----------
    linger : int
        Cycles for which something to be told waits for more, a power of two.

    Members
    -------
    session : In(SessionSignature)
    telling : In(1)
        A frame takes over what is to be told.
    resting : In(1)
        Nothing is under way in unpacker, controller and packer.
    malformed : In(1)
        See `Unpacker`.
    released : In(8)
        Bytes of commands that the host may send again, in units.
    holds_records : In(1)
        A frame with records is begun.
    idle, nothing : In(1)
        See `Sender`.
    wanted : Out(1)
        A frame is to be ended.
    told_rest : Out(1)
        The frame says that the board rests.
    """

    def __init__(self, linger: int) -> None:
        self.linger = linger
        super().__init__(
            {
                "session": In(SessionSignature()),
                "telling": In(1),
                "resting": In(1),
                "malformed": In(1),
                "released": In(8),
                "holds_records": In(1),
                "idle": In(1),
                "nothing": In(1),
                "wanted": Out(1),
                "told_rest": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        news, urgent, told_rest = Signal(), Signal(), Signal()
        was_malformed, unit_before = Signal(), Signal()
        m.d.sync += [was_malformed.eq(self.malformed), unit_before.eq(self.released[0])]
        with m.If(self.telling):
            m.d.sync += [news.eq(0), urgent.eq(0)]
        with m.If(self.session.heard | (self.released[0] != unit_before)):
            m.d.sync += news.eq(1)
        with m.If(self.session.alarmed | self.nothing | self.malformed & ~was_malformed):
            m.d.sync += urgent.eq(1)
        with m.If(self.telling):
            m.d.sync += told_rest.eq(self.resting)
        with m.Elif(~self.resting):
            m.d.sync += told_rest.eq(0)

        # The linger is a power of two: the highest bit says that it has passed.
        something, linger = Signal(), Signal(self.linger.bit_length())
        with m.If(~something):
            m.d.sync += linger.eq(0)
        with m.Elif(~linger[-1]):
            m.d.sync += linger.eq(linger + 1)
        waited = self.idle & linger[-1]
        m.d.comb += [
            something.eq(self.holds_records | news | self.resting & ~told_rest),
            self.wanted.eq(urgent | waited | self.resting & self.session.pushed & something),
            self.told_rest.eq(self.resting & told_rest),
        ]
        return m
