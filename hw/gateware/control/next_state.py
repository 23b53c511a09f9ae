"""The state that follows a state of the sequencer."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.vocabulary import Status

from ..drive.arming import ScanSignature
from ..readout.output_walk import WalkSignature
from ..readout.verdict import VerdictSignature
from ..tile_states import ON_ARRAY, TileState, is_any, is_open_loop
from .command_decoder import CommandPlan
from .phase_timer import ClockSignature
from .pulse_plan import BudgetSignature, GroupSignature


class NextState(wiring.Component):
    """Says which state follows, and what is opened for it. Combinational.

    Parameters
    ----------
    chain : bool
        There are transfers.

    Members
    -------
    state : In(TileState)
    plan : In(CommandPlan)
    waits, starts : In
        A command waits, and the state in which it would start.
    halt : In(1)
    done : In(1)
        See `FrontEndSignature`.
    ended : In(1)
        See `ComplianceWatch`.
    register_status : In(Status)
        See `RegisterFile`.
    reads_register : In(1)
        The command reads a register.
    handed_over, answered : In(1)
        A response or an output is taken in this cycle; the command ends with it.
    continues : In(1)
        A multiplication that responds goes on with its next group.
    scan : In(ScanSignature)
    verdict : In(VerdictSignature)
    budget : In(BudgetSignature)
    group : In(GroupSignature)
    clock : Out(ClockSignature)
    walk : Out(WalkSignature)
    following : Out(TileState)
        The state of the next cycle.
    ready, popped : Out(1)
        A command may start with the next cycle; one does.
    halted : Out(1)
        A halt ends the command.
    opens, reads : Out(1)
        The write gate is open, and the read path is on, in the next cycle, unless halted.
    drives : Out(1)
        DRIVE follows whatever is read, unless halted.

    Attributes
    ----------
    transferred : Signal
        To be driven where there are transfers: this is the last cycle of one.
    """

    state: In(TileState)
    plan: In(CommandPlan)
    waits: In(1)
    starts: In(TileState)
    halt: In(1)
    done: In(1)
    ended: In(1)
    register_status: In(Status)
    reads_register: In(1)
    handed_over: In(1)
    answered: In(1)
    continues: In(1)
    scan: In(ScanSignature())
    verdict: In(VerdictSignature())
    budget: In(BudgetSignature())
    group: In(GroupSignature())
    clock: Out(ClockSignature())
    walk: Out(WalkSignature())
    following: Out(TileState)
    ready: Out(1)
    popped: Out(1)
    halted: Out(1)
    opens: Out(1)
    reads: Out(1)
    drives: Out(1)

    def __init__(self, *, chain: bool = False) -> None:
        self._chain = chain
        self.transferred = Signal()
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        onward = Signal(TileState)  # what follows, unless halted; IDLE, which is 0, where others are ORed to it
        m.d.comb += [onward.eq(self.state), self.clock.restart.eq(1)]
        with m.Switch(self.state):
            self._leave_housekeeping(m, onward)
            self._leave_array(m, onward)
            with m.Case(TileState.DECIDE):
                m.d.comb += onward.eq(TileState.IDLE)
            with m.Case(TileState.RESPOND):
                with m.If(self.answered):
                    m.d.comb += [onward.eq(TileState.IDLE), self.ready.eq(1)]
                with m.Elif(self.handed_over):
                    m.d.comb += self.walk.next_output.eq(1)
                    with m.If(self.walk.last_of_group & self.continues & ~self.halt):
                        m.d.comb += [onward.eq(TileState.CONVERT), self.reads.eq(1)]

        haltable = Signal()
        with m.Switch(self.state):
            with m.Case(*ON_ARRAY, TileState.SCAN, TileState.WAIT):
                m.d.comb += haltable.eq(1)
            with m.Case(TileState.DECODE):
                m.d.comb += haltable.eq(is_any(self.plan.follows, (TileState.SCAN, TileState.WAIT)))
        m.d.comb += [
            self.halted.eq(self.halt & haltable),
            self.popped.eq(self.ready & self.waits & ~self.halt),
        ]
        # Apart from the rest, because the code is known late, and whether and how a command starts.
        decided, deciding = self._decide(m), self.state == TileState.DECIDE
        following = onward.as_value() | Mux(self.popped, self.starts, 0) | Mux(deciding, decided, 0)
        m.d.comb += [
            self.following.eq(Mux(self.halted, TileState.RESPOND, following)),
            self.opens.eq(Mux(deciding, self.budget.again & ~self.budget.needed, onward == TileState.PULSE)),
        ]
        return m

    def _decide(self, m: Module) -> Signal:
        """Say what follows DECIDE unless it is halted, and move the walk."""
        decided = Signal(TileState, init=TileState.RESPOND)
        product, walk, verdict = self.plan.product, self.walk, self.verdict
        searches = verdict.gain & ~verdict.last_bit
        with m.If(self.budget.again):  # only a write or a forming step pulses again
            m.d.comb += decided.eq(Mux(self.budget.needed, TileState.DRIVE, TileState.PULSE))
        with m.Elif(product & ~walk.last_step):
            m.d.comb += decided.eq(Mux(walk.last_group, TileState.SELECT, TileState.CONVERT))
        with m.Elif(searches | self.group.closes):
            m.d.comb += decided.eq(TileState.CONNECT_READ)
        with m.If(self.state == TileState.DECIDE):
            m.d.comb += [
                walk.next_step.eq(product & ~walk.last_step & walk.last_group),
                walk.next_group.eq(product & ~walk.last_step & ~walk.last_group),
                self.reads.eq(searches | walk.next_group | self.group.closes),
            ]
        return decided

    def _leave_housekeeping(self, m: Module, onward) -> None:
        """Leave the states that do not touch the array."""
        clock, plan = self.clock, self.plan
        with m.Case(TileState.IDLE, TileState.LOAD):
            m.d.comb += [onward.eq(TileState.IDLE), self.ready.eq(1)]
        if self._chain:
            with m.Case(TileState.TRANSFER), m.If(self.transferred):
                m.d.comb += [onward.eq(TileState.IDLE), self.ready.eq(1)]
        with m.Case(TileState.DECODE):
            m.d.comb += onward.eq(plan.follows)
            with m.If(plan.accesses & (self.register_status != Status.OK)):
                m.d.comb += onward.eq(TileState.RESPOND)
        with m.Case(TileState.ACCESS):
            m.d.comb += clock.restart.eq(0)
            with m.If(Mux(self.reads_register, clock.fetched, 1)):
                m.d.comb += onward.eq(TileState.RESPOND)
        with m.Case(TileState.WAIT):
            m.d.comb += clock.restart.eq(clock.last)
            with m.If(clock.last):
                m.d.comb += onward.eq(TileState.RESPOND)
        with m.Case(TileState.SCAN), m.If(self.scan.last):
            m.d.comb += onward.eq(TileState.RESPOND)

    def _leave_array(self, m: Module, onward) -> None:
        """Leave the states that touch the array."""
        clock, plan, group = self.clock, self.plan, self.group
        open_loop, pulse = is_open_loop(plan.follows), Mux(self.budget.needed, TileState.DRIVE, TileState.PULSE)
        pulses_first = open_loop | group.leads
        with m.Case(TileState.SELECT):
            m.d.comb += clock.restart.eq(self.done)
            with m.If(self.done):
                m.d.comb += [
                    onward.eq(
                        Mux(
                            pulses_first & self.budget.needed,
                            TileState.DRIVE,
                            Mux(group.leads, TileState.PULSE, plan.follows),
                        )
                    ),
                    self.drives.eq(pulses_first & self.budget.needed),
                    self.reads.eq(~pulses_first),
                ]
        with m.Case(TileState.CONNECT_READ, TileState.CONNECT_MULTIPLY):
            m.d.comb += [clock.restart.eq(self.done), self.reads.eq(1)]
            with m.If(self.done):
                m.d.comb += onward.eq(TileState.CONVERT)
        with m.Case(TileState.CONVERT):
            m.d.comb += [clock.restart.eq(self.done), self.reads.eq(1)]
            with m.If(self.done & (plan.product | self.verdict.last_sample)):
                m.d.comb += [onward.eq(TileState.DECIDE), self.reads.eq(0)]
        with m.Case(TileState.DRIVE):
            m.d.comb += clock.restart.eq(self.done)
            with m.If(self.done):
                m.d.comb += onward.eq(Mux(plan.follows == TileState.RESPOND, TileState.RESPOND, TileState.PULSE))
        with m.Case(TileState.PULSE):
            m.d.comb += clock.restart.eq(clock.last | self.ended)
            with m.If(clock.last | self.ended):
                m.d.comb += onward.eq(TileState.RECOVER)
        with m.Case(TileState.RECOVER):
            m.d.comb += clock.restart.eq(clock.last)
            with m.If(clock.last):
                with m.If(group.again):
                    m.d.comb += onward.eq(TileState.PULSE)
                with m.Elif(group.turns):
                    m.d.comb += [onward.eq(TileState.DRIVE), self.drives.eq(1)]
                with m.Elif(group.ends & ~group.closes):
                    m.d.comb += onward.eq(TileState.RESPOND)
                with m.Elif(plan.closed_loop):
                    m.d.comb += [onward.eq(TileState.CONNECT_READ), self.reads.eq(1)]
                with m.Elif(self.budget.more):
                    m.d.comb += [onward.eq(pulse), self.drives.eq(self.budget.needed)]
                with m.Else():
                    m.d.comb += onward.eq(TileState.RESPOND)
