"""The time of a tile's phases: how long each lasts, and which cycle of it this is."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.protocol.layouts import WIDTH_BITS
from twinbar.hw.protocol.registers import COMPARE

from ..front_end.handshake import FrontEndDurations
from ..register_access import RegisterAccessSignature
from ..tile_states import TileState, is_open_loop
from .command_decoder import CommandPlan
from .duration_memory import COMPARE_ROW, CYCLE_BITS, ROW_BITS, DurationMemory
from .phase_timer import MARK_BITS, ClockSignature, PhaseTimer
from .pulse_plan import GroupSignature


class PhaseClock(wiring.Component):
    """Tells the first and the last cycle of every phase whose length is known.

    Parameters
    ----------
    compare : bool
        Cells can be compared.

    Members
    -------
    clock : In(ClockSignature)
    state, plan, gain : In
        What the tile does in this cycle.
    last_group, last_response : In(1)
        Of a multiplication: the group that is converted, or the response, is the last of its step.
    width : In
        Of the pulse that may follow: unchanged since the cycle before its first one.
    wait : In
        Cycles that WAIT waits.
    group : In(GroupSignature)
    registers : In(RegisterAccessSignature)
    durations : Out(FrontEndDurations)
        For front ends that have times of their own.
    mark, nears_mark
        See `PhaseTimer`.

    Attributes
    ----------
    timer
        Whose count the proofs look at.
    """

    clock: In(ClockSignature())
    state: In(TileState)
    plan: In(CommandPlan)
    gain: In(1)
    last_group: In(1)
    last_response: In(1)
    width: In(WIDTH_BITS)
    wait: In(WIDTH_BITS)
    group: In(GroupSignature())
    registers: In(RegisterAccessSignature())
    durations: Out(FrontEndDurations)
    mark: In(MARK_BITS)
    nears_mark: Out(1)

    def __init__(self, *, compare: bool = False) -> None:
        self._compare = compare
        self.timer = PhaseTimer()
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.durations = durations = DurationMemory(compare=self._compare)
        m.submodules.timer = timer = self.timer
        connect(m, flipped(self.clock), timer.clock)
        m.d.comb += [
            durations.write.eq(self.registers.write_duration),
            durations.write_row.eq(self.registers.address[:ROW_BITS]),
            durations.cycles.eq(self.registers.value[:CYCLE_BITS]),
            self.durations.eq(durations.at_once),
            timer.duration.eq(durations.duration),
            timer.pulse.eq(self.state == TileState.PULSE),
            timer.width.eq(self.width),
            timer.wait.eq(self.state == TileState.WAIT),
            timer.wait_cycles.eq(self.wait),
            timer.fetches.eq(self.state == TileState.ACCESS),
            timer.mark.eq(self.mark),
            self.nears_mark.eq(timer.nears_mark),
        ]
        if self._compare:
            with m.If(self.registers.address == COMPARE.address):
                m.d.comb += durations.write_row.eq(COMPARE_ROW)
        # The only phase with a duration that can follow this one. When this one ends is known late, and this is not.
        upcoming = Signal(TileState, init=TileState.SELECT)
        m.d.comb += durations.row.eq(upcoming.as_value()[:ROW_BITS])
        plan, group = self.plan, self.group
        with m.Switch(self.state):
            with m.Case(TileState.SELECT):
                m.d.comb += upcoming.eq(Mux(is_open_loop(plan.follows) | group.leads, TileState.DRIVE, plan.follows))
            with m.Case(TileState.CONNECT_READ, TileState.CONNECT_MULTIPLY, TileState.CONVERT):
                m.d.comb += upcoming.eq(TileState.CONVERT)
                if self._compare:
                    with m.If(group.comparing):
                        m.d.comb += durations.row.eq(COMPARE_ROW)
            with m.Case(TileState.DECIDE):
                with m.If(plan.product):
                    m.d.comb += upcoming.eq(Mux(self.last_group, TileState.SELECT, TileState.CONVERT))
                with m.Else():
                    m.d.comb += upcoming.eq(Mux(self.gain | group.closes, TileState.CONNECT_READ, TileState.DRIVE))
            with m.Case(TileState.PULSE):
                m.d.comb += upcoming.eq(TileState.RECOVER)
            with m.Case(TileState.RECOVER):
                m.d.comb += upcoming.eq(Mux(plan.closed_loop & ~group.turns, TileState.CONNECT_READ, TileState.DRIVE))
            with m.Case(TileState.RESPOND):
                m.d.comb += upcoming.eq(Mux(self.last_response, TileState.SELECT, TileState.CONVERT))
        return m
