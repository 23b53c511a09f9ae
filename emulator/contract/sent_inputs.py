"""Which words of its inputs a layer is sent, and which row tiles take part in a product: all, or those with inputs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract.bulk_operations import TileBlock


@dataclass(frozen=True, eq=False)
class SentInputs:
    """What goes to the row tiles of a layer, vector by vector.

    Parameters
    ----------
    words : tuple of bool [batch, words]
        Of each row tile: the words of its row registers that are sent. The first of them clears the others.
    takes_part : bool [row tiles, batch]
        Which row tiles multiply. Those of a cascade are neighbours.
    """

    words: tuple[npt.NDArray[np.bool_], ...]
    takes_part: npt.NDArray[np.bool_]

    @classmethod
    def all_of(cls, block: TileBlock, batch: int, rows_per_word: int) -> "SentInputs":
        """Send every word of the rows in use, and let all row tiles multiply."""
        counts = -(-block.used_rows // rows_per_word)
        takes_part = np.ones((len(counts), batch), np.bool_)
        return cls(tuple(np.ones((batch, count), np.bool_) for count in counts.tolist()), takes_part)

    @classmethod
    def with_inputs(
        cls, block: TileBlock, inputs: npt.NDArray[np.integer], rows_per_word: int, *, first_answers: bool = False
    ) -> "SentInputs":
        """Leave out words of zeros, and row tiles without an input (in a cascade, only those at its ends).

        A row tile without an input that takes part is sent its first word. If no row tile has an input, none takes
        part.

        Parameters
        ----------
        block : TileBlock
        inputs : integer [batch, inputs]
        rows_per_word : int
        first_answers : bool
            Whether the first row tile takes part in any case, because its sums are kept for a transfer.
        """
        batch = len(inputs)
        padded = np.zeros((batch, block.inputs + 1), np.bool_)
        np.not_equal(inputs, 0, out=padded[:, :-1])
        words = []
        for rows, used in zip(block.row_input, block.used_rows.tolist(), strict=True):
            count = -(-used // rows_per_word)
            driven = np.zeros((batch, count * rows_per_word), np.bool_)
            driven[:, :used] = padded[:, rows[:used]]
            words.append(np.logical_or.reduce(driven.reshape(batch, count, rows_per_word), axis=2))
        takes_part = np.array([np.logical_or.reduce(own, axis=1) for own in words]).reshape(len(words), batch)
        if first_answers:
            takes_part[0] = True
        if block.cascade:
            # Between the first and the last with an input, partial sums pass through the others.
            takes_part = np.logical_or.accumulate(takes_part) & np.logical_or.accumulate(takes_part[::-1])[::-1]
        for own, parts in zip(words, takes_part, strict=True):
            own[:, 0] |= parts & ~np.logical_or.reduce(own, axis=1)
        return cls(tuple(words), takes_part)

    @cached_property
    def loads(self) -> npt.NDArray[np.int64]:
        """Words that each row tile is sent (int64 [row tiles, batch])."""
        return np.array([own.sum(axis=1) for own in self.words], np.int64).reshape(self.takes_part.shape)

    @cached_property
    def members(self) -> npt.NDArray[np.int64]:
        """Row tiles that take part (int64 [batch])."""
        return self.takes_part.sum(axis=0)

    @cached_property
    def first(self) -> npt.NDArray[np.int64]:
        """First row tile that takes part (int64 [batch]); 0 if none does."""
        return self.takes_part.argmax(axis=0)
