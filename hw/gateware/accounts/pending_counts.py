"""What is counted when there is time for it."""

from collections.abc import Sequence

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.actions import Action

BITS = 4
"""Of a count that waits: as many as there are actions, and one more, at most (`CountProof`)."""


class PendingCounts(wiring.Component):
    """Collects actions that can happen in any cycle, and hands them on in turn, in free cycles.

    Parameters
    ----------
    actions : sequence of Action
        Two or more.
    places : int
        Numbers of actions.

    Members
    -------
    happened : In
        Which of the actions happened in the cycle before.
    free : In(1)
        One of them can be counted in this cycle.
    urgent : In(1)
        Those of number ``wanted`` go first in the next cycle.
    wanted : In
    count : Out(1)
        ``amount`` times ``action`` is counted in this cycle; rarely one action twice in a row, see `Tally`.
    action, amount : Out

    Attributes
    ----------
    actions : tuple of Action
    waiting : list of Signal
        How often each of them waits, for the proof.
    turn : Signal
        The one whose turn it is in the next free cycle.
    jumps, first : Signal
        Whether another one goes first, and which.
    """

    def __init__(self, actions: Sequence[Action], places: int) -> None:
        self.actions = tuple(actions)
        self.waiting = [Signal(BITS, name=f"waiting_{each.name.lower()}", reset_less=True) for each in self.actions]
        self.turn = Signal(range(len(self.actions)), reset_less=True)
        self.jumps = Signal()
        self.first = Signal.like(self.turn, name="first", reset_less=True)
        super().__init__(
            {
                "happened": In(len(actions)),
                "free": In(1),
                "urgent": In(1),
                "wanted": In(range(places)),
                "count": Out(1),
                "action": Out(range(places)),
                "amount": Out(BITS),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        turn, jumps, first = self.turn, self.jumps, self.first
        chosen = Signal(range(len(self.actions)), name="chosen")
        waiting = Array(self.waiting)
        # Prepared, because what is chosen decides which counter is read in the same cycle.
        m.d.sync += jumps.eq(0)
        for number, action in enumerate(self.actions):
            with m.If(self.wanted == action):
                m.d.sync += [first.eq(number), jumps.eq(self.urgent)]
        m.d.comb += chosen.eq(Mux(jumps, first, turn))
        m.d.comb += [
            self.action.eq(Array(int(action) for action in self.actions)[chosen]),
            self.amount.eq(waiting[chosen]),
            self.count.eq(self.free & self.amount.any()),
        ]
        with m.If(self.free & ~jumps):
            m.d.sync += turn.eq(turn + 1)
            with m.If(turn == len(self.actions) - 1):
                m.d.sync += turn.eq(0)
        for number in range(len(self.actions)):
            counted = self.count & (chosen == number)
            left = waiting[number] & ~counted.replicate(BITS)
            m.d.sync += waiting[number].eq(left + self.happened[number])
        return m
