"""The two streams: the host that presents command beats and their dispatch, the arbiter, and the consumer."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import simpy

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.events.beats import Command
from twinbar.emulator.engines.events.clock import Clock, Stage, Steps
from twinbar.emulator.engines.events.listener import Listener
from twinbar.emulator.engines.events.queues import Queue
from twinbar.hw.protocol.vocabulary import Opcode

if TYPE_CHECKING:
    from twinbar.emulator.engines.events.sequencer import Sequencer


class Dispatcher:
    """Presents the beats of a program one after the other, each to the queue of its tile.

    Parameters
    ----------
    clock : Clock
    sequencers : sequence of Sequencer
    """

    def __init__(self, clock: Clock, sequencers: "Sequence[Sequencer]") -> None:
        self.last_accepted = -1
        """Cycle in which the last beat of all programs was accepted."""
        self.accepted: list[int] = []
        """Cycles of the program in which its beats were accepted."""
        self.done = True
        """Whether all beats of the program were accepted."""
        self.listener: Listener | None = None
        self._clock = clock
        self._sequencers = sequencers

    def begin(self, program: Program) -> None:
        """Begin a program in this cycle."""
        self.accepted = []
        self.done = len(program.commands) == 0
        if not self.done:
            self._clock.process(self._present(program))

    def _present(self, program: Program) -> Steps:
        """Present the beats of a program. A beat that waits blocks the beats behind it.

        SAFE and ABORT halt in the cycle in which they are presented.
        """
        clock, begin = self._clock, self._clock.cycle
        presented = begin
        arrivals = program.arrivals if program.arrivals is not None else np.zeros(len(program.commands), np.int64)
        for beat, arrival in zip(program.commands.tolist(), arrivals.tolist(), strict=True):
            command = Command(beat)
            presented = max(begin + arrival, presented)
            if command.opcode in (Opcode.SAFE, Opcode.ABORT):
                yield clock.at(presented, Stage.HALT)
                self._halt(command)
            yield clock.at(presented, Stage.STREAM)
            queues = [sequencer.queue for sequencer in self._receivers(command)]
            for queue in queues:
                while not queue.ready:
                    yield queue.room()
            for queue in queues:
                queue.put(command)
            cycle = clock.cycle
            self.last_accepted = cycle
            self.accepted.append(cycle - begin)
            if self.listener:
                name = command.opcode.name if command.opcode else "?"
                self.listener.accepted(command.tile, name, presented, cycle + 1)
            presented = cycle + 1
        self.done = True

    def _receivers(self, command: Command) -> "Sequence[Sequencer]":
        if command.opcode is Opcode.SAFE:
            return self._sequencers
        # A beat for a tile that does not exist goes to tile 0, which refuses it.
        tile = command.tile if command.tile < len(self._sequencers) else 0
        return self._sequencers[tile : tile + 1]

    def _halt(self, command: Command) -> None:
        if command.opcode is Opcode.SAFE:
            for sequencer in self._sequencers:
                sequencer.safety.stop_by_command(disarm=True)
        elif command.tile < len(self._sequencers):
            self._sequencers[command.tile].safety.stop_by_command(disarm=False)


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
        self._tiles = tiles
        self._responses = responses
        self._last = tiles - 1
        self._offers: dict[int, tuple[simpy.Event, Callable[[], int]]] = {}
        self._offered = clock.event()
        clock.process(self._serve())

    def offer(self, tile: int, beat: Callable[[], int]) -> simpy.Event:
        """Offer a tile's response from this cycle on; gives the event that it is handed over.

        Called in the stage START. ``beat`` is asked in the cycle of the handover, because a response tells the mode and
        the faults of that cycle.
        """
        handed_over = self._clock.event()
        self._offers[tile] = handed_over, beat
        if not self._offered.triggered:
            self._clock.happen(self._offered, self._clock.cycle, Stage.STREAM)
        return handed_over

    def _serve(self) -> Steps:
        clock = self._clock
        while True:
            if not self._offers:
                self._offered = clock.event()
                yield self._offered
            while not self._responses.ready:
                yield self._responses.room()
            # The first in cyclic order after the tile that was served last.
            tile = min(self._offers, key=lambda tile: (tile - self._last - 1) % self._tiles)
            handed_over, beat = self._offers.pop(tile)
            self._responses.put(beat())
            self._last = tile
            clock.happen(handed_over, clock.cycle, Stage.STREAM)
            if self._offers:
                yield clock.at(clock.cycle + 1, Stage.STREAM)


class Consumer:
    """Takes the responses, in the cycles in which a program's consumer is ready.

    Parameters
    ----------
    clock : Clock
    responses : Queue of int
    at_rest : callable
        Is called when the queue has become empty.
    """

    def __init__(self, clock: Clock, responses: Queue[int], at_rest: Callable[[], None]) -> None:
        self.listener: Listener | None = None
        self.beats: list[int] = []
        self.cycles: list[int] = []
        self._clock = clock
        self._responses = responses
        self._at_rest = at_rest
        self._begin = 0
        self._wait = [0]
        clock.process(self._take())

    def begin(self, program: Program) -> None:
        """Begin a program in this cycle: its pattern of readiness counts from here."""
        self.beats, self.cycles = [], []
        self._begin = self._clock.cycle
        period = len(program.ready)
        # Cycles to wait for the next one that is ready, from each of a period.
        ready = np.flatnonzero(np.concatenate([program.ready, program.ready]))
        self._wait = (ready[np.searchsorted(ready, np.arange(period))] - np.arange(period)).tolist()

    def _take(self) -> Steps:
        clock = self._clock
        while True:
            yield self._responses.head()
            wait = self._wait[(clock.cycle - self._begin) % len(self._wait)]
            if wait:
                yield clock.at(clock.cycle + wait, Stage.STREAM)
            beat = self._responses.take()
            self.beats.append(beat)
            self.cycles.append(clock.cycle - self._begin)
            if self.listener:
                command = Command(beat)
                name = command.opcode.name if command.opcode else "?"
                self.listener.taken(command.tile, name, clock.cycle)
            if not len(self._responses):
                self._at_rest()
