"""How a tile uses its counters: assumed where those are proven by themselves, and proven of whole tiles."""

from typing import Any, Final

from amaranth.hdl import Const, Elaboratable, Module, Signal

from twinbar.hw.actions import Action
from twinbar.hw.gateware.accounts.counters import Counters
from twinbar.hw.gateware.tile_states import TileState, is_any
from twinbar.hw.protocol.commands import CLOSED_LOOP
from twinbar.hw.protocol.vocabulary import Status

from .gate import always

MOST_OWED: Final = 2
"""Counts of one action for which no free cycle has come yet."""


class CountUse:
    """Follows what counters are told.

    A count that waits needs a cycle in which nothing else is counted. What is *owed* is how many more such cycles an
    action has needed than there were.

    Parameters
    ----------
    m : Module
    counters : Counters

    Attributes
    ----------
    acted, repeated : Signal
        Something that does not wait happened in the cycle before; the same as in the one before that.
    asked, urged : Signal
        A counter is being read, or is about to be; the cycle before announced it.
    owed : dict of Action to Signal
        For each of the actions that wait.
    happens : dict of Action to value
        Which of those happen in this cycle.
    late : dict of Action to value
        Which of them happened in the cycle before, and begin to wait with the next.
    conditions : list of (value, str)
        What holds in every cycle.
    """

    def __init__(self, m: Module, counters: Counters) -> None:
        self.acted = acted = Signal(reset_less=True, name="acted")
        action, act = Signal.like(counters.action, name="acted_as", reset_less=True), counters.act
        repeats = act & acted & (counters.action == action)
        self.repeated = repeated = Signal(reset_less=True)
        m.d.sync += [acted.eq(act), action.eq(counters.action), repeated.eq(repeats)]
        compares = (counters.action == Action.COMPARE) & (counters.amount == 1)
        self.happens = {Action.COMMAND_BEAT: counters.started}
        self.asked, self.urged = Signal(name="asked"), Signal(name="urged")
        if counters.optional:
            self.happens |= dict(zip(counters.optional, counters.happened, strict=True))
            m.d.sync += self.urged.eq(counters.urgent)
            m.d.comb += self.asked.eq(counters.urgent | self.urged | counters.reads)
        self.owed = {each: Signal(3, name=f"owed_{each.name.lower()}", reset_less=True) for each in self.happens}
        self.conditions: list[tuple[Any, str]] = [
            (~act | ~is_any(counters.action, tuple(self.happens)), "what waits for a free cycle does not take one"),
            (~repeats | compares & ~repeated, "comparisons may follow one another, two of them, and nothing else"),
            (~act | ~self.asked, "and none while a counter is read"),
        ]
        if counters.optional:
            self.conditions.append((~self.urged | ~counters.reads, "before which there is a cycle to count"))
        self.late: dict[Action, Any] = dict.fromkeys(self.happens, Const(0))
        if counters.optional:
            self.late = dict(zip(self.happens, counters.late, strict=True))
        for each, owed in self.owed.items():
            begins = self.late[each] if counters.optional else self.happens[each]
            free = ~acted & ~self.asked & (owed != 0)
            m.d.sync += owed.eq(owed - free + begins)
            self.conditions += [
                (owed <= MOST_OWED, "for whatever waits to be counted a free cycle comes in time"),
                (~self.happens[each] | ~self.asked, "nothing of what waits happens while a counter is read"),
            ]


class CountProperties(Elaboratable):
    """A tile keeps to `CountUse`.

    Parameters
    ----------
    control : component
        The room of the tile.
    counters : Counters
    """

    def __init__(self, control: Any, counters: Counters) -> None:
        self._control, self._counters = control, counters

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        use, sequencer = CountUse(m, self._counters), self._control.sequencer
        for condition, text in use.conditions:
            always(m, condition, text)
        ended = (sequencer.state == TileState.RESPOND) & is_any(sequencer.status, (Status.OK, Status.FAILED))
        written = ended & is_any(sequencer.command.opcode, CLOSED_LOOP)
        always(m, ~written | ~use.acted, "")
        granted = (sequencer.state == TileState.DECODE) & sequencer.plan.accesses & (sequencer.status == Status.OK)
        always(m, ~granted | (sequencer.plan.follows == TileState.ACCESS), "")
        always(m, ~use.urged | (sequencer.state == TileState.ACCESS) & self._control.clock.clock.first, "")
        for each, owed in use.owed.items():
            always(m, owed + use.late[each] + use.acted <= MOST_OWED, "")
            always(m, ~written | (owed < MOST_OWED), "")
            always(m, ~written | ~use.late[each], "")
        return m
