"""A controller whose writes take time, so that a line and its latencies can be measured against tiles at work."""

from collections import deque

import numpy as np
from beats import AnsweringController

from twinbar.hw.gateware.controller_config import ControllerConfig


class PacedController(AnsweringController):
    """Tiles that work in parallel, each on one command at a time, behind queues and a dispatcher as in the controller.

    Parameters
    ----------
    config : ControllerConfig
    write_s : float
        Mean duration of a command; durations spread from half to one and a half of it.
    """

    def __init__(self, config: ControllerConfig, write_s: float) -> None:
        super().__init__(config)
        self.write_s = write_s
        self.now = 0.0
        self.left = np.zeros(config.tiles, np.int64)
        """Commands of the program that are still to come, by tile; set by the test."""
        self.waited_s = 0.0
        self.worked_s = 0.0
        self._queues: list[deque[int]] = [deque() for _ in range(config.tiles)]
        self._ends = [0.0] * config.tiles
        self._done: list[int] = []

    @property
    def busy(self) -> bool:
        return any(self._queues) or bool(self._done)

    def accept(self, beat: int) -> bool:
        tile = beat >> 5 & 0xFF
        queue = self._queues[tile]
        if len(queue) >= self.config.command_depth:
            return False
        if not queue:
            # The tile has stood still since its last command ended; before its first one nothing is waited for.
            self.waited_s += max(0.0, self.now - self._ends[tile]) if self._ends[tile] else 0.0
            self._ends[tile] = max(self.now, self._ends[tile])
            self._start(tile)
        queue.append(beat)
        self.commands.append(beat)
        return True

    def _start(self, tile: int) -> None:
        duration = self.write_s * (0.5 + self.rng.random())
        self.worked_s += duration
        self._ends[tile] += duration

    def step(self, now: float = 0.0) -> list[int]:
        self.now = now
        for tile, queue in enumerate(self._queues):
            while queue and self._ends[tile] <= now:
                self._done += self.answers(queue.popleft(), tile)
                if queue:
                    self._start(tile)
        given, self._done = self._done, []
        self.responses += given
        return given

    def new_program(self) -> None:
        """Forget when tiles ended: what passes between programs is not waited for."""
        self._ends = [0.0] * self.config.tiles
