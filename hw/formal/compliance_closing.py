"""The compliance input closes the gate: properties of a whole tile."""

from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal

from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.vocabulary import ComplianceAction

from .gate import always


class ComplianceProperties(Elaboratable):
    """Behind the blanking time, a current at its limit closes the gate with the cycle in which it is seen.

    The input is seen behind two registers; with them, the gate is closed in the third cycle after it at the latest.

    Parameters
    ----------
    control : component
        The room of the tile.
    """

    def __init__(self, control: Any) -> None:
        self._control = control

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        control, sequencer = self._control, self._control.sequencer
        gate, watch, seen = sequencer.write_gate, sequencer.watch, control.inputs[0]
        compliance = control.register_file.settings.compliance
        passed = Signal(WIDTH_BITS + 1)  # cycles of the pulse before this one
        counted = passed[:WIDTH_BITS] + 1
        m.d.sync += passed.eq(Cat(counted[:WIDTH_BITS], passed[-1] | counted[-1]))
        with m.If(~gate):
            m.d.sync += passed.eq(0)
        unblanked = passed >= compliance.blanking
        trips = (compliance.action == ComplianceAction.FAULT) & unblanked
        ends = (compliance.action == ComplianceAction.END_PULSE) & unblanked
        due, faulty = Signal(), Signal()
        m.d.sync += [due.eq(gate & seen & (trips | ends)), faulty.eq(gate & seen & trips)]
        always(m, ~due | ~gate, "gate closed in the cycle after the limit is seen")
        always(m, ~faulty | control.supervisor.faults.compliance, "the fault is latched where it is to be one")
        first = gate & (passed == 0)
        always(m, ~gate | first | (watch.may_trip == trips), "")
        always(m, ~gate | first | (watch.may_end == ends), "")
        always(m, ~first | (watch.may_trip == (trips & ~compliance.blanking.any())), "")
        always(m, ~first | (watch.may_end == (ends & ~compliance.blanking.any())), "")
        always(m, ~gate | first | unblanked | (watch.nearly == (passed + 1 == compliance.blanking)), "")
        always(m, ~gate | ((passed + 2)[:WIDTH_BITS] == control.clock.timer.next), "")
        return m
