"""Makes a session smaller for as long as it still shows a difference (delta debugging, Zeller and Hildebrandt 2002)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from twinbar.emulator.verify.beat_fields import fields_of, with_fields
from twinbar.emulator.verify.session import Session, SessionStep

TRIES = 2000
"""Smaller sessions that are tried; most differences are as small as they become after some hundreds."""
LONG = 1000
"""Cycles after which most programs are over."""


@dataclass
class Shrinker:
    """Tries smaller sessions.

    Parameters
    ----------
    session : Session
        It shows the difference; smaller ones replace it.
    differs : callable
        Gives the program of a session in which engines differ, None if they do not.
    tries : int
        After so many smaller sessions it is content. Time is no limit, so that a loaded machine finds the same.
    """

    session: Session
    differs: Callable[[Session], int | None]
    tries: int = TRIES
    tried: int = 0
    _seen: set[Session] = field(default_factory=set, init=False)

    def run(self) -> Session:
        """Return the smallest session found."""
        self._try(self.session)
        passes: Sequence[Callable[[], bool]] = (
            *(self._steps, self._commands, self._joins),
            *(self._world, self._times, self._fields),
        )
        changed = True
        while changed and self.tried < self.tries:
            changed = False
            for each in passes:
                changed |= each()
        return self.session

    def _try(self, candidate: Session) -> bool:
        """Take a session over if it shows a difference; the programs behind the difference are cut off."""
        if candidate in self._seen or self.tried >= self.tries:
            return False
        self._seen.add(candidate)
        self.tried += 1
        step = self.differs(candidate)
        if step is None:
            return False
        self.session = replace(candidate, steps=candidate.steps[: step + 1])
        self._seen.add(self.session)
        return True

    def _try_step(self, index: int, step: SessionStep) -> bool:
        return self._try(self.session.with_step(index, step))

    def _here(self, index: int) -> SessionStep:
        """Return a program as it is now; an empty one where there is none any more."""
        return self.session.steps[index] if index < len(self.session.steps) else SessionStep(())

    def _steps(self) -> bool:
        """Leave out whole programs."""
        changed = False
        for index in reversed(range(len(self.session.steps))):
            steps = self.session.steps
            if index < len(steps) > 1:
                changed |= self._try(replace(self.session, steps=steps[:index] + steps[index + 1 :]))
        return changed

    def _joins(self) -> bool:
        """Run two programs as one, at once or when the first one is over."""
        changed = False
        for index in reversed(range(len(self.session.steps) - 1)):
            for pause in (0, LONG):
                steps = self.session.steps
                if index + 1 < len(steps) and (both := _joined(steps[index], steps[index + 1], pause)):
                    changed |= self._try(replace(self.session, steps=(*steps[:index], both, *steps[index + 2 :])))
        return changed

    def _commands(self) -> bool:
        """Leave out commands: all, halves, quarters ... single ones."""
        changed = False
        for index in range(len(self.session.steps)):
            size = len(self._here(index).commands)
            while size:
                first = 0
                while first < len(self._here(index).commands):
                    if self._try_step(index, _without(self._here(index), first, size)):
                        changed = True
                    else:
                        first += size
                size //= 2
        return changed

    def _world(self) -> bool:
        """Make what surrounds the commands plain."""
        changed = False
        for name in ("mapped_columns", "faults"):
            changed |= self._try(replace(self.session, **{name: None}))  # type: ignore[arg-type]
        for index in range(len(self.session.steps)):
            for candidate in self._plainer(index):
                changed |= self._try_step(index, candidate)
        return changed

    def _plainer(self, index: int) -> Iterator[SessionStep]:
        for plain in ({"tick": None}, {"reload": False}, {"ready": (True,)}):
            if index < len(self.session.steps):
                yield replace(self._here(index), **plain)
        ready = self._here(index).ready
        if len(ready) > 1 and any(half := ready[: (len(ready) + 1) // 2]):
            yield replace(self._here(index), ready=half)
        for pulse in self._here(index).pins:
            yield replace(self._here(index), pins=tuple(each for each in self._here(index).pins if each != pulse))
        for pulse in self._here(index).pins:
            for last in (pulse.first, (pulse.first + pulse.last) // 2):
                pins = self._here(index).pins
                yield replace(
                    self._here(index), pins=tuple(replace(each, last=last) if each == pulse else each for each in pins)
                )

    def _times(self) -> bool:
        """Let commands arrive at once, or sooner."""
        changed = False
        for index in range(len(self.session.steps)):
            if any(self._here(index).arrivals):
                changed |= self._try_step(index, replace(self._here(index), arrivals=()))
            for position in range(1, len(self._here(index).commands)):
                for kept in (0.0, 0.5, 0.8):
                    sooner = _sooner(self._here(index), position, kept)
                    if sooner is not None and self._try_step(index, sooner):
                        changed = True
                        break
        return changed

    def _fields(self) -> bool:
        """Make the arguments of commands smaller."""
        changed = False
        for index in range(len(self.session.steps)):
            for position in range(len(self._here(index).commands)):
                for name in fields_of(self._here(index).commands[position]):
                    while name != "opcode" and self._smaller(index, position, name):
                        changed = True
        return changed

    def _smaller(self, index: int, position: int, name: str) -> bool:
        step = self._here(index)
        if position >= len(step.commands):
            return False
        beat = step.commands[position]
        value = fields_of(beat)[name]
        for smaller in dict.fromkeys((0, value >> 1, value - 1)):
            if 0 <= smaller < value:
                changed = with_fields(beat, **{name: smaller})
                commands = (*step.commands[:position], changed, *step.commands[position + 1 :])
                if self._try_step(index, replace(step, commands=commands)):
                    return True
        return False


def _joined(one: SessionStep, two: SessionStep, pause: int) -> SessionStep | None:
    """Return two programs as one; None where the second one needs the time between them."""
    if two.tick is not None or two.reload or one.pins or two.pins:
        return None
    first = one.arrivals or (0,) * len(one.commands)
    second = two.arrivals or (0,) * len(two.commands)
    begin = (first[-1] if first else 0) + pause - (second[0] if second else 0)
    return replace(
        one,
        commands=one.commands + two.commands,
        arrivals=(*first, *(begin + arrival for arrival in second)),
        ready=two.ready,
    )


def _without(step: SessionStep, first: int, many: int) -> SessionStep:
    arrivals = step.arrivals or (0,) * len(step.commands)
    return replace(
        step,
        commands=step.commands[:first] + step.commands[first + many :],
        arrivals=arrivals[:first] + arrivals[first + many :],
    )


def _sooner(step: SessionStep, position: int, kept: float) -> SessionStep | None:
    """Keep a part of the time that passes before a command arrives, and none before the first one."""
    arrivals = step.arrivals
    gap = arrivals[position] - arrivals[position - 1] if position < len(arrivals) else 0
    cut = gap - int(gap * kept)
    if cut <= 0:
        return None
    return replace(step, arrivals=(*arrivals[:position], *(arrival - cut for arrival in arrivals[position:])))
