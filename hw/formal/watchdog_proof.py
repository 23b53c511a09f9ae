"""The watchdog: an armed tile that nobody speaks to is safe in time."""

from typing import Any

from amaranth.hdl import Assert, Cover, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.gateware.control.supervisor import Supervisor
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.vocabulary import Mode

from .gate import always
from .symbols import any_number

_EVENTS = ("safe", "abort", "accepted", "ended", "stop", "fault", "trip", "arm", "disarm", "clear", "answered")


class WatchdogProof(wiring.Component):
    """A supervisor with any events and any setting of the watchdog, which stays.

    That the gate and the read path are closed in the cycle after a halt, and the drive at its safe codes, is a
    property of the whole tile (`GateProperties`, `ArmedProperties`).

    Parameters
    ----------
    config : ControllerConfig
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__({**{name: In(1) for name in _EVENTS}, "arm_mode": In(Mode)})

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        m.submodules.supervisor = supervisor = Supervisor(self._config)
        watchdog = any_number(m, WIDTH_BITS, "watchdog")
        m.d.comb += [
            *(getattr(supervisor, name).eq(getattr(self, name)) for name in _EVENTS),
            supervisor.arm_mode.eq(self.arm_mode),
            supervisor.watchdog.eq(watchdog),
        ]
        armed = supervisor.mode != Mode.SAFE
        # Cycles before this one in which the tile was armed and nothing was accepted.
        quiet = Signal(WIDTH_BITS + 1)
        with m.If(armed & ~self.accepted):
            m.d.sync += quiet.eq(quiet + ~quiet.all())
        with m.Else():
            m.d.sync += quiet.eq(0)
        on = watchdog != 0
        due = on & armed & (quiet == watchdog)
        m.d.comb += [
            Assert(~(armed & on) | (quiet <= watchdog), "an armed tile is left alone for WATCHDOG cycles at most"),
            Assert(~due | supervisor.halt & supervisor.make_safe, "after WATCHDOG cycles the tile halts"),
            Assert(~(armed & on) | ((supervisor.left + quiet)[:WIDTH_BITS] == watchdog)),
            Assert(~(armed & on) | (supervisor.over == (quiet == watchdog))),
            Cover(due & (watchdog == 5) & ~self.safe & ~self.stop & ~self.fault & ~self.trip),
        ]
        was_due, calm = Signal(), Signal()
        m.d.sync += [
            was_due.eq(due),
            calm.eq(~due & ~self.stop & ~self.fault & ~self.trip & ~self.clear),
        ]
        faults, before = supervisor.faults.as_value(), Signal(len(supervisor.faults.as_value()))
        m.d.sync += before.eq(faults)
        with m.If(was_due):
            m.d.comb += [
                Assert(~armed, "in the next cycle the tile is safe"),
                Assert(supervisor.faults.watchdog, "and the fault is latched"),
            ]
        started = Signal()
        m.d.sync += started.eq(1)
        with m.If(started & calm):
            m.d.comb += Assert(faults == before, "no fault without its cause")
        self._latch(m, supervisor)
        return m

    def _latch(self, m: Module, supervisor: Supervisor) -> None:
        """State that each cause latches its fault, armed or not, and that what disarms wins."""
        causes = {
            "compliance": self.trip,
            # One that lasts while its fault is cleared latches it again a cycle later.
            "stop": self.stop & ~(self.clear & supervisor.faults.stop),
            "front_end": self.fault & ~(self.clear & supervisor.faults.front_end),
        }
        for name, cause in causes.items():
            latches = Signal(name=f"latches_{name}")
            m.d.sync += latches.eq(cause)
            always(m, ~latches | supervisor.faults[name], "each cause latches its fault, whether armed or not")
        new = self.trip | self.stop & ~supervisor.faults.stop | self.fault & ~supervisor.faults.front_end
        disarms = Signal()
        m.d.sync += disarms.eq(self.safe | self.disarm | new)
        always(
            m, ~disarms | (supervisor.mode == Mode.SAFE), "SAFE, DISARM and a new fault disarm, whatever else is asked"
        )
