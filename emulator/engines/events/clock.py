"""Time of the SimPy engine: whole cycles, and the order of what happens within one."""

from collections.abc import Callable, Generator
from enum import IntEnum
from typing import Any, TypeVar

import simpy

Result = TypeVar("Result")

Steps = Generator[simpy.Event, Any, None]
"""A process, or a part of one."""
Gives = Generator[simpy.Event, Any, Result]
"""A part of a process that gives a result."""


class Stage(IntEnum):
    """When in its cycle an event happens; events of a stage do not depend on each other's order.

    The values are SimPy's priorities. SimPy delivers interrupts with priority 0, that is at once, and gives timeouts
    priority 1: a phase of n cycles is a timeout of n, after which the process is in the stage `START` of the cycle
    behind the phase.
    """

    START = 1
    """Phases that ended with the cycle before give way to the next ones. What everybody does in this cycle is known."""
    HALT = 2
    """Halts: whoever is stopped by this cycle learns of it, before it hands anything over or takes anything."""
    STREAM = 3
    """Beats are accepted, handed over and taken. Room in a queue is what it was at the start of the cycle."""
    END = 4
    """What has been written to mode and faults is seen from the next cycle on."""


class Moment(simpy.Event):
    """An event at a stage of a cycle."""

    def __init__(self, clock: "Clock", stage: Stage, delay: int) -> None:
        # As SimPy's timeouts do, without the detour of an event that has not been triggered.
        self.env = clock
        self.callbacks = []
        self._ok = True
        self._value = None
        clock.schedule(self, stage, delay)  # type: ignore[arg-type]


class Clock(simpy.Environment):
    """A SimPy environment whose time is the number of the cycle since power-up."""

    def at(self, cycle: int, stage: Stage) -> Moment:
        """Give the event that happens in a stage of a cycle that is not over."""
        return Moment(self, stage, cycle - self._now)  # type: ignore[arg-type]

    def call(self, cycle: int, stage: Stage, action: Callable[[], None]) -> None:
        """Call something in a stage of a cycle."""
        self.at(cycle, stage).callbacks.append(lambda _: action())

    def happen(self, event: simpy.Event, cycle: int, stage: Stage) -> None:
        """Let an event that processes may wait for happen in a stage of a cycle."""
        event._ok = True
        event._value = None
        self.schedule(event, stage, cycle - self._now)  # type: ignore[arg-type]

    @property
    def cycle(self) -> int:
        """This cycle."""
        return self._now  # type: ignore[return-value]
