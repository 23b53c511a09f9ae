"""The columns of a trace: one row per command, with what was asked, what came of it, and when."""

from typing import Any, Final

import numpy as np
import pyarrow as pa

from twinbar.emulator.contract.program import Program, ProgramResult
from twinbar.host.trace.matching import match_responses
from twinbar.hw.protocol.commands import CLOSED_LOOP, ON_CELLS
from twinbar.hw.protocol.packing import RESPONSE_BYTES, unpack, unpack_arguments, unpack_commands, unpack_results
from twinbar.hw.protocol.vocabulary import Opcode, Status

_CELL_COMMANDS: Final = tuple(opcode for opcode in ON_CELLS if opcode is not Opcode.DRIVE)
_NOTHING: Final = -(1 << 40)
"""Stands for null while columns are integers."""


def _column(name: str, kind: pa.DataType, about: str) -> pa.Field:
    return pa.field(name, kind, metadata={"about": about})


_NAME = pa.dictionary(pa.int8(), pa.string())
SCHEMA: Final = pa.schema(
    [
        _column("program", pa.int32(), "number of the program within its part, from 0"),
        _column("kind", _NAME, "what the host ran the program for"),
        _column("tick", pa.int64(), "tick at which it ran"),
        _column("beat", pa.uint64(), "the command beat"),
        _column("arrival", pa.int64(), "earliest cycle of the program in which it was presented"),
        _column("accepted", pa.int64(), "cycle of the program in which the controller accepted it"),
        _column("answered", pa.int64(), "cycle in which its last response was taken; null where there is none"),
        _column("opcode", _NAME, "name of the operation"),
        _column("tile", pa.int16(), "tile that it names"),
        _column("row", pa.int16(), "row of its cell; null where it has none"),
        _column("column", pa.int16(), "column of its cell"),
        _column("from_level", pa.int16(), "level nearest to the cell when the program began"),
        _column("to_level", pa.int16(), "level asked for"),
        _column("status", _NAME, "status of its last response"),
        _column("code", pa.int32(), "last code of its cell"),
        _column("sets", pa.int16(), "SET and forming pulses"),
        _column("resets", pa.int16(), "RESET pulses"),
        _column(
            "reads",
            pa.int16(),
            "how often its cell was read, the samples of a read counted once; null of a write by pulse table",
        ),
        _column("energy_j", pa.float64(), "heat that it caused in cells, in joules"),
        _column("responses", pa.binary(), "its response beats, one after the other"),
        _column("response_cycles", pa.list_(pa.int64()), "cycles in which they were taken"),
    ]
)
"""Columns of a trace; the metadata of each says what it holds."""


def rows_of(
    number: int,
    tick: int,
    program: Program,
    result: ProgramResult,
    tiles: int,
    level_of: np.ndarray,
    energy_j: np.ndarray,
    *,
    by_table: bool = False,
) -> pa.Table:
    """Return the rows of one program.

    Parameters
    ----------
    number : int
        Of the program within its part.
    tick : int
    program : Program
    result : ProgramResult
    tiles : int
    level_of : int [tiles, rows, columns]
        Level nearest to each cell when the program began.
    energy_j : float64 [commands]
        Heat of each command.
    by_table : bool
        Writes go by a pulse table: how often each has read is not known.
    """
    header = unpack_commands(program.commands)
    count = len(program.commands)
    answers = match_responses(program, result, tiles)
    order = np.argsort(answers, kind="stable")
    counts = np.bincount(answers, minlength=count).astype(np.int64)
    ends = np.cumsum(counts)
    answered = counts > 0
    # The last response of each command that has one.
    last = order[ends[answered] - 1]
    columns: dict[str, Any] = {
        "program": np.full(count, number, np.int32),
        "kind": [program.kind] * count,
        "tick": np.full(count, tick, np.int64),
        "beat": program.commands,
        "arrival": program.arrivals,
        "accepted": result.accepted,
        "opcode": _names(Opcode, header["opcode"]),
        "tile": header["tile"],
        "energy_j": energy_j,
        "responses": _beats(result.responses[order], counts, ends),
        "response_cycles": pa.ListArray.from_arrays(
            pa.array(np.concatenate([[0], ends]), pa.int32()), pa.array(result.response_cycles[order], pa.int64())
        ),
    }
    numbers = ("answered", "row", "column", "from_level", "to_level", "status", "code", "sets", "resets", "reads")
    found = {name: np.full(count, _NOTHING, np.int64) for name in numbers}
    found["answered"][answered] = result.response_cycles[last]
    found["status"][answered] = unpack(result.responses[last])["status"]
    for opcode in _CELL_COMMANDS:
        _describe_cells(opcode, header, program, result, answered, last, found)
    if by_table:
        found["reads"][header["opcode"] == Opcode.WRITE.value] = _NOTHING
    on_cell = (found["row"] >= 0) & (header["tile"] < tiles)
    on_cell &= (found["row"] < level_of.shape[1]) & (found["column"] < level_of.shape[2])
    cells = header["tile"][on_cell], found["row"][on_cell], found["column"][on_cell]
    found["from_level"][on_cell] = level_of[cells]
    columns["status"] = _names(Status, found.pop("status"))
    columns |= {name: pa.array(values, mask=values == _NOTHING) for name, values in found.items()}
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _describe_cells(
    opcode: Opcode,
    header: dict[str, np.ndarray],
    program: Program,
    result: ProgramResult,
    answered: np.ndarray,
    last: np.ndarray,
    found: dict[str, np.ndarray],
) -> None:
    """Fill what the commands of an opcode asked of their cells, and what they were answered."""
    mine = header["opcode"] == opcode.value
    if not mine.any():
        return
    arguments = unpack_arguments(opcode, program.commands[mine])
    found["row"][mine], found["column"][mine] = arguments["row"], arguments["column"]
    if opcode in CLOSED_LOOP:
        found["to_level"][mine] = arguments["level"]
    told = mine & answered
    answers = unpack_results(opcode, result.responses[last[mine[answered]]])
    for name in ("code", "sets", "resets"):
        found[name][told] = answers[name]
    # A refused command reads nothing; a closed loop reads once before and once behind each pulse.
    refused = ~np.isin(found["status"][told], [Status.OK.value, Status.FAILED.value])
    reads = answers["sets"] + answers["resets"] + 1 if opcode in CLOSED_LOOP else int(opcode is not Opcode.PULSE)
    found["reads"][told] = np.where(refused, _NOTHING, reads)


def _names(kind: Any, numbers: np.ndarray) -> list[str | None]:
    names = {member.value: member.name for member in kind}
    return [None if number == _NOTHING else names.get(number, str(number)) for number in numbers.tolist()]


def _beats(sorted_beats: np.ndarray, counts: np.ndarray, ends: np.ndarray) -> list[bytes]:
    raw = sorted_beats.tobytes()
    bounds = zip((ends - counts).tolist(), ends.tolist(), strict=True)
    return [raw[first * RESPONSE_BYTES : end * RESPONSE_BYTES] for first, end in bounds]
