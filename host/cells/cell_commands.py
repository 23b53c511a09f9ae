"""One command for every cell, and its results in the order of the cells."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.interleave import interleave
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.host.cells.accounted_controller import AccountedController
from twinbar.host.cells.places import Ints, Places
from twinbar.hw.protocol.packing import RESPONSE_BYTES, pack
from twinbar.hw.protocol.vocabulary import Opcode, Status

PIECE: Final = 256
"""Commands of a program: from one report of progress to the next, and to where Ctrl-C ends it."""

Progress = Callable[[int, int], None]
"""Takes how many operations are done, and how many there are."""


def tell(progress: Progress | None, done: int, total: int) -> None:
    """Report progress, if somebody wants to know."""
    if progress is not None:
        progress(done, total)


def in_turn(tile: Ints, tiles: int) -> Ints:
    """Return the order in which entries are sent, so that tiles work side by side; that within a tile is kept."""
    grouped = np.argsort(tile, kind="stable")
    order: Ints = interleave(np.searchsorted(tile[grouped], np.arange(tiles + 1)))[0]
    return grouped[order]


def run_on_cells(
    controller: AccountedController,
    opcode: Opcode,
    places: Places,
    progress: Progress | None = None,
    *,
    kind: str = "write",
    may_fail: bool = False,
    **fields: npt.ArrayLike,
) -> dict[str, Ints]:
    """Run one command per cell.

    Parameters
    ----------
    controller : AccountedController
    opcode : Opcode
    places : Places
    progress : callable, optional
    kind, may_fail
        See `AccountedController.run`.
    **fields : int arrays [n] or int
        Further arguments by name.

    Returns
    -------
    dict of int64 arrays [n]
        Results by name, and ``status``.
    """
    order = in_turn(places.tile, controller.shape.tiles)
    given = {"row": places.row, "column": places.column}
    given |= {name: np.broadcast_to(np.asarray(value), len(places)) for name, value in fields.items()}
    commands = pack(opcode, places.tile[order], **{name: values[order] for name, values in given.items()})
    found: dict[str, Ints] = {}
    for start in range(0, len(order), PIECE):
        entries = order[start : start + PIECE]
        answers = beats.results(opcode, controller.run(commands[start : start + PIECE], kind, may_fail=may_fail))
        # Results come tile by tile, in each as its commands were sent.
        answered = entries[np.argsort(places.tile[entries], kind="stable")]
        for name, values in answers.items():
            found.setdefault(name, np.zeros(len(places), np.int64))[answered] = values
        tell(progress, start + len(entries), len(order))
    # Of no cells there are no results, by the same names.
    return found or beats.results(opcode, np.zeros((0, RESPONSE_BYTES), np.uint8))


def command_fields(config: CrossbarConfig | None, level: Ints) -> dict[str, Ints]:
    """Return what commands that write levels say of their pulses: nothing is known of where the cells are.

    A write by comparisons is asked for its code.
    """
    table = None if config is None else config.pulse_table
    if table is None:
        return {}
    return {**table.begin(level, None)._asdict(), "code": np.full(len(level), int(table.rules.compare), np.int64)}


def write_until(
    controller: AccountedController,
    opcode: Opcode,
    places: Places,
    level: Ints,
    attempts: int,
    progress: Progress | None = None,
    *,
    fields: Mapping[str, Ints] | None = None,
) -> dict[str, Ints]:
    """Write (or form) cells, and again those that failed.

    Parameters
    ----------
    controller, opcode, places, progress
        As of `run_on_cells`.
    level : int64 [n]
    attempts : int
        Writes that are spent on a cell.
    fields : mapping of str to int64 [n], optional
        Further arguments by name.

    Returns
    -------
    dict of int64 arrays [n]
        ``code`` and ``status`` of the last attempt, and the sums of ``sets`` and ``resets``.
    """
    given: dict[str, Any] = {**(fields or {}), "level": level}
    found = run_on_cells(controller, opcode, places, progress, may_fail=True, **given)
    for _ in range(1, attempts):
        failed = np.flatnonzero(found["status"] != Status.OK.value)
        if not len(failed):
            break
        rest = {name: values[failed] for name, values in given.items()}
        again = run_on_cells(controller, opcode, places.part(failed), may_fail=True, **rest)
        for name in ("code", "status"):
            found[name][failed] = again[name]
        for name in ("sets", "resets"):
            found[name][failed] += again[name]
    return found
