"""Writes by pulse table: entries, how they follow each other, and what the host does before a write."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twinbar.emulator.devices.layout import RESET, SET

NO_FIRST_PULSE = -1
"""Instead of a polarity: the write begins with a read."""
NEVER = 1 << 16
"""Pulses that no write gives."""


class PulseEntries(NamedTuple):
    """The entries of a table by polarity and number.

    Parameters
    ----------
    amplitude, gate : int64 [2, entries]
        Codes of the write drive and of the word line.
    turns : int64 [2, entries]
        1: a pulse of the other polarity follows, without a read.
    """

    amplitude: np.ndarray
    gate: np.ndarray
    turns: np.ndarray


class TableRules(NamedTuple):
    """How the number of the entry is found, and when a write ends.

    Parameters
    ----------
    limit : int
        Largest number of pulses, SET and RESET together, spent on one write.
    discard : int
        Samples of each read that are thrown away.
    shift : int
        The distance d of the code from the window (1 or more) adds ``(d - 1) >> shift`` to the number.
    rise, fall : int
        The offset, the other part of the number, rises by ``rise`` where the polarity stays and falls by ``fall`` where
        it turns.
    keep : int
        1: the offset starts at the entry that comes with the command; 0: at 0.
    patience, slack : int
        After ``patience`` pulses, a code up to ``slack`` codes outside the window ends the write too.
    """

    limit: int
    discard: int
    shift: int
    rise: int
    fall: int
    keep: int
    patience: int
    slack: int


@dataclass(frozen=True)
class PulseTable:
    """A write algorithm.

    Parameters
    ----------
    entries : PulseEntries
    rules : TableRules
    first : bool
        Whether a pulse comes before the first read where the host knows the level of the cell.
    by_level : bool
        Whether a command's entry is its level.
    entry_of_move : int64 [levels]
        Otherwise, its entry by the levels to move.
    """

    entries: PulseEntries
    rules: TableRules
    first: bool
    by_level: bool
    entry_of_move: np.ndarray

    def begin(self, levels: np.ndarray, held: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return what the commands of a write list say of their first pulse.

        Parameters
        ----------
        levels : uint8 [n]
        held : int16 [n], optional
            Level that each cell is at, as far as the host knows.

        Returns
        -------
        first : int64 [n]
            Polarity of the pulse before the first read, or `NO_FIRST_PULSE`.
        entry : int64 [n]
            Number of the first entry.
        """
        target = levels.astype(np.int64)
        first = np.full(len(levels), NO_FIRST_PULSE, np.int64)
        move = np.zeros(len(levels), np.int64)
        if held is not None:
            move = target - held
            if self.first:
                first[move > 0] = SET
                first[move < 0] = RESET
        return first, target if self.by_level else self.entry_of_move[np.abs(move)]
