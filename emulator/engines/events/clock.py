"""Time of the engine `events`: whole cycles, and the order of what happens within one."""

from collections.abc import Callable, Generator
from enum import IntEnum
from typing import Any, TypeVar

import simpy
from simpy.events import NORMAL, EventPriority

Result = TypeVar("Result")

Steps = Generator[simpy.Event, Any, Result]
"""A process, or a part of one, and what it returns."""


class Stage(IntEnum):
    """When in its cycle an event happens; the events of a stage may happen in any order.

    The values are SimPy's priorities. SimPy delivers interrupts with priority 0, that is at once, and timeouts with
    priority 1: a phase of n cycles is a timeout of n, behind which the process is in the stage `START` of the cycle
    after the phase.
    """

    START = 1
    """A phase that ended with the previous cycle gives way to the next one; then it is known what every tile does."""
    HALT = 2
    """A process that is halted in this cycle learns of it, before it hands over or takes a beat."""
    STREAM = 3
    """Beats are accepted, handed over and taken. Room in a queue is what it was at the start of the cycle."""
    END = 4
    """Mode and faults take their new values, which are visible from the next cycle on."""


class Clock(simpy.Environment):
    """A SimPy environment whose time is the number of the cycle since power-up."""

    cycle: int = simpy.Environment.now  # type: ignore[assignment]
    """The current cycle: SimPy's property under the name that it has here."""

    def __init__(self) -> None:
        super().__init__()
        self._stages = {stage: StageClock(self, stage) for stage in Stage}

    def stage(self, stage: Stage, *, after: int = 0) -> "StageClock":
        """Return an environment whose events happen in a stage, ``after`` cycles after they succeed."""
        return StageClock(self, stage, after=after)

    def at(self, cycle: int, stage: Stage) -> simpy.Event:
        """Return the event that happens in a stage of a cycle that is not over."""
        return simpy.Timeout(self._stages[stage], cycle - self.now)

    def call(self, cycle: int, stage: Stage, action: Callable[[], None]) -> None:
        """Call a function in a stage of a cycle."""
        self.at(cycle, stage).callbacks.append(lambda _: action())


class StageClock(simpy.Environment):
    """The clock as seen by the events of one stage: what they schedule happens in that stage.

    SimPy's events leave it to their environment when they happen, so an event of this environment needs nothing but
    its own `succeed` to happen in the right place of the right cycle.

    Parameters
    ----------
    clock : Clock
    stage : Stage
    after : int
        Cycles between the success of an event and the cycle in which it happens.
    """

    def __init__(self, clock: Clock, stage: Stage, *, after: int = 0) -> None:
        super().__init__()
        self._clock = clock
        self._schedule_on_clock = clock.schedule
        self._stage = EventPriority(stage)
        self._after = after

    @property
    def now(self) -> float:
        """The current cycle."""
        return self._clock.now

    def schedule(self, event: simpy.Event, priority: EventPriority = NORMAL, delay: float = 0) -> None:
        """Let an event happen in this stage, ``delay`` cycles later than other events of this environment."""
        self._schedule_on_clock(event, self._stage, self._after + delay)
