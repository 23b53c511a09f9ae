"""Which responses answer which command: each tile answers in the order of its commands."""

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.hw.protocol.layouts import MAX_COLUMNS
from twinbar.hw.protocol.packing import unpack, unpack_arguments, unpack_commands
from twinbar.hw.protocol.vocabulary import Opcode, Status


def match_responses(program: Program, result: ProgramResult, tiles: int) -> npt.NDArray[np.int64]:
    """Return the command that each response answers.

    An accepted ``LOAD`` is not answered (of several in a row, a refusal is taken for that of the first), a ``MULTIPLY``
    is answered until its last output or its failure, and ``SAFE`` is answered by every tile. A beat for a tile that
    does not exist is answered by tile 0.

    Returns
    -------
    int64 [responses]
        Position of the command in the program.
    """
    header = unpack_commands(program.commands)
    outputs = np.ones(len(program.commands), np.int64)
    products = header["opcode"] == Opcode.MULTIPLY.value
    wanted = unpack_arguments(Opcode.MULTIPLY, program.commands[products])["outputs"]
    outputs[products] = np.where(wanted == 0, MAX_COLUMNS, wanted)
    waiting: list[list[list[int]]] = [[] for _ in range(tiles)]
    for position, (opcode, tile, answers) in enumerate(
        zip(header["opcode"].tolist(), header["tile"].tolist(), outputs.tolist(), strict=True)
    ):
        for target in range(tiles) if opcode == Opcode.SAFE.value else (tile if tile < tiles else 0,):
            waiting[target].append([opcode, position, answers])
    for queue in waiting:
        queue.reverse()
    given = unpack(result.responses)
    failed = given["status"] != Status.OK.value
    found = np.zeros(len(failed), np.int64)
    for at, (kind, source, fails) in enumerate(
        zip(given["opcode"].tolist(), given["tile"].tolist(), failed.tolist(), strict=True)
    ):
        queue = waiting[source]
        while queue[-1][0] != kind:
            queue.pop()  # an accepted LOAD
        found[at] = queue[-1][1]
        queue[-1][2] -= 1
        if fails or queue[-1][2] == 0:
            queue.pop()
    return found
