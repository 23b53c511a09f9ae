"""Counts the cycles of every phase, and the actions."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.actions import Action
from twinbar.hw.protocol.registers import COUNTED_ACTIONS, COUNTER_BITS, OPTIONAL_COUNTERS
from twinbar.hw.timing import PHASES

from .pending_counts import PendingCounts
from .tally import Tally

RUN_BITS = 8
BEFORE = len(PHASES)
"""Place in which the cycle before the first one is counted."""


def counted_places(optional: Sequence[Action] = ()) -> int:
    """Return the places for the actions of a controller that counts these beyond those of all."""
    return max(action for action in COUNTED_ACTIONS if action in optional or action not in OPTIONAL_COUNTERS) + 1


class Counters(wiring.Component):
    """Counts the cycles of every phase, the actions, and the commands that start.

    Parameters
    ----------
    optional : sequence of Action
        Further actions that can happen in any cycle.

    Members
    -------
    phase : In
        Phase of this cycle.
    act, action, amount : In
        ``amount`` times ``action`` happened in this cycle.
    started : In(1)
        A command is popped. It is counted in a cycle without another action; a few may wait.
    happened : In
        Which of the optional actions happen in this cycle; they may wait likewise.
    urgent : In(1)
        The action ``action_index`` is read from the cycle after the next on: what waits of it is counted in the next.
    reads : In(1)
        It is read in this cycle or one of the next: nothing that waits is counted.
    phase_index, action_index : In
    phase_value, action_value : Out
        See `Tally`.

    Attributes
    ----------
    optional : tuple of Action
    pending : PendingCounts or None
        Where there are any, what waits; the proofs look at it.
    late : Signal
        What of it happened in the cycle before.
    waiting, counted : Signal
        Else, commands that wait, and whether some were counted in the cycle before.
    """

    def __init__(self, optional: Sequence[Action] = ()) -> None:
        self.optional = tuple(optional)
        self.waiting = Signal(3, reset_less=True)
        self.counted = Signal(reset_less=True)
        self._places = places = counted_places(optional)
        actions = (Action.COMMAND_BEAT, *self.optional)
        self.pending = PendingCounts(actions, places) if self.optional else None
        self.late = Signal(len(actions), reset_less=True)
        super().__init__(
            {
                "phase": In(range(len(PHASES))),
                "act": In(1),
                "action": In(range(places)),
                "amount": In(7),
                "started": In(1),
                **({"happened": In(len(self.optional)), "urgent": In(1), "reads": In(1)} if self.optional else {}),
                "phase_index": In(range(len(PHASES))),
                "action_index": In(range(places)),
                "phase_value": Out(COUNTER_BITS),
                "action_value": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.phases = phases = Tally(len(PHASES) + 1, RUN_BITS)
        m.submodules.actions = actions = Tally(self._places, 7)

        # Everything is counted one cycle late, because what ends a phase is known late in its last cycle.
        now = Signal.like(self.phase, init=BEFORE, reset_less=True)
        acted = Signal(reset_less=True)
        action = Signal.like(self.action, reset_less=True)
        amount = Signal.like(self.amount, reset_less=True)
        m.d.sync += [now.eq(self.phase), acted.eq(self.act), action.eq(self.action), amount.eq(self.amount)]

        # A run of cycles of the same phase is added when it ends, or when its length no longer fits.
        last = Signal.like(now)
        run = Signal(RUN_BITS, reset_less=True)
        m.d.comb += [
            phases.add.eq((now != last) | run.all()),
            phases.index.eq(last),
            phases.amount.eq(run),
            phases.read_index.eq(self.phase_index),
            self.phase_value.eq(phases.value),
        ]
        m.d.sync += last.eq(now)
        with m.If(phases.add):
            m.d.sync += run.eq(1)
        with m.Else():
            m.d.sync += run.eq(run + 1)

        m.d.comb += [
            actions.index.eq(action),
            actions.amount.eq(amount),
            actions.read_index.eq(self.action_index),
            self.action_value.eq(actions.value),
        ]
        if self.pending is not None:
            self._count_waiting(m, actions, acted, self.pending)
        else:
            self._count_started(m, actions, acted)
        return m

    def _count_started(self, m: Module, actions: Tally, acted: Signal) -> None:
        # Commands start at most once per cycle, and no other action happens while LOAD follows LOAD.
        waiting = self.waiting
        counted = self.counted  # not twice in a row, see `Tally`
        count = Signal()
        m.d.comb += [count.eq(~acted & ~counted & waiting.any()), actions.add.eq(acted | count)]
        with m.If(count):
            m.d.comb += [actions.index.eq(Action.COMMAND_BEAT), actions.amount.eq(waiting)]
        m.d.sync += [counted.eq(count), waiting.eq(waiting - (waiting & count.replicate(3)) + self.started)]

    def _count_waiting(self, m: Module, actions: Tally, acted: Signal, pending: PendingCounts) -> None:
        m.submodules.pending = pending
        # Whether a command starts is known late in a cycle.
        m.d.sync += self.late.eq(Cat(self.started, self.happened))
        m.d.comb += [
            pending.happened.eq(self.late),
            pending.free.eq(~acted & ~self.reads),
            pending.urgent.eq(self.urgent),
            pending.wanted.eq(self.action_index),
            actions.add.eq(acted | pending.count),
        ]
        # Whether something that waits is counted is known late, but what it would be is known early.
        with m.If(~acted):
            m.d.comb += [actions.index.eq(pending.action), actions.amount.eq(pending.amount)]
