"""What a program did, from a board's own counters: reads of them around it, whose own part is known and removed.

Around every program the same registers of each tile are read, in the same stream: before it STALL and IDLE, behind it
IDLE, STALL and then all others. Between two readings of one counter lie the program and as many reads as the two blocks
have together, whichever counter it is. A read takes `REGISTER_READ_CYCLES` of ``decide``, one of ``respond`` and one
command beat; so much is taken off. Waiting is read on both sides of the program, because time between programs is none
of theirs; the stall of three reads, where the link holds their responses up, cannot be told from the program's own.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from twinbar.hw.actions import ACTIONS, Action, response_beats
from twinbar.hw.errors import LinkError
from twinbar.hw.protocol.packing import pack, unpack, unpack_results
from twinbar.hw.protocol.registers import (
    ACTION_COUNTER_BASE,
    ALWAYS_COUNTED,
    COUNTER_BITS,
    PHASE_COUNTER_BASE,
    USUAL_COUNTERS,
)
from twinbar.hw.protocol.vocabulary import Opcode, Status
from twinbar.hw.timing import PHASES, REGISTER_READ_CYCLES, RESPOND_CYCLES, Phase

WAITING: Final = (Phase.IDLE, Phase.STALL)
OPENING: Final = tuple(PHASE_COUNTER_BASE + phase for phase in reversed(WAITING))
"""Addresses that are read before a program."""
CLOSING: Final = (
    *(PHASE_COUNTER_BASE + phase for phase in (*WAITING, *(phase for phase in Phase if phase not in WAITING))),
    *(ACTION_COUNTER_BASE + action for action in ALWAYS_COUNTED),
)
"""Addresses that are read behind it."""
_READS: Final = len(OPENING) + len(CLOSING)
_MASK: Final = (1 << COUNTER_BITS) - 1
_OWN: Final = {
    PHASE_COUNTER_BASE + Phase.DECIDE: _READS * REGISTER_READ_CYCLES,
    PHASE_COUNTER_BASE + Phase.RESPOND: _READS * RESPOND_CYCLES,
    ACTION_COUNTER_BASE + Action.COMMAND_BEAT: _READS,
}
"""What the reads themselves add between two readings."""

OF_THE_ARRAY: Final = (Action.CONVERT_VERIFY, Action.CONVERT_FORWARD, Action.PULSE_SET, Action.PULSE_RESET)
"""Actions without which the array stays as it is."""

Beats = npt.NDArray[np.uint64]
Responses = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]


def _reads(tiles: int, addresses: tuple[int, ...]) -> Beats:
    return pack(Opcode.READ_REGISTER, np.repeat(np.arange(tiles), len(addresses)), address=np.tile(addresses, tiles))


class TileCounters:
    """Follows the counters of a board's tiles from program to program.

    Parameters
    ----------
    tiles : int
        Tiles that are followed, from the first.
    """

    def __init__(self, tiles: int) -> None:
        self._tiles = tiles
        self._last = np.zeros((tiles, len(CLOSING)), np.int64)
        self.opening = _reads(tiles, OPENING)
        """Beats before a program."""
        self.closing = _reads(tiles, CLOSING)
        """Beats behind it; alone, they are a first reading for `begin`."""

    def begin(self, responses: Responses) -> None:
        """Take the responses to ``closing``, with which a session starts."""
        _, _, self._last = self._split(responses, 0)

    @property
    def of_the_array(self) -> Counts:
        """Counts of the actions that change the array, as last read (int64 [tiles, len(OF_THE_ARRAY)])."""
        places = [CLOSING.index(ACTION_COUNTER_BASE + action) for action in OF_THE_ARRAY]
        return self._last[:, places].copy()

    def _split(self, responses: Responses, before: int) -> tuple[Responses, Counts, Counts]:
        """Take the reads out of responses: those of the program, and the values of opening and closing."""
        tile = unpack(responses)["tile"]
        order = np.argsort(tile, kind="stable")
        count = np.bincount(tile, minlength=self._tiles)
        rank = np.empty(len(tile), np.int64)
        rank[order] = np.arange(len(tile)) - np.repeat(np.cumsum(count) - count, count)
        followed = tile < self._tiles
        opens, closes = followed & (rank < before), followed & (rank >= count[tile] - len(CLOSING))
        values = []
        for chosen, addresses in ((opens, OPENING[:before]), (closes, CLOSING)):
            places = order[chosen[order]]
            found = unpack_results(Opcode.READ_REGISTER, responses[places])
            status = unpack(responses[places])["status"]
            if found["address"].tolist() != list(addresses) * self._tiles or (status != Status.OK.value).any():
                raise LinkError("the board has not answered reads of its counters; rebuild it with this version")
            values.append(found["value"].reshape(self._tiles, len(addresses)))
        return responses[~(opens | closes)], values[0], values[1]

    def take(self, responses: Responses) -> tuple[Responses, Counts, Counts]:
        """Take the responses to opening, program and closing.

        Returns
        -------
        responses : uint8 [n, RESPONSE_BYTES]
            Of the program.
        phases : int64 [tiles, len(PHASES)]
            Cycles of each tile; each row sums to those of the program, which ends with its slowest tile.
        actions : int64 [tiles, len(ACTIONS)]
            Those that a board counts; others are 0.
        """
        own, opening, closing = self._split(responses, len(OPENING))
        done = closing - self._last
        self._last = closing
        for place, address in enumerate(CLOSING):
            done[:, place] -= _OWN.get(address, 0)
        for phase in WAITING:
            address = PHASE_COUNTER_BASE + phase
            done[:, CLOSING.index(address)] = closing[:, CLOSING.index(address)] - opening[:, OPENING.index(address)]
        done &= _MASK
        phases = np.zeros((self._tiles, len(PHASES)), np.int64)
        actions = np.zeros((self._tiles, len(ACTIONS)), np.int64)
        for phase in Phase:
            phases[:, phase] = done[:, CLOSING.index(PHASE_COUNTER_BASE + phase)]
        for action, address in USUAL_COUNTERS.items():
            actions[:, action] = done[:, CLOSING.index(address)]
        actions[:, Action.RESPONSE_BEAT] = response_beats(phases[:, Phase.RESPOND], actions.T)
        took = phases.sum(axis=1)
        # A tile that is done early waits for the others.
        phases[:, Phase.IDLE] += took.max() - took
        return own, phases, actions
