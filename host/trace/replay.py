"""Runs a recorded trace again, on any engine, and compares."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.controller_engine import ControllerEngine, MakeController
from twinbar.emulator.verify.show import describe
from twinbar.host.trace.matching import match_responses
from twinbar.host.trace.recorder import MAPPED_COLUMNS
from twinbar.host.trace.store import TracePart


@dataclass
class Replay:
    """What was compared so far.

    Parameters
    ----------
    parts, programs, commands, responses, cycles : int
    difference : str
        The first difference, in words; empty if there was none.
    """

    parts: int = 0
    programs: int = 0
    commands: int = 0
    responses: int = 0
    cycles: int = 0
    difference: str = ""


def replay_part(
    part: TracePart,
    crossbar: CrossbarConfig,
    make: MakeController,
    replay: Replay,
    advance: Callable[[int], None] = lambda commands: None,
) -> None:
    """Run the programs of a part, and compare responses and cycles until the first difference.

    Parameters
    ----------
    part : TracePart
    crossbar : CrossbarConfig
        Of the part's configuration.
    make : callable
        Makes the controller on which the trace runs.
    replay : Replay
        Added to.
    advance : callable
        Takes the number of commands that were run.
    """
    mapped = part.state[MAPPED_COLUMNS]
    engine = ControllerEngine(crossbar, len(mapped), mapped, make=make)
    engine.load_state_dict(part.state)
    replay.parts += 1
    for program, rows in programs_of(part.rows):
        engine.set_tick(int(rows["tick"][0].as_py()))
        result = engine.controller.run(program)
        replay.difference = _difference(program, rows, result, engine.tiles)
        if replay.difference:
            replay.difference = f"part {part.path.name}, program {rows['program'][0]}: {replay.difference}"
            return
        replay.programs += 1
        replay.commands += len(program.commands)
        replay.responses += len(result.responses)
        replay.cycles += result.cycles
        advance(len(program.commands))


def programs_of(rows: pa.Table) -> Iterator[tuple[Program, pa.Table]]:
    """Return the programs of a trace's rows, each with its rows."""
    numbers = rows["program"].to_numpy()
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    for first, end in zip(starts, [*starts[1:], len(numbers)], strict=True):
        mine = rows.slice(first, end - first)
        yield (
            Program(mine["beat"].to_numpy(), mine["arrival"].to_numpy(), kind=str(mine["kind"][0].as_py())),
            mine,
        )


def _difference(program: Program, rows: pa.Table, result: ProgramResult, tiles: int) -> str:
    """Return the first command that was accepted or answered otherwise than the trace says."""
    accepted = rows["accepted"].to_numpy()
    order = np.argsort(match_responses(program, result, tiles), kind="stable")
    recorded = b"".join(rows["responses"].to_pylist())
    cycles = rows["response_cycles"].combine_chunks().flatten().to_numpy()
    if (
        np.array_equal(accepted, result.accepted)
        and recorded == result.responses[order].tobytes()
        and np.array_equal(cycles, result.response_cycles[order])
    ):
        return ""
    return _explain(program, rows, result, tiles)


def _explain(program: Program, rows: pa.Table, result: ProgramResult, tiles: int) -> str:
    answers = match_responses(program, result, tiles)
    for position, (beat, row) in enumerate(zip(program.commands, rows.to_pylist(), strict=True)):
        mine = answers == position
        found: dict[str, Any] = {
            "accepted": int(result.accepted[position]),
            "responses": result.responses[mine].tobytes(),
            "response_cycles": result.response_cycles[mine].tolist(),
        }
        for name, value in found.items():
            if value != row[name]:
                return (
                    f"command {position}, {describe(int(beat))}: {name} is {_plain(value)}, "
                    f"and the trace has {_plain(row[name])}"
                )
    return "the responses come in another order"


def _plain(value: Any) -> str:
    return value.hex(" ") if isinstance(value, bytes) else str(value)
