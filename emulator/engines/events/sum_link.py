"""The links between the tiles of a cascade."""

from collections import deque

import simpy

from twinbar.emulator.engines.events.clock import Clock, Stage
from twinbar.hw.timing import LINK_DEPTH, LINK_LATENCY


class SumLink:
    """Partial sums on their way from a tile to the one below it.

    Its state is that of the start of the cycle, so that both tiles look at it in the stage START.

    Parameters
    ----------
    clock : Clock
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._later = clock.stage(Stage.START, after=LINK_LATENCY)
        self._next_cycle = clock.stage(Stage.START, after=1)
        self._sums: deque[tuple[int, int]] = deque()  # with the first cycle in which each is visible
        self._taken = -1  # the cycle in which the last one was taken
        self._room = self._next_cycle.event()
        self._head = self._later.event()

    @property
    def ready(self) -> bool:
        """Whether a sum can be handed over: one that is taken in this cycle makes room from the next one on."""
        return len(self._sums) + (self._taken == self._clock.now) < LINK_DEPTH

    def room(self) -> simpy.Event:
        """Return the event of a later cycle in which there may be room, in the stage START."""
        if self._taken == self._clock.now:
            return self._clock.at(self._clock.cycle + 1, Stage.START)
        self._room = self._next_cycle.event()
        return self._room

    def put(self, partial_sum: int) -> None:
        """Hand a sum over in this cycle."""
        self._sums.append((self._clock.cycle + LINK_LATENCY, partial_sum))
        if not self._head.triggered:
            self._head.succeed()

    @property
    def visible(self) -> bool:
        """Whether a sum can be taken in this cycle."""
        return bool(self._sums) and self._sums[0][0] <= self._clock.now

    def head(self) -> simpy.Event:
        """Return the event of a later cycle in which a sum is visible, in the stage START."""
        if self._sums:
            return self._clock.at(max(self._sums[0][0], self._clock.cycle + 1), Stage.START)
        self._head = self._later.event()
        return self._head

    @property
    def front(self) -> int:
        """The sum that is taken next."""
        return self._sums[0][1]

    def take(self) -> int:
        """Take a sum in this cycle."""
        self._taken = self._clock.cycle
        if not self._room.triggered:
            self._room.succeed()
        return self._sums.popleft()[1]

    def clear(self) -> None:
        """Drop what an earlier cascade has left."""
        self._sums.clear()
