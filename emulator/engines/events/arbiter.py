"""The arbiter: the responses of all tiles, round robin, into one queue."""

from collections.abc import Callable

import simpy

from twinbar.emulator.engines.events.clock import Clock, Stage, Steps
from twinbar.emulator.engines.events.stream_queue import Queue


class Arbiter:
    """Puts the responses of the tiles into one queue, round robin.

    Parameters
    ----------
    clock : Clock
    tiles : int
    responses : Queue of int
    """

    def __init__(self, clock: Clock, tiles: int, responses: Queue[int]) -> None:
        self._clock = clock
        self._this_cycle = clock.stage(Stage.STREAM)
        self._tiles = tiles
        self._responses = responses
        self._last = tiles - 1
        self._offers: dict[int, tuple[simpy.Event, Callable[[], int]]] = {}
        self._offered = self._this_cycle.event()
        clock.process(self._serve())

    def offer(self, tile: int, beat: Callable[[], int]) -> simpy.Event:
        """Offer a tile's response from this cycle on; return the event of its handover, in the stage STREAM.

        Called in the stage START. ``beat`` is called in the cycle of the handover, because a response carries the mode
        and the faults of that cycle.
        """
        handed_over = self._this_cycle.event()
        self._offers[tile] = handed_over, beat
        if not self._offered.triggered:
            self._offered.succeed()
        return handed_over

    def _serve(self) -> Steps[None]:
        clock = self._clock
        while True:
            if not self._offers:
                self._offered = self._this_cycle.event()
                yield self._offered
            while not self._responses.ready:
                yield self._responses.room()
            # The first in cyclic order after the tile that was served last.
            tile = min(self._offers, key=lambda tile: (tile - self._last - 1) % self._tiles)
            handed_over, beat = self._offers.pop(tile)
            self._responses.put(beat())
            self._last = tile
            handed_over.succeed()
            if self._offers:
                yield clock.at(clock.cycle + 1, Stage.STREAM)
