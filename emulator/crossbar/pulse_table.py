"""Writes by pulse table: entries, how they follow each other, and what the host says with each command."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from twinbar.emulator.devices.layout import RESET, SET
from twinbar.hw.protocol import registers

NEVER: Final = registers.NEVER
"""`TableRules.patience` with which no code outside its window is taken."""
UNCOUNTED: Final = registers.UNCOUNTED
"""`TableRules.shift` with which the distance does not count."""


class PulseEntries(NamedTuple):
    """The entries of a table by polarity and number.

    Parameters
    ----------
    amplitude, gate : int64 [2, entries]
        Codes of the write drive and of the word line.
    pulses : int64 [2, entries]
        Pulses before the next read.
    turns : int64 [2, entries]
        1: pulses of the other polarity follow, without a read.
    ends : int64 [2, entries]
        1: the write ends after them, without a read.
    """

    amplitude: np.ndarray
    gate: np.ndarray
    pulses: np.ndarray
    turns: np.ndarray
    ends: np.ndarray

    @classmethod
    def verified(cls, amplitude: np.ndarray, gate: np.ndarray) -> "PulseEntries":
        """Return entries of one pulse each, behind which the cell is read."""
        return cls(amplitude, gate, np.ones_like(amplitude), np.zeros_like(amplitude), np.zeros_like(amplitude))


class TableRules(NamedTuple):
    """How the number of the entry is found, and when a write ends.

    Parameters
    ----------
    limit : int
        Largest number of pulses, SET and RESET together, spent on one write.
    discard : int
        Samples of each read that are thrown away.
    shift : int
        The distance d of the code from the window (1 or more) adds ``(d - 1) >> shift`` to the number; `UNCOUNTED`:
        nothing.
    rise, fall : int
        The offset, the other part of the number, rises by ``rise`` where the polarity stays and falls by ``fall`` where
        it turns.
    keep : int
        1: the offset starts at the entry that comes with the command; 0: at 0.
    patience, slack : int
        After ``patience`` pulses, a code up to ``slack`` codes outside the window ends the write too; `NEVER`: none.
    compare : int
        1: cells are compared with the bounds of the window, instead of being converted.
    """

    limit: int
    discard: int
    shift: int = UNCOUNTED
    rise: int = 0
    fall: int = 0
    keep: int = 0
    patience: int = NEVER
    slack: int = 0
    compare: int = 0


class CommandFields(NamedTuple):
    """What the commands of a write list say of their pulses, int64 [n] each.

    Parameters
    ----------
    first : int64 [n]
        1: a pulse comes before the first read.
    polarity : int64 [n]
        Its polarity; without it, the side that is compared first.
    entry : int64 [n]
        Number of the first entry.
    """

    first: np.ndarray
    polarity: np.ndarray
    entry: np.ndarray


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
    entry_of_move : int64 [levels, levels]
        Otherwise, its entry by the level that is held and the one to reach.
    code : bool
        Whether a conversion follows the last comparison, so that every write gives a code.
    unknown : int
        Entry of a command where the host does not know the level of the cell.
    """

    entries: PulseEntries
    rules: TableRules
    first: bool
    by_level: bool
    entry_of_move: np.ndarray
    code: bool = False
    unknown: int = 0

    def with_rules(self, **rules: int) -> "PulseTable":
        """Return this table with other rules."""
        return replace(self, rules=self.rules._replace(**rules))

    def with_entries(
        self, entries: PulseEntries, entry_of_move: np.ndarray | None = None, unknown: int = 0
    ) -> "PulseTable":
        """Return this table with other entries, and how commands choose the first one."""
        moves = self.entry_of_move if entry_of_move is None else entry_of_move
        return replace(self, entries=entries, entry_of_move=moves, unknown=unknown)

    def by_levels(self, entries: PulseEntries, *, first: bool) -> "PulseTable":
        """Return a table whose entries are levels."""
        return replace(self.with_entries(entries).with_rules(keep=1), by_level=True, first=first)

    def with_code(self, code: bool) -> "PulseTable":
        """Return this table with or without a conversion at the end of every write."""
        return replace(self, code=code)

    def padded(self, entries: int) -> "PulseTable":
        """Return this table with as many entries as a controller has; those that are added repeat the last one."""
        missing = entries - len(self)
        padded = PulseEntries(*(np.pad(each, ((0, 0), (0, missing)), mode="edge") for each in self.entries))
        return replace(self, entries=padded)

    def __len__(self) -> int:
        return self.entries.amplitude.shape[1]

    @property
    def gives_codes(self) -> bool:
        """Whether the code of a write that ended with `OK` says where the cell is."""
        return self.code or not (self.rules.compare or self.is_blind)

    @property
    def is_blind(self) -> bool:
        """Whether writes may end without a read."""
        return bool(self.entries.ends.any())

    @property
    def knows_moves(self) -> bool:
        """Whether commands depend on the level that the host holds."""
        return self.first or bool(self.rules.compare) or bool(self.entry_of_move.any())

    def begin(self, levels: np.ndarray, held: np.ndarray | None) -> CommandFields:
        """Return what the commands of a write list say of their pulses.

        Parameters
        ----------
        levels : uint8 [n]
        held : int16 [n], optional
            Level that each cell is at, as far as the host knows.
        """
        target = levels.astype(np.int64)
        move = np.zeros(len(levels), np.int64) if held is None else target - held
        first = (move != 0).astype(np.int64) if self.first else np.zeros(len(levels), np.int64)
        polarity = np.where(move < 0, RESET, SET).astype(np.int64)
        if self.by_level:
            entry = target
        elif held is None:
            entry = np.full(len(levels), self.unknown, np.int64)
        else:
            entry = self.entry_of_move[held, target]
        return CommandFields(first, polarity, entry)
