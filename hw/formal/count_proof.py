"""Counters lose nothing: neither what waits for a free cycle, nor the runs of cycles of a phase."""

from typing import Any

from amaranth.hdl import Assume, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from twinbar.hw.actions import Action
from twinbar.hw.gateware.accounts.counters import BEFORE, RUN_BITS, Counters
from twinbar.hw.gateware.accounts.tally import Tally
from twinbar.hw.protocol.registers import COUNTER_BITS
from twinbar.hw.timing import PHASES

from .count_use import MOST_OWED, CountUse
from .gate import always
from .symbols import any_number, opened


class CountProof(wiring.Component):
    """Follows any one action and any one phase, at the full width of their counters.

    Of the memories behind the counters it needs what `TallyProof` shows, and shows what that assumes.

    Parameters
    ----------
    optional : tuple of Action
        Actions beyond those of all controllers.
    """

    def __init__(self, optional: tuple[Action, ...]) -> None:
        self._counters = counters = Counters(optional)
        names = ("phase", "act", "action", "amount", "started", *(("happened", "urgent", "reads") if optional else ()))
        self._names = names
        more = {name: In(getattr(counters, name).shape()) for name in (*names, "phase_index", "action_index")}
        super().__init__(more)

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        counters = self._counters
        m.submodules.counters = inside = opened(counters, platform)
        m.d.comb += [
            getattr(counters, name).eq(getattr(self, name)) for name in (*self._names, "phase_index", "action_index")
        ]
        use = CountUse(m, counters)
        m.d.comb += [Assume(condition) for condition, _ in use.conditions]
        m.d.comb += Assume(self.phase < len(PHASES))
        self._count_actions(m, use, inside.submodules.actions)
        self._count_phases(m, inside.submodules.phases)
        return m

    def _count_actions(self, m: Module, use: CountUse, actions: Tally) -> None:
        """State that everything is counted, or waits to be."""
        counters, waits = self._counters, self._waits()
        which = any_number(m, len(self.action), "which")
        happened, counted = (
            Signal(COUNTER_BITS, name=name, reset_less=True) for name in ("happened_so_far", "counted")
        )
        mine = use.happens
        more = sum(
            (mine[each] & (which == each) for each in mine), Mux(self.act & (self.action == which), self.amount, 0)
        )
        m.d.sync += happened.eq(happened + more)
        given = Mux(actions.add & (actions.index == which), actions.amount, 0)
        m.d.sync += counted.eq(counted + given)
        last = Signal.like(self.amount, reset_less=True)
        action = Signal.like(self.action, reset_less=True)
        m.d.sync += [last.eq(self.amount), action.eq(self.action)]
        open_ = Mux(use.acted & (action == which), last, 0)
        waiting = sum((Mux(which == each, count + use.late[each], 0) for each, count in waits.items()), open_)
        always(m, (counted + waiting)[:COUNTER_BITS] == happened, "all that happened is counted, or waits to be")
        turns = len(waits)
        for place, (each, count) in enumerate(waits.items()):
            turn = 0 if counters.pending is None else counters.pending.turn
            distance = Mux(turn > place, turns + place - turn, place - turn) if turns > 1 else 0
            most = turns - 1 if turns > 1 else 1
            always(m, count + distance <= most + use.owed[each], "")
        always(m, (counters.pending.turn < turns) if counters.pending is not None else 1, "")
        self._bound_runs(m, use, actions, waits)
        if counters.pending is not None:
            self._read(m, use, waits)
        seen = (which == Action.COMMAND_BEAT) & (waits[Action.COMMAND_BEAT] == (MOST_OWED if turns == 1 else turns))
        m.d.comb += [Cover(seen), Cover((counted == 5) & (happened == 5) & (which == self.action) & use.acted)]

    def _waits(self) -> dict[Action, Signal]:
        """Return what waits of each action."""
        pending = self._counters.pending
        if pending is None:
            return {Action.COMMAND_BEAT: self._counters.waiting}
        return dict(zip(pending.actions, pending.waiting, strict=True))

    def _bound_runs(self, m: Module, use: CountUse, actions: Tally, waits: dict[Action, Signal]) -> None:
        """State what the tally asks of amounts for one counter in cycles that follow one another."""
        run, was, index = _followed(m, actions, "action", "the tally can hold what it has not written yet")
        pending, jumped = self._counters.pending, Signal(reset_less=True)
        if pending is not None:
            m.d.sync += jumped.eq(pending.jumps)
            always(m, ~pending.jumps | use.urged & (pending.first < len(waits)), "")
        for place, (each, count) in enumerate(waits.items()):
            mine = was & (index == each)
            if pending is None:
                always(m, self._counters.counted == mine, "")
            else:
                always(m, ~mine | (count == 0) | (pending.turn != place), "")
                always(m, ~mine | (count == 0) | ~jumped, "")
            always(m, ~mine | (count <= 1), "")
            always(m, ~mine | (run <= 15) | (run == 16) & (count == 0), "")
        acted = was & ~sum(index == each for each in waits).any()
        repeated = Signal(reset_less=True)
        m.d.sync += repeated.eq(use.repeated)
        always(m, ~acted | (run < (1 << len(actions.amount)) + repeated), "")
        always(m, ~use.repeated | (actions.amount == 1) & ~repeated, "")

    def _read(self, m: Module, use: CountUse, waits: dict[Action, Signal]) -> None:
        """State that a counter, from two cycles after it was asked for on, holds all that happened."""
        pending, soon = self._counters.pending, Signal()
        index, before = Signal.like(self.action_index), Signal.like(self.action_index)
        assert pending is not None
        m.d.sync += [index.eq(self.action_index), before.eq(index), soon.eq(use.urged)]
        for place, (each, count) in enumerate(waits.items()):
            first = pending.jumps & (pending.first == place)
            always(m, ~use.urged | (index != each) | (count == 0) | first, "")
            always(m, ~soon | (before != each) | (count == 0), "nothing waits of a counter that is read")

    def _bound_phase_runs(self, m: Module, phases: Tally) -> None:
        """State what the tally of the phases asks of amounts in cycles that follow one another."""
        run, was, index = _followed(m, phases, "phase", "the tally of the phases can, too")
        again = was & (index == phases.index)
        always(m, (~was | (phases.amount == 1)) & (~again | (run == (1 << RUN_BITS) - 1)), "")

    def _count_phases(self, m: Module, phases: Tally) -> None:
        """State that each cycle is counted for its phase."""
        which = any_number(m, range(len(PHASES)), "phase")
        m.d.comb += Assume(which < len(PHASES))
        total, counted = (Signal(COUNTER_BITS, name=name, reset_less=True) for name in ("cycles", "cycles_counted"))
        m.d.sync += total.eq(total + (self.phase == which))
        m.d.sync += counted.eq(counted + Mux(phases.add & (phases.index == which), phases.amount, 0))
        # What has not been added yet: the run in progress, and the cycle before this one.
        run, last, now = (
            Signal(RUN_BITS, name="run_so_far", reset_less=True),
            Signal(range(BEFORE + 1), name="run_of", init=BEFORE, reset_less=True),
            Signal(range(BEFORE + 1), name="cycle_before", init=BEFORE, reset_less=True),
        )
        m.d.sync += [now.eq(self.phase), last.eq(now)]
        ends = (now != last) | run.all()
        m.d.sync += run.eq(Mux(ends, 1, run + 1))
        always(m, (phases.amount == run) & (phases.index == last) & (phases.add == ends), "")
        waits = Mux(last == which, run, 0) + (now == which)
        self._bound_phase_runs(m, phases)
        always(m, (counted + waits)[:COUNTER_BITS] == total, "each cycle is counted for its phase, or waits to be")


def _followed(m: Module, tally: Tally, name: str, text: str) -> tuple[Signal, Signal, Signal]:
    """State as ``text`` that amounts for one counter in cycles that follow one another stay within a tally.

    Returns
    -------
    run, was, index : Signal
        What they come to up to the cycle before, whether something was added in it, and to which counter.
    """
    run = Signal(len(tally.amount) + 1, name=f"{name}_run", reset_less=True)
    was = Signal(name=f"{name}_added", reset_less=True)
    index = Signal.like(tally.index, name=f"{name}_added_to", reset_less=True)
    added = tally.amount + Mux(was & (index == tally.index), run, 0)
    m.d.sync += [was.eq(tally.add), index.eq(tally.index), run.eq(Mux(tally.add, added, 0))]
    always(m, ~tally.add | (added < 2 << len(tally.amount)), text)
    return run, was, index
