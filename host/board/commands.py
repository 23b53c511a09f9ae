"""Commands to a board and their results, cell by cell, with progress."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.host.transport.link import Link
from twinbar.hw.errors import LinkError
from twinbar.hw.protocol.layouts import FAULTS
from twinbar.hw.protocol.packing import pack, unpack, unpack_results
from twinbar.hw.protocol.vocabulary import Opcode, Status

PIECE: Final = 256
"""Commands from one report of progress to the next."""

Progress = Callable[[int, int], None]
"""Takes how many operations are done, and how many there are."""
Ints = npt.NDArray[np.int64]

_ADVICE: Final = {
    Status.DISARMED: "; arm it first (Board.arm, or Board.configure)",
    Status.FAULTED: "; find the cause, then Board.clear and Board.arm",
    Status.WINDOW: "; a bias record leaves its window (LOW, HIGH and LIMIT of the record)",
    Status.BAD_ADDRESS: "; its rows and columns are Board.rows and Board.columns",
}


def tell(progress: Progress | None, done: int, total: int) -> None:
    """Report progress, if somebody wants to know."""
    if progress is not None:
        progress(done, total)


def run(link: Link, commands: npt.NDArray[np.uint64], *, may_fail: bool = False) -> npt.NDArray[np.uint8]:
    """Run commands that must be carried out; with ``may_fail``, writes may end outside their windows.

    Raises
    ------
    LinkError
        If a tile refuses one; the sentence says which, and what would be right.
    """
    responses = link.run(commands)
    header = unpack(responses)
    bad = header["status"] != Status.OK.value
    if may_fail:
        bad &= header["status"] != Status.FAILED.value
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        faults = ", ".join(fault.name for fault in FAULTS if fault.name in header and header[fault.name][first])
        status = Status(int(header["status"][first]))
        raise LinkError(
            f"tile {header['tile'][first]} answered {Opcode(int(header['opcode'][first])).name} with {status.name}"
            + (f" (latched faults: {faults})" if faults else "")
            + _ADVICE.get(status, "")
        )
    return responses


def run_on_cells(
    link: Link,
    opcode: Opcode,
    tile: int,
    progress: Progress | None = None,
    *,
    may_fail: bool = False,
    **fields: npt.ArrayLike,
) -> dict[str, Ints]:
    """Run one command per cell.

    Parameters
    ----------
    link : Link
    opcode : Opcode
    tile : int
    progress : callable, optional
    may_fail : bool
        See `run`.
    **fields : int arrays
        Arguments by name, broadcast against each other.

    Returns
    -------
    dict of int64 arrays
        Results by name, and ``status``, in the shape of the arguments.
    """
    given = dict(zip(fields, np.broadcast_arrays(*map(np.asarray, fields.values())), strict=True))
    shape = given["row"].shape
    flat = {name: values.ravel() for name, values in given.items()}
    # An empty list has no type that would say that it holds whole numbers.
    commands = pack(opcode, tile, **flat) if given["row"].size else np.zeros(0, np.uint64)
    answers = []
    for start in range(0, max(len(commands), 1), PIECE):
        answers.append(run(link, commands[start : start + PIECE], may_fail=may_fail))
        tell(progress, min(start + PIECE, len(commands)), len(commands))
    found = np.concatenate(answers)
    results = unpack_results(opcode, found) | {"status": unpack(found)["status"]}
    return {name: values.reshape(shape) for name, values in results.items()}
