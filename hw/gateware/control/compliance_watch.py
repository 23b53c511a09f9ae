"""What the compliance input does to a pulse."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.vocabulary import ComplianceAction

from .register_file import Compliance


class ComplianceWatch(wiring.Component):
    """Ends a pulse, or trips, when the current reaches its limit after the blanking time.

    Members
    -------
    pulsing : In(1)
        The write gate is open.
    nears : In(1)
        The next cycle of the pulse is the last of the blanking time.
    compliance : In(Compliance)
        The register.
    limited : In(1)
        Synchronised compliance input.
    ended : Out(1)
        The pulse ends with this cycle.
    trip : Out(1)
        A compliance fault: it halts the tile with this cycle.

    Attributes
    ----------
    nearly, may_trip, may_end : Signal
        The blanking time has passed with the next cycle; it has, and this is what follows. For the proofs.
    """

    pulsing: In(1)
    nears: In(1)
    compliance: In(Compliance)
    limited: In(1)
    ended: Out(1)
    trip: Out(1)

    def __init__(self) -> None:
        self.nearly = Signal()
        self.may_trip = Signal()
        self.may_end = Signal()
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        # Known one cycle ahead whether the blanking time has passed, because every halt depends on it.
        unblanked, brief = Signal(), Signal()
        nearly, may_trip, may_end = self.nearly, self.may_trip, self.may_end
        blanking, action = self.compliance.blanking, self.compliance.action
        m.d.comb += [
            brief.eq(~blanking[1:].any()),
            unblanked.eq(Mux(self.pulsing, may_trip | may_end | nearly | brief, brief & ~blanking[0])),
            self.trip.eq(self.pulsing & self.limited & may_trip),
            self.ended.eq(self.pulsing & self.limited & may_end),
        ]
        m.d.sync += [
            nearly.eq(self.pulsing & self.nears),
            may_trip.eq(unblanked & (action == ComplianceAction.FAULT)),
            may_end.eq(unblanked & (action == ComplianceAction.END_PULSE)),
        ]
        return m
