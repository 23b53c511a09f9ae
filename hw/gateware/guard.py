"""Guard of one tile's write gate: longest pulse, and compliance behind a blanking time."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.registers import CYCLE_BITS, WIDTH_BITS

SYNCHRONIZER_STAGES = 2
"""Flip-flops between the compliance pin and the decision: a trip reaches the gate this many cycles and one later."""


class GateGuard(wiring.Component):
    """Watches the gate on its own, so that no error of the sequencer can hold it open.

    Attributes
    ----------
    write_gate : In
        The gate's pin.
    limit_width, blanking : In
        Registers.
    compliance : In
        Asynchronous pin.
    expired : Out
        The gate has been open for the longest allowed width: it must close in the next cycle.
    tripped : Out
        The current limit was hit while the gate was open and blanking was over.
    opened_before : Out
        Cycles for which the gate has been open before this one.
    """

    write_gate: In(1)
    limit_width: In(WIDTH_BITS)
    blanking: In(CYCLE_BITS)
    compliance: In(1)
    expired: Out(1)
    tripped: Out(1)
    opened_before: Out(WIDTH_BITS)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        hit = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.compliance, hit, stages=SYNCHRONIZER_STAGES)
        # Cycles for which the gate has been open, this one included.
        opened = Signal(WIDTH_BITS)
        before = self.opened_before
        m.d.comb += opened.eq(before + 1)
        with m.If(self.write_gate):
            m.d.sync += before.eq(opened)
        with m.Else():
            m.d.sync += before.eq(0)
        m.d.comb += [
            self.expired.eq(self.write_gate & (opened >= self.limit_width)),
            self.tripped.eq(self.write_gate & hit & (before >= self.blanking)),
        ]
        return m
