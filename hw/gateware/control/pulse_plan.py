"""The pulses of a command: how many may still be given, by which record, and what the drive has to do before."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import PULSE_BITS, Command
from twinbar.hw.protocol.vocabulary import Opcode, Record

from ..controller_config import ControllerConfig
from ..drive.write_drive import PulseSignature
from ..readout.verdict import VerdictSignature
from ..tile_states import TileState
from .closing_read import ClosingRead
from .command_decoder import CommandPlan
from .table_plan import TablePlan, WriteTable


class BudgetSignature(wiring.Signature):
    """What the sequencer hears of the pulses that may be given.

    Members
    -------
    more : Out(1)
        Pulses are left.
    needed : Out(1)
        The next one takes an update of the drive.
    missed, again : Out(1)
        The code that was read is not where it should be; another pulse is given for it.
    """

    def __init__(self) -> None:
        super().__init__({"more": Out(1), "needed": Out(1), "missed": Out(1), "again": Out(1)})


class GroupSignature(wiring.Signature):
    """What the sequencer hears of the groups of a pulse table, and of comparisons; all 0 without them.

    Members
    -------
    leads : Out(1)
        A group comes before the first read of the command.
    again, turns, ends : Out(1)
        In RECOVER: another pulse of the group follows, a group of the other polarity does, the write ends.
    closes : Out(1)
        In DECIDE, or where the write ends: a read by conversions follows.
    failed : Out(1)
        In DECIDE: the write has failed.
    comparing, high_first : Out(1)
        Cells are compared, not converted; first with the upper bound of the window.
    """

    def __init__(self) -> None:
        names = ("leads", "again", "turns", "ends", "closes", "failed", "comparing", "high_first")
        super().__init__({name: Out(1) for name in names})


class PulsePlan(wiring.Component):
    """Counts the pulses of a command, and chooses the record of the next one.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    start : In(1)
        A command may start in the next cycle, with at most ``limit`` pulses.
    head : In(Command)
        It.
    limit : In
    plan : In(CommandPlan)
    command : In(Command)
        What runs.
    table : In(WriteTable)
        The register.
    verdict : In(VerdictSignature)
    state : In(TileState)
    last : In(1)
        Last cycle of the state, if that is RECOVER.
    pulsed : In(1)
        First cycle of a pulse.
    drives : In(1)
        The drive settles from the next cycle on, whatever was read.
    halt : In(1)
    budget : Out(BudgetSignature)
    group : Out(GroupSignature)
    sets, resets : Out
        Pulses that were given; forming pulses count as SET.
    pulse : Out(PulseSignature)

    Attributes
    ----------
    left, closing_reads : Signal
        Pulses that may still be given, and `ClosingRead.reads`, for the proofs.
    unsettled : Signal
        A halt has ended the last phase DRIVE: the next pulse takes an update, whatever is driven.
    """

    start: In(1)
    head: In(Command)
    limit: In(PULSE_BITS)
    plan: In(CommandPlan)
    command: In(Command)
    table: In(WriteTable)
    verdict: In(VerdictSignature())
    state: In(TileState)
    last: In(1)
    pulsed: In(1)
    drives: In(1)
    halt: In(1)
    budget: Out(BudgetSignature())
    group: Out(GroupSignature())
    sets: Out(PULSE_BITS)
    resets: Out(PULSE_BITS)
    pulse: Out(PulseSignature())

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.left, self.closing_reads, self.unsettled = Signal(PULSE_BITS), Signal(), Signal()
        super().__init__()

    def elaborate(self, platform) -> Module:
        m = Module()
        plan, pulse, verdict, budget = self.plan, self.pulse, self.verdict, self.budget
        left, outside = self.left, Signal()
        deciding, record = self.state == TileState.DECIDE, self.command.body.pulse.record
        m.d.comb += [
            budget.more.eq(left.any()),
            outside.eq(plan.closed_loop & (verdict.below | verdict.above & plan.writes)),
            budget.missed.eq(outside),
            budget.again.eq(budget.missed & budget.more),
            self.group.failed.eq(budget.missed & ~budget.more),
        ]
        with m.If(self.pulsed):
            m.d.sync += [left.eq(left - 1), pulse.first.eq(0)]
            with m.If(pulse.record == Record.RESET):
                m.d.sync += self.resets.eq(self.resets + 1)
            with m.Else():
                m.d.sync += self.sets.eq(self.sets + 1)
        with m.If(self.start):
            m.d.sync += [self.sets.eq(0), self.resets.eq(0), pulse.first.eq(1), left.eq(self.limit)]

        # Whether the record differs is known for both polarities before the code is.
        differs = Signal()
        with m.If(plan.writes):
            m.d.comb += [
                pulse.target.eq(Mux(verdict.below, Record.SET, Record.RESET)),
                differs.eq(Mux(verdict.below, pulse.record != Record.SET, pulse.record != Record.RESET)),
            ]
        with m.Elif(plan.closed_loop):
            m.d.comb += [pulse.target.eq(Record.FORM), differs.eq(pulse.record != Record.FORM)]
        with m.Else():
            m.d.comb += [pulse.target.eq(record), differs.eq(pulse.record != record)]
        m.d.comb += [
            budget.needed.eq(differs | pulse.stale | self.unsettled),
            pulse.begin.eq((self.drives | deciding & budget.again & budget.needed) & ~self.halt),
        ]
        with m.If(self.state == TileState.DRIVE):
            m.d.sync += self.unsettled.eq(self.halt)
        closing = self._compare(m, deciding, outside) if self.config.compare else None
        if self.config.pulse_entries:
            self._go_by_table(m, outside, closing)
        return m

    def _go_by_table(self, m: Module, outside: Signal, closing: ClosingRead | None) -> None:
        """Let a write take its pulses from the table, where it does."""
        m.submodules.entries = entries = TablePlan(self.config.pulse_entries, self.config.adc_bits)
        pulse, verdict, group, state = self.pulse, self.verdict, self.group, self.state
        arguments, by_table = self.command.body.write, Signal()
        recovering = state == TileState.RECOVER
        m.d.comb += [
            by_table.eq(self.plan.writes & self.table.use),
            entries.settings.eq(self.table),
            entries.start.eq(self.start),
            entries.begin_with.eq(self.head.body.write.entry),
            entries.resets.eq(arguments.polarity),
            entries.entry.eq(arguments.entry),
            entries.selecting.eq(state == TileState.SELECT),
            entries.deciding.eq(state == TileState.DECIDE),
            entries.recovering.eq(recovering),
            entries.turning.eq(recovering & self.last & entries.turns),
            entries.pulsed.eq(self.pulsed),
            entries.first.eq(pulse.first),
            entries.more.eq(self.budget.more),
            entries.below.eq(verdict.below),
            entries.short.eq(verdict.short),
            entries.excess.eq(verdict.excess),
            *(getattr(entries, name).eq(getattr(pulse, name)) for name in ("record", "held", "held_entry", "use")),
            group.leads.eq(by_table & arguments.first),
            group.again.eq(by_table & entries.again),
            group.turns.eq(by_table & entries.turns),
            group.ends.eq(by_table & entries.ends),
            pulse.by_entry.eq(by_table),
            pulse.entry.eq(entries.number),
        ]
        reading = closing.reads if closing is not None else Const(0)
        with m.If(by_table):
            m.d.comb += [
                self.budget.missed.eq(outside & ~entries.tolerated & ~reading),
                self.budget.needed.eq(entries.needed | self.unsettled),
                pulse.target.eq(entries.target),
            ]

    def _compare(self, m: Module, deciding, outside: Signal) -> ClosingRead:
        """Compare instead of converting, and read the code at the end."""
        m.submodules.closing = closing = ClosingRead()
        plan, pulse, group, budget = self.plan, self.pulse, self.group, self.budget
        arguments, verifies = self.command.body.write, self.command.opcode == Opcode.VERIFY
        m.d.comb += [
            closing.start.eq(self.start),
            closing.compares.eq(self.table.compare & (plan.writes | verifies)),
            closing.writes.eq(plan.writes),
            closing.wanted.eq(arguments.code),
            closing.deciding.eq(deciding),
            closing.missed.eq(outside),  # nothing is near that is compared
            closing.more.eq(budget.more),
            closing.ended.eq((self.state == TileState.RECOVER) & self.last & group.ends),
            closing.halt.eq(self.halt),
            group.closes.eq(closing.follows),
            group.failed.eq(Mux(closing.reads, closing.has_failed, budget.missed & ~budget.more & ~closing.comparing)),
            group.comparing.eq(closing.comparing),
            self.closing_reads.eq(closing.reads),
            group.high_first.eq(Mux(pulse.first, plan.writes & arguments.polarity, pulse.record == Record.RESET)),
        ]
        with m.If(closing.reads):
            m.d.comb += budget.missed.eq(0)
        return closing
