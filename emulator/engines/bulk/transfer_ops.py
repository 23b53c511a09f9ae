"""The transfers between the layers of a chain, as the schedule takes them, and what they change in the counts."""

from collections.abc import Sequence

import numpy as np

from twinbar.emulator.contract.bulk_operations import ChainedLayer, TileBlock
from twinbar.emulator.contract.chain_moves import Move
from twinbar.emulator.engines.bulk.cascade_ops import BEAT, WORK
from twinbar.emulator.engines.bulk.cell_writes import Totals
from twinbar.hw.actions import Action
from twinbar.hw.timing import TRANSFER_LATENCY, Phase


def transfer_ops(moves: Sequence[Move], receiver: TileBlock, behind: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the transfers to a layer for one vector.

    Parameters
    ----------
    moves : sequence of Move
    receiver : TileBlock
    behind : int
        Rows of the table of work in front of theirs.

    Returns
    -------
    beats : `BEAT` [moves]
    work : `WORK` [moves]
    """
    beats, work = np.zeros(len(moves), BEAT), np.zeros(len(moves), WORK)
    rows, columns = receiver.shape
    row_stride, column_stride = (1, rows) if receiver.by_column else (columns, 1)
    beats["first"] = receiver.first_tile + np.array([move.row_tile for move in moves]) * row_stride
    beats["count"], beats["stride"] = columns, column_stride
    beats["sender"] = [move.sender for move in moves]
    beats["group"] = beats["lanes"] = 1
    beats["work"] = behind + np.arange(len(moves))
    work["before"] = [TRANSFER_LATENCY + move.words for move in moves]
    return beats, work


def count_transfers(moves: Sequence[Move], receiver: TileBlock, vectors: int, totals: Totals) -> None:
    """Count what the transfers to a layer do, as often as there are vectors."""
    for move in moves:
        takers = receiver.numbers[move.row_tile]
        tiles = np.append(takers, move.sender)
        totals.phases[tiles, Phase.SELECT] += vectors * (TRANSFER_LATENCY + move.words)
        totals.actions[tiles, Action.TRANSFERRED_WORD] += vectors * move.words
        totals.actions[takers, Action.SHARED_BEAT] += vectors
        totals.actions[move.sender, Action.COMMAND_BEAT] += vectors


def count_kept(layer: ChainedLayer, outputs: np.ndarray, vectors: int, totals: Totals) -> None:
    """Count the sums of a layer that are kept as activations (``outputs`` int64 [column tiles])."""
    if layer.functions is not None:
        totals.actions[layer.answering, Action.REQUANTIZE] += vectors * outputs
