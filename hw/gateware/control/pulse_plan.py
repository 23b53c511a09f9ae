"""The pulses of a command: how many may still be given, by which record, and what the drive has to do before."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import PULSE_BITS
from twinbar.hw.protocol.vocabulary import Record

from ..drive.write_drive import PulseSignature
from ..readout.verdict import VerdictSignature
from .command_decoder import CommandPlan


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


class PulsePlan(wiring.Component):
    """Counts the pulses of a command, and chooses the record of the next one.

    Members
    -------
    start : In(1)
        A command may start in the next cycle, with at most ``limit`` pulses.
    limit : In
    plan : In(CommandPlan)
    record : In(Record)
        What PULSE and DRIVE ask for.
    verdict : In(VerdictSignature)
    deciding : In(1)
        It is compared in this cycle.
    pulsed : In(1)
        First cycle of a pulse.
    drives : In(1)
        The drive settles from the next cycle on, whatever was read.
    halt : In(1)
    budget : Out(BudgetSignature)
    sets, resets : Out
        Pulses that were given; forming pulses count as SET.
    pulse : Out(PulseSignature)
    """

    start: In(1)
    limit: In(PULSE_BITS)
    plan: In(CommandPlan)
    record: In(Record)
    verdict: In(VerdictSignature())
    deciding: In(1)
    pulsed: In(1)
    drives: In(1)
    halt: In(1)
    budget: Out(BudgetSignature())
    sets: Out(PULSE_BITS)
    resets: Out(PULSE_BITS)
    pulse: Out(PulseSignature())

    def elaborate(self, platform) -> Module:
        m = Module()
        plan, pulse, verdict, budget = self.plan, self.pulse, self.verdict, self.budget
        left = Signal(PULSE_BITS)
        m.d.comb += [
            budget.more.eq(left.any()),
            budget.missed.eq(plan.closed_loop & (verdict.below | verdict.above & plan.writes)),
            budget.again.eq(budget.missed & budget.more),
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
            m.d.comb += [pulse.target.eq(self.record), differs.eq(pulse.record != self.record)]
        m.d.comb += [
            budget.needed.eq(differs | pulse.stale),
            pulse.begin.eq((self.drives | self.deciding & budget.again & budget.needed) & ~self.halt),
        ]
        return m
