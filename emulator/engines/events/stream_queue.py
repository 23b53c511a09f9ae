"""The queues before the tiles, and the one before the consumer."""

from collections import deque
from typing import Generic, TypeVar

import simpy

from twinbar.emulator.engines.events.clock import Clock, Stage
from twinbar.emulator.engines.events.listener import Listener
from twinbar.hw.timing import QUEUE_LATENCY

Beat = TypeVar("Beat")


class Queue(Generic[Beat]):
    """Holds the beats that were accepted and not yet taken; at most one is accepted and one taken per cycle.

    Parameters
    ----------
    clock : Clock
    depth : int
        Beats that it can hold.
    tile : int
        Tile that it feeds; -1 for the queue of the responses.
    """

    def __init__(self, clock: Clock, depth: int, tile: int) -> None:
        self.depth = depth
        self.listener: Listener | None = None
        self._clock = clock
        self._next_cycle = clock.stage(Stage.STREAM, after=1)
        self._once_visible = clock.stage(Stage.STREAM, after=QUEUE_LATENCY)
        self._tile = tile
        self._beats: deque[tuple[int, Beat]] = deque()  # with the first cycle in which each is visible
        self._taken = -1  # the cycle in which the last beat was taken
        self._room: simpy.Event | None = None
        self._head: simpy.Event | None = None

    def __len__(self) -> int:
        return len(self._beats)

    @property
    def ready(self) -> bool:
        """Whether a beat can be accepted: a beat taken in this cycle makes room from the next one on."""
        return len(self._beats) + (self._taken == self._clock.now) < self.depth

    def room(self) -> simpy.Event:
        """Return the event of the next cycle in which a full queue is ready, in the stage STREAM."""
        if self._taken == self._clock.now:
            return self._clock.at(self._clock.cycle + 1, Stage.STREAM)
        self._room = self._next_cycle.event()
        return self._room

    def put(self, beat: Beat) -> None:
        """Accept a beat in this cycle."""
        self._beats.append((self._clock.cycle + QUEUE_LATENCY, beat))
        if self.listener:
            self.listener.depth(self._tile, self._clock.cycle + 1, len(self._beats))
        if self._head is not None:
            self._head.succeed()
            self._head = None

    @property
    def visible(self) -> bool:
        """Whether a beat can be taken in this cycle."""
        return bool(self._beats) and self._beats[0][0] <= self._clock.now

    @property
    def front(self) -> Beat:
        """The beat that is taken next."""
        return self._beats[0][1]

    def head(self) -> simpy.Event:
        """Return the event of the next cycle in which a beat is visible, in the stage STREAM."""
        if self._beats:
            return self._clock.at(max(self._beats[0][0], self._clock.cycle + 1), Stage.STREAM)
        self._head = self._once_visible.event()
        return self._head

    def take(self) -> Beat:
        """Take the beat at the front in this cycle."""
        cycle = self._clock.cycle
        _, beat = self._beats.popleft()
        self._taken = cycle
        if self.listener:
            self.listener.depth(self._tile, cycle + 1, len(self._beats))
        if self._room is not None:
            self._room.succeed()
            self._room = None
        return beat
