"""Random programs reach everything: opcodes, statuses, faults, and halts in every phase."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from twinbar.emulator.engines.events import EventsController, Recording
from twinbar.emulator.engines.events.safety import Fault, Safety
from twinbar.emulator.verify.campaign import FAULTS, Coverage, sessions
from twinbar.emulator.verify.compared_engines import engine_of
from twinbar.emulator.verify.elaborations import ELABORATIONS, with_tiles
from twinbar.emulator.verify.engine_comparison import run
from twinbar.emulator.verify.session import Session
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import Phase

PROGRAMS = 1000
ANYWHERE = ("SAFE", "ABORT", "WATCHDOG", "STOP", "FRONT_END")
"""Causes that can halt a tile in any cycle; compliance halts pulses only."""


class Halts:
    """Notes the safety objects of the engine events as they are made, and every halt: its object, cause and cycle."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Safety] = []
        self.found: list[tuple[Safety, str, int]] = []
        make, catch, stop = Safety.__init__, Safety.catch, Safety.stop_by_command

        def note_safety(safety: Safety, *arguments: Any, **options: Any) -> None:
            self.made.append(safety)
            make(safety, *arguments, **options)

        def note_fault(safety: Safety, fault: Fault) -> None:
            catch(safety, fault)
            self.found.append((safety, str(fault.name), safety.halted))

        def note_command(safety: Safety, *, disarm: bool) -> None:
            stop(safety, disarm=disarm)
            self.found.append((safety, "SAFE" if disarm else "ABORT", safety.halted))

        monkeypatch.setattr(Safety, "__init__", note_safety)
        monkeypatch.setattr(Safety, "catch", note_fault)
        monkeypatch.setattr(Safety, "stop_by_command", note_command)


def phases_of_halts(session: Session, halts: Halts, coverage: Coverage) -> Iterator[tuple[str, Phase]]:
    """Run a session; gives the cause of every halt and the phase that the tile was in."""
    halts.found.clear()
    halts.made.clear()
    recording = Recording()
    made: list[EventsController] = []

    def engine(wanted: Session) -> Any:
        controller = engine_of("events")(wanted)
        assert isinstance(controller, EventsController)
        controller.listen(recording)
        made.append(controller)
        return controller

    coverage.add(session, run(engine, session))
    assert len(halts.made) == made[0].controller.tiles
    for tile, safety_of_tile in enumerate(halts.made):
        spans = [span for span in recording.phases if span.tile == tile]
        starts = [span.start for span in spans]
        for safety, cause, cycle in halts.found:
            if safety is safety_of_tile:
                yield cause, spans[bisect_right(starts, cycle) - 1].phase


def test_random_programs_reach_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    halts, coverage = Halts(monkeypatch), Coverage()
    found: Counter[tuple[str, Phase]] = Counter()
    reached = set()
    for session in sessions(1, PROGRAMS, with_tiles(None)):
        found.update(phases_of_halts(session, halts, coverage))
        reached.add(session.elaboration)
    assert reached == set(ELABORATIONS)
    assert set(coverage.commands) == {opcode.name for opcode in Opcode} | {"unknown"}
    assert set(coverage.statuses) == {status.name for status in Status}
    assert all(coverage.halts[name] for name in (*FAULTS, "safe", "abort")), coverage.halts
    expected = {(cause, phase) for cause in ANYWHERE for phase in Phase} | {("COMPLIANCE", Phase.PULSE)}
    assert set(found) == expected
    # Most commands must do work, or the rest of the comparison means little.
    assert coverage.statuses["OK"] > 0.8 * coverage.responses
    assert coverage.statuses["FAILED"] > 50
