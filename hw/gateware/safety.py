"""Safety of a controller: arming, watchdog, and faults that stay until they are cleared."""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.faults import Fault


class Safety(wiring.Component):
    """Decides whether pulses may be given. After a reset they may not.

    Attributes
    ----------
    arm, disarm, safe : In
        Commands. Arming has no effect while a fault is latched or raised.
    clear : In
        Faults to clear; one that is raised in the same cycle stays.
    raised : In
        Faults that the tiles see in this cycle.
    busy : In
        A tile carries out a command: `safe` then aborts it and latches `Fault.SAFE`.
    stop : In
        Asynchronous pin.
    watchdog : In
        Cycles of silence after which an armed controller trips; 0 switches the watchdog off.
    beat : In
        A command beat was accepted.
    armed, faults : Out
    """

    arm: In(1)
    disarm: In(1)
    safe: In(1)
    clear: In(Fault)
    raised: In(Fault)
    busy: In(1)
    stop: In(1)
    watchdog: In(32)
    beat: In(1)
    armed: Out(1)
    faults: Out(Fault)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stop = Signal()
        m.submodules.synchronizer = FFSynchronizer(self.stop, stop)
        silence = Signal(32)
        expired = Signal()
        m.d.comb += expired.eq(self.armed & (self.watchdog != 0) & (silence >= self.watchdog))
        with m.If(self.beat | ~self.armed):
            m.d.sync += silence.eq(0)
        with m.Else():
            m.d.sync += silence.eq(silence + 1)
        raised = Signal(Fault)
        m.d.comb += raised.eq(
            Value.cast(self.raised)
            | Mux(expired, Fault.WATCHDOG, 0)
            | Mux(stop, Fault.STOP, 0)
            | Mux(self.safe & self.busy, Fault.SAFE, 0)
        )
        latched = Value.cast(self.faults)
        m.d.sync += self.faults.eq((latched & ~Value.cast(self.clear)) | Value.cast(raised))
        with m.If(self.arm & (latched == 0)):
            m.d.sync += self.armed.eq(1)
        with m.If(self.disarm | self.safe | (Value.cast(raised) != 0) | (latched != 0)):
            m.d.sync += self.armed.eq(0)
        return m
