"""Layers that follow one another on the chip: what a program of them is asked for, and which tiles send what to which.

Image by image and layer by layer, the sums of a layer become input codes, which `TRANSFER` moves into the row registers
of the next one. Beats come in that order; tiles work side by side because each takes what is in its own queue
(``docs/controller.md``, "Activations and transfers").
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract.bulk_operations import ChainedLayer, TileBlock
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.protocol import registers


class Move(NamedTuple):
    """A transfer of activations: ``words`` words of a tile, from ``first`` on, to a row tile of the next layer."""

    sender: int
    row_tile: int
    first: int
    words: int
    word: int
    clear: bool


def moves(sender: TileBlock, outputs: npt.NDArray[np.int64], receiver: TileBlock, rows_per_word: int) -> list[Move]:
    """Return the transfers that bring the outputs of a layer to the rows of the next one.

    Parameters
    ----------
    sender : TileBlock
    outputs : int64 [column tiles]
        Of each tile of the sender.
    receiver : TileBlock
    rows_per_word : int

    Raises
    ------
    ConfigError
        If the layers are not laid out so that words of outputs are words of inputs.
    """
    starts = np.concatenate([[0], np.cumsum(outputs)])
    if int(starts[-1]) != receiver.inputs:
        raise ConfigError(
            f"a layer of {starts[-1]} outputs is chained to one of {receiver.inputs} inputs; they must be as many"
        )
    found = []
    begin = 0
    for r, used in enumerate(receiver.used_rows):
        own = receiver.row_input[r][:used]
        if (own != np.arange(begin, begin + used)).any():
            raise ConfigError(
                "the inputs of a chained layer must lie on neighbouring rows, from the first row of its first tile on; "
                "set array.mapping = 'contiguous', and array.sharing = false"
            )
        for c, tile in enumerate(sender.numbers[0]):
            low, high = max(begin, int(starts[c])), min(begin + int(used), int(starts[c + 1]))
            if low >= high:
                continue
            first, word = low - int(starts[c]), low - begin
            if first % rows_per_word or word % rows_per_word:
                raise ConfigError(
                    f"a word of inputs has {rows_per_word} of them, so that a tile of a chain needs a multiple of as "
                    f"many outputs and rows; it has {outputs[c]} outputs and {used} rows in use"
                )
            words = -(-(high - low) // rows_per_word)
            found.append(Move(int(tile), r, first // rows_per_word, words, word // rows_per_word, low == begin))
        begin += int(used)
    return found


def transfers_of(
    chain: Sequence[ChainedLayer], outputs: Sequence[npt.NDArray[np.int64]], controller: ControllerConfig
) -> list[list[Move]]:
    """Return the transfers to every layer but the first.

    Parameters
    ----------
    chain : sequence of ChainedLayer
    outputs : sequence of int64 [column tiles]
        Of each tile of the layers.
    controller : ControllerConfig

    Raises
    ------
    ConfigError
        If the controller has no chains, or the layers do not fit one.
    """
    if not controller.chain:
        raise ConfigError("the controller has no chains; set array.chain = true")
    for layer in chain:
        if len(layer.block.row_input) > 1 and not layer.block.cascade:
            raise ConfigError(
                f"a layer of {len(layer.block.row_input)} row tiles is chained, whose sums are added by the host; set "
                "array.cascade = true"
            )
    return [
        moves(one.block, own, other.block, controller.rows_per_word)
        for one, own, other in zip(chain[:-1], outputs[:-1], chain[1:], strict=True)
    ]


def outputs_in_order(codes: npt.NDArray[Any], outputs: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Put the sums of column tiles, int [1, column tiles, batch, outputs], side by side: int [batch, outputs]."""
    return np.concatenate([codes[0, c, :, :count] for c, count in enumerate(outputs)], axis=1)


class ChainRegisters:
    """What a host has written to the registers of activations.

    Parameters
    ----------
    tiles, columns : int

    Attributes
    ----------
    activations : int64 [tiles]
    scales : int64 [tiles, columns]
    """

    def __init__(self, tiles: int, columns: int) -> None:
        self.activations = np.zeros(tiles, np.int64)
        self.scales = np.zeros((tiles, columns), np.int64)

    def prepare(self, chain: Sequence[ChainedLayer], outputs: Sequence[npt.NDArray[np.int64]]) -> "RegisterLists":
        """Return what has to be written for a chain, and take it as written (``outputs`` of each layer's tiles)."""
        lists: dict[int, list[tuple[int, int]]] = {}
        for layer, own in zip(chain, outputs, strict=True):
            words = None if layer.functions is None else layer.functions.words()
            begin = 0
            for tile, count in zip(layer.answering.tolist(), own.tolist(), strict=True):
                here = lists.setdefault(tile, [])
                self._activate(tile, layer.activation, here)
                if words is not None:
                    wanted = words[begin : begin + count]
                    changed = np.flatnonzero(self.scales[tile, :count] != wanted)
                    here += [(registers.SCALES.base + int(j), int(wanted[j])) for j in changed]
                    self.scales[tile, :count] = wanted
                begin += count
        return RegisterLists.of(lists, len(self.activations))

    def answer(self, blocks: Sequence[TileBlock]) -> "RegisterLists":
        """Return what has to be written so that all sums of some layers go to the host alone."""
        lists: dict[int, list[tuple[int, int]]] = {}
        if not self.activations.any():
            return RegisterLists.of(lists, 0)
        for block in blocks:
            for tile in np.flatnonzero(self.activations[block.tiles]) + block.tiles.start:
                self._activate(int(tile), 0, lists.setdefault(int(tile), []))
        return RegisterLists.of(lists, len(self.activations))

    def _activate(self, tile: int, value: int, here: list[tuple[int, int]]) -> None:
        if self.activations[tile] != value:
            here.append((registers.ACTIVATION.address, value))
            self.activations[tile] = value

    def state(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return the arrays, by the names of a checkpoint."""
        return {"activations": self.activations, "scales": self.scales}


class RegisterLists(NamedTuple):
    """Registers to write, grouped by tile.

    Parameters
    ----------
    offsets : int64 [tiles + 1]
        The entries of tile ``k`` are ``offsets[k]`` to ``offsets[k + 1]``.
    addresses, values : int64 [n]
    """

    offsets: npt.NDArray[np.int64]
    addresses: npt.NDArray[np.int64]
    values: npt.NDArray[np.int64]

    @classmethod
    def of(cls, lists: dict[int, list[tuple[int, int]]], tiles: int) -> "RegisterLists":
        """Put the lists of some tiles one behind the other."""
        counts = np.array([len(lists.get(tile, ())) for tile in range(tiles)], np.int64)
        flat = [entry for tile in sorted(lists) for entry in lists[tile]]
        entries = np.array(flat, np.int64).reshape(-1, 2)
        return cls(np.concatenate([[0], np.cumsum(counts)]), entries[:, 0], entries[:, 1])
