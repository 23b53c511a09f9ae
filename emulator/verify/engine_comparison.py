"""Runs a session on several engines, and finds the first difference between what they give."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.contract.program import ProgramResult
from twinbar.emulator.crossbar.cell_energy import CELL_ENERGIES
from twinbar.emulator.crossbar.cell_state import CELL_ARRAYS, STRESS_ARRAYS
from twinbar.emulator.verify.answers import DecodedResponse, answers_differ, answers_of
from twinbar.emulator.verify.compared_engines import MAY_OMIT, MakeSessionController
from twinbar.emulator.verify.elaborations import find_elaboration
from twinbar.emulator.verify.session import Session
from twinbar.emulator.verify.show import describe
from twinbar.hw.actions import ACTIONS
from twinbar.hw.timing import PHASES

_COUNTS: Final = {
    "phases": PHASES,
    "actions": ACTIONS,
    "energy": CELL_ENERGIES,
    "extremes": ("least forward code", "greatest forward code", "forward codes at an end of the range"),
}
_CELLS: Final = (*CELL_ARRAYS, *STRESS_ARRAYS, "driven", "front_end")
_DRIVEN: Final = ("record", "bit line", "source line", "word line")


class Outcome(NamedTuple):
    """What an engine gave for a program: its result and the cells after it, or how it failed."""

    result: ProgramResult | None
    cells: Mapping[str, np.ndarray]
    failure: str = ""


def run(engine: MakeSessionController, session: Session) -> list[Outcome]:
    """Run a session; the list ends with the program that the engine failed in, if it did.

    Raises
    ------
    TwinbarError
        If the engine cannot be had: a tool is missing.
    """
    outcomes = []
    controller = engine(session)
    try:
        for step in session.steps:
            if step.tick is not None:
                controller.set_tick(step.tick)
            if step.reload:
                controller.load_cells(controller.cells())
            result = controller.run(step.program())
            after = controller.cells()
            outcomes.append(Outcome(result, {name: after[name].copy() for name in _CELLS if name in after}))
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({where.filename.rpartition('/')[2]}:{where.lineno})"
        outcomes.append(Outcome(None, {}, text))
    return outcomes


@dataclass(frozen=True)
class Difference:
    """The first difference between engines.

    Parameters
    ----------
    step : int
        Program of the session.
    engines : tuple of str
        Two engines that differ.
    kind : str
        What differs.
    text : str
        The same in words, with the values.
    others : str
        With which of the two the other engines agree.
    """

    step: int
    engines: tuple[str, str]
    kind: str
    text: str
    others: str = ""

    def __str__(self) -> str:
        """Return the difference in words."""
        return f"program {self.step}: {self.text}" + (f" ({self.others})" if self.others else "")


def first_difference(session: Session, outcomes: Mapping[str, Sequence[Outcome]]) -> Difference | None:
    """Find the first program for which engines differ, and what in it differs first.

    Parameters
    ----------
    session : Session
    outcomes : dict of str to list of Outcome
        What `run` gave, by the engines' names; each is compared with the first one.
    """
    names = list(outcomes)
    for step in range(len(session.steps)):
        at = {name: outcomes[name][step] for name in names if step < len(outcomes[name])}
        for other in names[1:]:
            found = _differ(session, step, (names[0], at[names[0]]), (other, at[other]))
            if found:
                return Difference(step, (names[0], other), *found, _sides(session, step, at, names[0], other))
    return None


def _sides(session: Session, step: int, at: Mapping[str, Outcome], one: str, two: str) -> str:
    sides = []
    for name in at:
        if name not in (one, two):
            agrees = [each for each in (one, two) if not _differ(session, step, (each, at[each]), (name, at[name]))]
            sides.append(f"{name} agrees with {agrees[0] if agrees else 'neither'}")
    return "; ".join(sides)


class _FirstDifference(NamedTuple):
    kind: str
    text: str


def _differ(session: Session, step: int, one: tuple[str, Outcome], two: tuple[str, Outcome]) -> _FirstDifference | None:
    """Say what differs first between two engines in a program."""
    (name, a), (other, b) = one, two
    if a.result is None or b.result is None:
        failed = [f"{engine} failed with {outcome.failure}" for engine, outcome in (one, two) if outcome.failure]
        return _FirstDifference("failure", "; ".join(failed))
    found = _in_time(session, step, (name, a.result), (other, b.result))
    if found:
        return found
    if a.result.cycles != b.result.cycles:
        return _FirstDifference(
            "cycles", f"it takes {a.result.cycles} cycles by {name} and {b.result.cycles} by {other}"
        )
    for field, labels in _COUNTS.items():
        for tile, (x, y) in enumerate(zip(getattr(a.result, field), getattr(b.result, field), strict=True)):
            for label, left, right in zip(labels, x.tolist(), y.tolist(), strict=True):
                if left != right:
                    return _FirstDifference(
                        field, f"tile {tile}, {field}, {label}: {left} by {name}, {right} by {other}"
                    )
    return _in_cells(session, a.cells, b.cells, name, other)


def _in_time(
    session: Session, step: int, one: tuple[str, ProgramResult], two: tuple[str, ProgramResult]
) -> _FirstDifference | None:
    """Say what differs first of what has a cycle: beats accepted, and responses taken."""
    (name, a), (other, b) = one, two
    commands = session.steps[step].commands
    found: list[tuple[int, _FirstDifference]] = []
    for index, (x, y) in enumerate(zip(a.accepted.tolist(), b.accepted.tolist(), strict=False)):
        if x != y:
            text = f"command {index} ({describe(commands[index])}) is accepted in cycle {x} by {name}, {y} by {other}"
            found.append((min(x, y), _FirstDifference("accepted", text)))
            break
    if len(a.accepted) != len(b.accepted):
        text = f"{len(a.accepted)} commands are accepted by {name}, {len(b.accepted)} by {other}"
        found.append((0, _FirstDifference("number accepted", text)))
    lanes = find_elaboration(session.elaboration).controller.outputs_per_beat
    left, right = answers_of(commands, a, lanes), answers_of(commands, b, lanes)
    for index, (p, q) in enumerate(zip(left, right, strict=False)):
        if p != q:
            words = answers_differ(p, q, name, other)
            text = f"response {index} {_subject(commands, p)}: {words}"
            found.append((min(p.cycle, q.cycle), _FirstDifference(f"response, {words.partition(' ')[0]}", text)))
            break
    else:
        if len(left) != len(right):
            longer, by, short = (left, name, other) if len(left) > len(right) else (right, other, name)
            extra = longer[min(len(left), len(right))]
            text = f"{by} gives a response {_subject(commands, extra)} in cycle {extra.cycle}, {short} does not"
            found.append((extra.cycle, _FirstDifference("number of responses", text)))
    return min(found)[1] if found else None


def _subject(commands: Sequence[int], answer: DecodedResponse) -> str:
    if answer.command is None:
        return "to no command"
    return f"to command {answer.command} ({describe(commands[answer.command])})"


def _in_cells(
    session: Session, a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray], name: str, other: str
) -> _FirstDifference | None:
    elaboration = find_elaboration(session.elaboration)
    columns = elaboration.controller.columns
    for field in _CELLS:
        if field == "front_end" and elaboration.parts is None:
            continue
        if field in STRESS_ARRAYS and not elaboration.config.cells.scalars[0].reads_disturb:
            continue
        missing = [engine for engine, cells in ((name, a), (other, b)) if field not in cells]
        for engine in missing:
            if field not in MAY_OMIT.get(engine, ()):
                return _FirstDifference("cells", f"cells: {engine} gives no {field}")
        if missing:
            continue
        x, y = a[field], b[field]
        if x.shape != y.shape or x.dtype != y.dtype:
            text = f"cells, {field}: {x.dtype} {x.shape} by {name}, {y.dtype} {y.shape} by {other}"
            return _FirstDifference("cells", text)
        for tile, place in np.argwhere(x != y).tolist():
            where = f"row {place // columns}, column {place % columns}"
            if field == "conversions":
                where = f"channel {place}"
            elif field == "driven":
                where = _DRIVEN[place]
            elif field == "front_end":
                where = f"place {place}"
            values = f"{x[tile, place]} by {name}, {y[tile, place]} by {other}"
            return _FirstDifference(field, f"tile {tile}, {where}, {field} afterwards: {values}")
    return None
