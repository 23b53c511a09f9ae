"""What the host expects to be answered: the part of every response beat that follows from the commands."""

from collections import deque
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from twinbar.hw.errors import LinkError
from twinbar.hw.protocol.commands import IF_REFUSED, PER_OUTPUT, PRODUCT, PRODUCT_RESULT, TO_EVERY_TILE, Opcode
from twinbar.hw.protocol.layouts import COMMAND, ECHO, MAX_COLUMNS, RESPONSE
from twinbar.hw.protocol.vocabulary import Status

TILE_START = RESPONSE["tile"].offset
STATUS_START = RESPONSE["status"].offset
ECHO_START = RESPONSE["body"].offset
VALUE_START = ECHO_START + ECHO.end
"""First bit of the result in a response beat."""
_COLUMN_START = PRODUCT_RESULT["column"].offset
TEMPLATE_MASK = (ECHO.mask << ECHO_START) | (1 << RESPONSE["tile"].end) - 1
"""Bits of a response beat that follow from its command."""
_UNANSWERED = frozenset(opcode.value for opcode in IF_REFUSED)


class Expectation:
    """Responses that are still to come, tile by tile.

    Parameters
    ----------
    tiles : int
    """

    def __init__(self, tiles: int) -> None:
        nothing = np.zeros(0, np.int64)
        # Of each response: its tile, its beat without the result, and how many of the same command follow. Sorted by
        # tile; those of tile k that are still to come lie between next[k] and stop[k].
        self._tile, self._template, self._further = nothing, nothing, nothing
        self._next, self._stop = np.zeros(tiles, np.int64), np.zeros(tiles, np.int64)
        self._taken = np.zeros(tiles, np.int64)
        # Of every LOAD, which is answered only if it is refused: before which response of its tile, and its template.
        self._loads: list[deque[tuple[int, int]]] = [deque() for _ in range(tiles)]

    def __len__(self) -> int:
        return int((self._stop - self._next).sum())

    @property
    def loads_last(self) -> bool:
        """Whether a tile's last command is a `LOAD`: only a board at rest shows that it was not refused."""
        return any(loads and loads[-1][0] >= taken for loads, taken in zip(self._loads, self._taken, strict=True))

    def add(self, beats: npt.NDArray[np.uint64]) -> None:
        """Add the responses to command beats (uint64 [n])."""
        tiles = len(self._next)
        commands = beats.astype(np.int64)
        to_all = _is_any(commands, TO_EVERY_TILE)
        # What goes to every tile is answered by each; a tile that does not exist is tile 0, which refuses.
        index = np.repeat(np.arange(len(commands)), np.where(to_all, tiles, 1))
        commands, copy = commands[index], _number_in_group(index)
        tile = COMMAND["tile"].of(commands)
        tile = np.where(to_all[index], copy, np.where(tile < tiles, tile, 0))
        echo = ECHO.of(COMMAND["body"].of(commands))
        template = COMMAND["opcode"].of(commands) | tile << TILE_START | echo << ECHO_START

        outputs = PRODUCT["outputs"].of(echo)
        count = np.where(_is_any(commands, PER_OUTPUT), np.where(outputs == 0, MAX_COLUMNS, outputs), 1)
        load = _is_any(commands, IF_REFUSED)
        count[load] = 0
        if load.any():
            self._add_loads(tile, template, count, load)

        index = np.repeat(np.arange(len(template)), count)
        number = _number_in_group(index)
        shift = ECHO_START + _COLUMN_START
        column = (template[index] >> shift) + number & (MAX_COLUMNS - 1)
        template, tile = template[index] & ~np.int64((MAX_COLUMNS - 1) << shift) | column << shift, tile[index]

        to_come = np.arange(len(self._tile)) >= self._next[self._tile]
        tile = np.concatenate([self._tile[to_come], tile])
        order = np.argsort(tile, kind="stable")
        self._tile = tile[order]
        self._template = np.concatenate([self._template[to_come], template])[order]
        self._further = np.concatenate([self._further[to_come], count[index] - number - 1])[order]
        self._next = np.searchsorted(self._tile, np.arange(tiles))
        self._stop = np.searchsorted(self._tile, np.arange(tiles), side="right")

    def _add_loads(
        self,
        tile: npt.NDArray[np.int64],
        template: npt.NDArray[np.int64],
        count: npt.NDArray[np.int64],
        load: npt.NDArray[np.bool_],
    ) -> None:
        before = self._taken + self._stop - self._next
        order = np.argsort(tile, kind="stable")
        behind = np.cumsum(count[order]) - count[order]
        first = np.searchsorted(tile[order], tile[order])
        place = np.empty(len(tile), np.int64)
        place[order] = before[tile[order]] + behind - behind[first]
        for number, at, beat in zip(tile[load].tolist(), place[load].tolist(), template[load].tolist(), strict=True):
            self._loads[number].append((at, beat))

    def take(self, tiles: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the templates of the next responses, which come from these tiles, and count them as answered.

        Raises
        ------
        LinkError
            If a tile has nothing to answer.
        """
        if not len(tiles):
            return np.zeros(0, np.int64)
        self._check(int(tiles.max()))
        order = np.argsort(tiles, kind="stable")
        rank = np.empty(len(tiles), np.int64)
        rank[order] = _number_in_group(tiles[order])
        index = self._next[tiles] + rank
        beyond = index >= self._stop[tiles]
        if beyond.any():
            raise LinkError(f"tile {tiles[beyond][0]} answers more than it was asked; connect again")
        self._drop(np.bincount(tiles, minlength=len(self._next)))
        return self._template[index]

    def take_odd(self, beat: int) -> None:
        """Count a beat as answered that does not follow from the commands alone: see `is_odd`.

        Raises
        ------
        LinkError
            If it does not answer the next command of its tile.
        """
        number, opcode = RESPONSE["tile"].of(beat), RESPONSE["opcode"].of(beat)
        self._check(number)
        answered = beat & TEMPLATE_MASK
        loads, taken = self._loads[number], int(self._taken[number])
        while loads and loads[0][0] < taken:
            loads.popleft()
        if opcode in _UNANSWERED and (taken, answered) in loads:
            while loads.popleft() != (taken, answered):
                pass
            return
        at = self._next[number]
        if at == self._stop[number] or RESPONSE["opcode"].of(int(self._template[at])) != opcode:
            raise LinkError(f"tile {number} answers what it was not asked (beat {beat:#x}); connect again")
        dropped = np.zeros_like(self._next)
        # A multiplication that ends early gives one last record.
        dropped[number] = 1 + self._further[at]
        self._drop(dropped)

    def settle(self) -> None:
        """Forget the loads at the end: the board is at rest and has not refused them."""
        for loads in self._loads:
            loads.clear()

    def _drop(self, count: npt.NDArray[np.int64]) -> None:
        self._next += count
        self._taken += count

    def _check(self, tile: int) -> None:
        if tile >= len(self._next):
            raise LinkError(f"the board answers for tile {tile}, but has {len(self._next)} tiles")


def is_odd(beats: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether beats (their low 64 bits) end a multiplication early, or refuse a `LOAD`."""
    ended = _is_any(beats, PER_OUTPUT) & (RESPONSE["status"].of(beats) != Status.OK.value)
    return ended | _is_any(beats, IF_REFUSED)


def _is_any(beats: npt.NDArray[np.int64], opcodes: Iterable[Opcode]) -> npt.NDArray[np.bool_]:
    """Whether commands or responses have one of some opcodes."""
    return np.isin(COMMAND["opcode"].of(beats), [opcode.value for opcode in opcodes])


def _number_in_group(index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    first = np.append(True, index[1:] != index[:-1])[: len(index)]
    place = np.arange(len(index))
    return place - np.maximum.accumulate(np.where(first, place, 0))
