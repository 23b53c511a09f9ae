"""The consumer of the response stream."""

from collections.abc import Callable

import numpy as np

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.events.clock import Clock, Stage, Steps
from twinbar.emulator.engines.events.decoding import DecodedCommand
from twinbar.emulator.engines.events.listener import Listener
from twinbar.emulator.engines.events.stream_queue import Queue


class Consumer:
    """Takes the responses, in the cycles in which a program's consumer is ready.

    Parameters
    ----------
    clock : Clock
    responses : Queue of int
    at_rest : callable
        Called when the queue has become empty.

    Attributes
    ----------
    beats : list of int
        Responses of the program.
    cycles : list of int
        Cycles of the program in which they were taken.
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

    def _take(self) -> Steps[None]:
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
                command = DecodedCommand(beat)
                name = command.opcode.name if command.opcode else "?"
                self.listener.taken(command.tile, name, clock.cycle)
            if not len(self._responses):
                self._at_rest()
