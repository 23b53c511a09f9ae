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
        Tile before which it lies; -1 for the queue of the responses.
    """

    def __init__(self, clock: Clock, depth: int, tile: int) -> None:
        self.depth = depth
        self.listener: Listener | None = None
        self._clock = clock
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
        """Give the event that happens in the stage STREAM of the next cycle in which a full queue is ready."""
        self._room = self._clock.event()
        if self._taken == self._clock.now:
            self._clock.happen(self._room, self._clock.cycle + 1, Stage.STREAM)
        return self._room

    def put(self, beat: Beat) -> None:
        """Accept a beat in this cycle."""
        visible = self._clock.cycle + QUEUE_LATENCY
        self._beats.append((visible, beat))
        if self.listener:
            self.listener.depth(self._tile, self._clock.cycle + 1, len(self._beats))
        if self._head is not None and len(self._beats) == 1:
            self._clock.happen(self._head, visible, Stage.STREAM)

    @property
    def visible(self) -> bool:
        """Whether a beat can be taken in this cycle."""
        return bool(self._beats) and self._beats[0][0] <= self._clock.now

    def head(self) -> simpy.Event:
        """Give the event that happens in the stage STREAM of the next cycle in which a beat is visible."""
        self._head = self._clock.event()
        if self._beats:
            self._clock.happen(self._head, max(self._beats[0][0], self._clock.cycle + 1), Stage.STREAM)
        return self._head

    def take(self) -> Beat:
        """Take the beat at the front in this cycle."""
        cycle = self._clock.cycle
        _, beat = self._beats.popleft()
        self._taken = cycle
        self._head = None
        if self.listener:
            self.listener.depth(self._tile, cycle + 1, len(self._beats))
        if self._room is not None and not self._room.triggered:
            self._clock.happen(self._room, cycle + 1, Stage.STREAM)
        return beat
