"""Compares engines over many sessions, and counts what was compared."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from twinbar.emulator.contract.program import ProgramResult
from twinbar.emulator.verify.beat_fields import opcode_of
from twinbar.emulator.verify.compared_engines import MakeSessionController
from twinbar.emulator.verify.elaborations import Elaboration
from twinbar.emulator.verify.engine_comparison import Difference, Outcome, first_difference, run
from twinbar.emulator.verify.generate import session as draw_session
from twinbar.emulator.verify.session import Session, SessionStep
from twinbar.emulator.verify.shrink import TRIES, Shrinker
from twinbar.hw.protocol.packing import unpack
from twinbar.hw.protocol.vocabulary import Status

FAULTS = ("compliance", "watchdog", "stop", "front_end")


@dataclass
class Coverage:
    """What was compared.

    Parameters
    ----------
    sessions, programs, cycles, responses : int
    commands : Counter of str
        By opcode.
    statuses : Counter of str
        Responses by status.
    controllers : Counter of str
        Sessions by the name of their elaboration.
    halts : Counter of str
        SAFE and ABORT beats, and faults latched as far as responses show them.
    """

    sessions: int = 0
    programs: int = 0
    cycles: int = 0
    responses: int = 0
    controllers: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    halts: Counter[str] = field(default_factory=Counter)

    def add(self, session: Session, outcomes: list[Outcome]) -> None:
        """Add a session and what an engine gave for it."""
        self.sessions += 1
        self.controllers[session.elaboration] += 1
        latched: dict[tuple[int, str], int] = {}
        for step, outcome in zip(session.steps, outcomes, strict=False):
            if outcome.result is not None:
                self._add_program(step, outcome.result, latched)

    def _add_program(self, step: SessionStep, result: ProgramResult, latched: dict[tuple[int, str], int]) -> None:
        self.programs += 1
        self.cycles += result.cycles
        self.responses += len(result.responses)
        for beat in step.commands:
            opcode = opcode_of(beat)
            self.commands[opcode.name if opcode else "unknown"] += 1
            if opcode is not None and opcode.name in ("SAFE", "ABORT"):
                self.halts[opcode.name.lower()] += 1
        header = unpack(result.responses)
        self.statuses.update(Status(int(status)).name for status in header["status"])
        for name in FAULTS:
            for tile, now in zip(header["tile"].tolist(), header[name].tolist(), strict=True):
                self.halts[name] += now > latched.get((tile, name), 0)
                latched[tile, name] = now

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        plain = {name: getattr(self, name) for name in ("sessions", "programs", "cycles", "responses")}
        return plain | {name: dict(getattr(self, name).most_common()) for name in ("commands", "statuses", "halts")}


def sessions(seed: int, programs: int, elaborations: list[Elaboration]) -> Iterator[Session]:
    """Draw sessions until they hold this many programs; the last one is cut."""
    number = 0
    while programs > 0:
        session = draw_session(seed, number, elaborations)
        session = replace(session, steps=session.steps[:programs])
        yield session
        programs -= len(session.steps)
        number += 1


@dataclass(frozen=True)
class Finding:
    """A difference, in the smallest session that shows it.

    Parameters
    ----------
    difference : Difference
        Of the smallest session.
    session : Session
    drawn : Session
        As it was drawn.
    """

    difference: Difference
    session: Session
    drawn: Session


def compare(
    engines: Mapping[str, MakeSessionController],
    drawn: Iterator[Session],
    coverage: Coverage,
    *,
    tries: int = TRIES,
    shrinking: Callable[[Difference], None] = lambda difference: None,
    progress: Callable[[int], None] = lambda programs: None,
) -> Finding | None:
    """Run sessions on all engines until two differ.

    Parameters
    ----------
    engines : dict of str to callable
        What makes the controller of a session, on each engine (`MakeSessionController`).
    drawn : iterator of Session
    coverage : Coverage
        What the sessions do is added to it.
    tries : int
        Smaller sessions to try when one shows a difference.
    shrinking : callable
        Told of the difference before its session is made small.
    progress : callable
        Told how many programs were compared.
    """
    for session in drawn:
        outcomes = {name: run(engine, session) for name, engine in engines.items()}
        coverage.add(session, next(iter(outcomes.values())))
        difference = first_difference(session, outcomes)
        if difference is not None:
            shrinking(difference)
            pair = {name: engines[name] for name in difference.engines}
            small = Shrinker(session, partial(_step_of, pair, difference.kind), tries).run()
            again = first_difference(small, {name: run(engine, small) for name, engine in engines.items()})
            return Finding(again or difference, small, session)
        progress(len(session.steps))
    return None


def _step_of(engines: Mapping[str, MakeSessionController], kind: str, session: Session) -> int | None:
    """Return the program in which engines differ in this kind; another kind may have another cause."""
    difference = first_difference(session, {name: run(engine, session) for name, engine in engines.items()})
    return difference.step if difference is not None and difference.kind == kind else None
