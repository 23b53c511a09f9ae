"""What a layer is sent of its inputs; all by hand."""

import numpy as np
import pytest

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.contract.sent_inputs import SentInputs


def block_of(*, cascade: bool) -> TileBlock:
    """Return three row tiles of four rows, the last of which has three in use."""
    rows = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
    return TileBlock(2, rows, np.array([4, 4, 3]), np.array([4]), 11, cascade)


VECTORS = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],  # all
        [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1],  # of the first and the last row tile, their second words
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],  # of the last, its first word
        [0, 0, 0, 0, 7, 7, 0, 0, 0, 0, 0],  # of the middle one, its first word
        [0] * 11,
    ],
    np.uint8,
)


def test_words_of_zeros_and_row_tiles_without_inputs_are_left_out() -> None:
    sent = SentInputs.with_inputs(block_of(cascade=False), VECTORS, 2)
    assert [own.astype(int).tolist() for own in sent.words] == [
        [[1, 1], [0, 1], [0, 0], [0, 0], [0, 0]],
        [[1, 1], [0, 0], [0, 0], [1, 0], [0, 0]],
        [[1, 1], [0, 1], [1, 0], [0, 0], [0, 0]],
    ]
    assert sent.takes_part.astype(int).tolist() == [[1, 1, 0, 0, 0], [1, 0, 0, 1, 0], [1, 1, 1, 0, 0]]
    assert sent.loads.tolist() == [[2, 1, 0, 0, 0], [2, 0, 0, 1, 0], [2, 1, 1, 0, 0]]


def test_a_cascade_keeps_the_row_tiles_between_those_with_inputs() -> None:
    sent = SentInputs.with_inputs(block_of(cascade=True), VECTORS, 2)
    assert sent.takes_part.astype(int).tolist() == [[1, 1, 0, 0, 0], [1, 1, 0, 1, 0], [1, 1, 1, 0, 0]]
    # The middle one of the second vector is sent a word of zeros, which clears what it held.
    assert sent.words[1].astype(int).tolist() == [[1, 1], [1, 0], [0, 0], [1, 0], [0, 0]]
    assert sent.first.tolist() == [0, 0, 2, 1, 0]
    assert sent.members.tolist() == [3, 3, 1, 1, 0]


@pytest.mark.parametrize("cascade", [False, True])
def test_a_row_tile_whose_sums_are_kept_takes_part(*, cascade: bool) -> None:
    sent = SentInputs.with_inputs(block_of(cascade=cascade), VECTORS, 2, first_answers=True)
    between = int(cascade)
    assert sent.takes_part.astype(int).tolist() == [[1, 1, 1, 1, 1], [1, between, between, 1, 0], [1, 1, 1, 0, 0]]
    assert sent.words[0].astype(int).tolist() == [[1, 1], [0, 1], [1, 0], [1, 0], [1, 0]]
    assert sent.first.tolist() == [0] * 5


def test_every_word_of_a_row_tile_is_looked_at() -> None:
    block = TileBlock(0, np.arange(6)[None], np.array([6]), np.array([4]), 6)
    sent = SentInputs.with_inputs(block, np.eye(6, dtype=np.uint8), 2)
    assert sent.words[0].astype(int).tolist() == [[1, 0, 0]] * 2 + [[0, 1, 0]] * 2 + [[0, 0, 1]] * 2
    assert sent.takes_part.all()


def test_rows_in_use_may_have_no_input() -> None:
    """Rows of another layer on the same tile, or faulty ones, whose place is behind the last input."""
    block = TileBlock(0, np.array([[2, 2, 2, 0], [1, 2, 2, 2]]), np.array([4, 3]), np.array([4]), 2)
    sent = SentInputs.with_inputs(block, np.array([[5, 0], [0, 5], [5, 5]], np.uint8), 2)
    assert [own.astype(int).tolist() for own in sent.words] == [
        [[0, 1], [0, 0], [0, 1]],
        [[0, 0], [1, 0], [1, 0]],
    ]
    assert sent.takes_part.astype(int).tolist() == [[1, 0, 1], [0, 1, 1]]


def test_otherwise_everything_is_sent() -> None:
    sent = SentInputs.all_of(block_of(cascade=True), 5, 2)
    assert all(own.all() for own in sent.words)
    assert sent.loads.tolist() == [[2] * 5] * 3
    assert (sent.members == 3).all()
