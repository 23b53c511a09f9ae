"""Responses as fields by name, each with the command that it answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from twinbar.emulator.contract.program import ProgramResult
from twinbar.emulator.verify.beat_fields import fields_of, opcode_of, tile_of
from twinbar.hw.protocol.commands import IF_REFUSED, PER_OUTPUT, TO_EVERY_TILE
from twinbar.hw.protocol.layouts import MAX_COLUMNS
from twinbar.hw.protocol.packing import unpack, unpack_results
from twinbar.hw.protocol.vocabulary import Status


@dataclass(frozen=True)
class DecodedResponse:
    """A response.

    Parameters
    ----------
    cycle : int
        In which it was taken.
    bits : int
    fields : dict
        What its opcode's layout holds.
    command : int, optional
        Position of the command that it answers.
    """

    cycle: int
    bits: int
    fields: dict[str, int] = field(compare=False)
    command: int | None = field(default=None, compare=False)


def answers_of(commands: Sequence[int], result: ProgramResult, lanes: int = 1) -> list[DecodedResponse]:
    """Decode the responses of a program, and find the command of each; ``lanes`` outputs of a product share one."""
    pending = _Pending(commands, len(result.phases), lanes)
    found = []
    for cycle, beat in zip(result.response_cycles.tolist(), result.responses, strict=True):
        one = beat.reshape(1, -1)
        fields = {name: int(value[0]) for name, value in unpack(one).items()}
        if opcode := opcode_of(fields["opcode"]):
            fields |= {name: int(value[0]) for name, value in unpack_results(opcode, one).items()}
        found.append(DecodedResponse(cycle, int.from_bytes(beat.tobytes(), "little"), fields, pending.take(fields)))
    return found


class _Pending:
    """The commands of each tile that are not answered yet."""

    def __init__(self, commands: Sequence[int], tiles: int, lanes: int) -> None:
        self._commands = commands
        self._lanes = lanes
        self._of_tile: list[list[int]] = [[] for _ in range(tiles)]
        self._given = [0] * tiles
        for index, beat in enumerate(commands):
            tile = tile_of(beat)
            if opcode_of(beat) in TO_EVERY_TILE:
                for waiting in self._of_tile:
                    waiting.append(index)
            else:
                self._of_tile[tile if tile < tiles else 0].append(index)

    def take(self, answer: dict[str, int]) -> int | None:
        """Return the command that a response answers; an accepted LOAD was not answered."""
        tile = answer["tile"]
        if tile >= len(self._of_tile):
            return None
        waiting = self._of_tile[tile]
        while waiting and fields_of(self._commands[waiting[0]])["opcode"] != answer["opcode"]:
            if opcode_of(self._commands[waiting[0]]) not in IF_REFUSED:
                return None
            waiting.pop(0)
        if not waiting:
            return None
        index = waiting[0]
        if opcode_of(self._commands[index]) in PER_OUTPUT and answer["status"] == Status(0).value:
            self._given[tile] += self._lanes
            if self._given[tile] < (fields_of(self._commands[index])["outputs"] or MAX_COLUMNS):
                return index
        self._given[tile] = 0
        waiting.pop(0)
        return index


def answers_differ(a: DecodedResponse, b: DecodedResponse, name: str, other: str) -> str:
    """Say in words how two answers differ."""
    words = []
    if a.cycle != b.cycle:
        words.append(f"taken in cycle {a.cycle} by {name}, {b.cycle} by {other}")
    for key in [*a.fields, *(key for key in b.fields if key not in a.fields)]:
        x, y = a.fields.get(key), b.fields.get(key)
        if x != y:
            words.append(f"{key} {_value(key, x)} by {name}, {_value(key, y)} by {other}")
    if a.bits != b.bits and a.fields == b.fields:
        words.append(f"bits without a name {a.bits ^ b.bits:#x} differ")
    return "; ".join(words)


def _value(key: str, value: int | None) -> str:
    if value is None:
        return "missing"
    if key == "status":
        return Status(value).name if value in {status.value for status in Status} else str(value)
    return str(value)
