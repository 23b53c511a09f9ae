"""Safety of a tile: arming, latched faults, halts, and the watchdog."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import WIDTH_BITS, Faults
from twinbar.hw.protocol.vocabulary import Mode

from ..controller_config import ControllerConfig


class Supervisor(wiring.Component):
    """Decides whether a tile may touch its array, and stops it.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    safe, abort : In(1)
        A SAFE, or an ABORT for this tile, is presented.
    accepted : In(1)
        The controller accepts a command beat, or a link has heard its host.
    ended : In(1)
        The cascade that the tile runs has ended.
    stop, fault, trip : In(1)
        Synchronised stop and front-end fault inputs; compliance fault.
    arm : In(1)
        The records were checked and are good.
    arm_mode : In(Mode)
    disarm, clear, answered : In(1)
        A command disarms, clears faults, or answers a SAFE or ABORT.
    watchdog : In
        The register.
    halt : Out(1)
        What the tile does ends with this cycle. Combinational.
    faulted : Out(1)
        A fault is the cause.
    make_safe : Out(1)
        The drive goes to its safe codes at the end of this cycle.
    mode : Out(Mode)
    faults : Out(Faults)
    aborting : Out(1)
        A SAFE or ABORT is not answered yet.

    Attributes
    ----------
    left, over : Signal
        Cycles that the watchdog still waits, and whether it has waited long enough: the proof looks at them.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.left = Signal(WIDTH_BITS)
        self.over = Signal()
        super().__init__(
            {
                "safe": In(1),
                "abort": In(1),
                "accepted": In(1),
                "ended": In(1),
                "stop": In(1),
                "fault": In(1),
                "trip": In(1),
                "arm": In(1),
                "arm_mode": In(Mode),
                "disarm": In(1),
                "clear": In(1),
                "answered": In(1),
                "watchdog": In(WIDTH_BITS),
                "halt": Out(1),
                "faulted": Out(1),
                "make_safe": Out(1),
                "mode": Out(Mode),
                "faults": Out(Faults),
                "aborting": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        armed = self.mode != Mode.SAFE

        left, over = self.left, self.over  # `over` a cycle ahead, because everything waits for a halt
        with m.If(armed & ~self.accepted):
            m.d.sync += [left.eq(left - 1), over.eq((left == 1) & self.watchdog.any())]
        with m.Else():
            m.d.sync += [left.eq(self.watchdog), over.eq(0)]

        events = {
            "compliance": self.trip,
            "watchdog": armed & over,
            "stop": self.stop & ~self.faults.stop,
            "front_end": self.fault & ~self.faults.front_end,
        }
        with m.If(self.clear):
            m.d.sync += self.faults.eq(0)
        for name, event in events.items():
            with m.If(event):
                m.d.comb += self.faulted.eq(1)
                m.d.sync += self.faults[name].eq(1)

        m.d.comb += [
            self.halt.eq(self.faulted | self.safe | self.abort | self.ended),
            self.make_safe.eq(self.faulted | self.safe | self.disarm),
        ]
        with m.If(self.make_safe):
            m.d.sync += self.mode.eq(Mode.SAFE)
        with m.Elif(self.arm):
            m.d.sync += self.mode.eq(self.arm_mode)

        # One may be on its way to the queue while others wait in it.
        unanswered = Signal(range(self.config.command_depth + 3))
        m.d.comb += self.aborting.eq(unanswered.any())
        m.d.sync += unanswered.eq(unanswered + (self.safe | self.abort) - self.answered)
        return m
