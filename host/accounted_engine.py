"""What training asks of an engine, whole layers at a time, with every program accounted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import numpy as np

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import (
    ChainedLayer,
    Engine,
    LayerProduct,
    MultiplyResult,
    PulseList,
    TileBlock,
    WriteList,
    WriteResult,
    apart,
)
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.host.nn.made_products import ProductSource
from twinbar.host.nn.tile_copies import TileCopies, joined_products, joined_writes
from twinbar.host.update.kernels import group_by_tile

Kind = Literal["write", "forward"]
Account = Callable[[Kind, Activity], None]


class AccountedEngine:
    """An engine whose activity goes to an account.

    Parameters
    ----------
    engine : Engine
    account : callable
        Takes the kind of each program ("write" or "forward") and what it did.
    copies : TileCopies, optional
        Copies of tiles, which are written and multiplied by together with the first.

    Attributes
    ----------
    layer : str
        Layer that the multiplication which is accounted now is of.
    calibrates : bool
        Whether it only sets the ranges of converters.
    products : ProductSource or None
        Where the layers' products come from, if not each from a program of its own.
    """

    def __init__(self, engine: Engine, account: Account, copies: TileCopies | None = None) -> None:
        self.engine = engine
        self.copies = TileCopies() if copies is None else copies
        self._account = account
        self.layer = ""
        self.calibrates = False
        self.products: ProductSource | None = None

    @contextmanager
    def account_to(self, account: Account) -> Iterator[None]:
        """Send activity elsewhere for a while: test images are not part of an epoch's cost."""
        before, self._account = self._account, account
        try:
            yield
        finally:
            self._account = before

    @contextmanager
    def calibrating(self) -> Iterator[None]:
        """Say, while multiplications are made, that they only set the ranges of converters."""
        before, self.calibrates = self.calibrates, True
        try:
            yield
        finally:
            self.calibrates = before

    def write_cells(
        self, addresses: np.ndarray, levels: np.ndarray, held: np.ndarray | None = None, *, initial: bool = False
    ) -> tuple[WriteResult, np.ndarray]:
        """Write cells to levels, each tile its own list.

        Parameters
        ----------
        addresses : int64 [n]
            ``tile * rows * columns + row * columns + column``.
        levels : uint8 [n]
        held : int16 [n], optional
            Level that each cell is at, as far as the host knows.
        initial : bool
            Whether cells are programmed first, in their own way and with their own limit of pulses.

        Returns
        -------
        result : WriteResult
            In the order of the tiles' lists. Cells that failed are written again, as often as the configuration says;
            their pulses are summed.
        order : int64 [n]
            Position in the arguments of each response.
        """
        if self.copies:
            every, owner = self.copies.of_cells(addresses)
            known = None if held is None else held[owner]
            written, order = self._write_all(every, levels[owner], known, initial=initial)
            return joined_writes(written, order, owner, len(addresses)), np.arange(len(addresses))
        return self._write_all(addresses, levels, held, initial=initial)

    def _write_all(
        self, addresses: np.ndarray, levels: np.ndarray, held: np.ndarray | None, *, initial: bool
    ) -> tuple[WriteResult, np.ndarray]:
        """Write cells, whether they are copies or not (arguments as of `write_cells`)."""
        if not len(addresses):
            offsets = np.zeros(self.engine.tiles + 1, np.int64)
            nothing = WriteList(offsets, addresses.astype(np.int32), levels, held, initial)
            return self._write(nothing), np.zeros(0, np.int64)
        cells_per_tile = self.engine.config.array.cells
        offsets, cells, sorted_levels, order = group_by_tile(addresses, levels, self.engine.tiles, cells_per_tile)
        known = None if held is None else held[order]
        result = self._write(WriteList(offsets, cells, sorted_levels, known, initial))
        for _ in range(1, self.engine.config.algorithm(initial=initial).registers.attempts):
            failed = np.flatnonzero(~result.ok)
            if not len(failed):
                break
            # As many of each list have failed as lie between its ends.
            places = np.searchsorted(failed, offsets)
            again = WriteList(places, cells[failed], sorted_levels[failed], initial=initial)
            result = _merged(result, self._write(again), failed)
        return result, order

    def pulse_cells(self, addresses: np.ndarray, pulses: np.ndarray) -> tuple[int, int]:
        """Give pulses without reading.

        Parameters
        ----------
        addresses : int64 [n]
            As of `write_cells`; a cell gets its trains in their order.
        pulses : int64 [n]
            SET pulses where positive, RESET pulses where negative. A train longer than the pulse limit is given in
            several commands.

        Returns
        -------
        trains, pulses : int
            Commands, and pulses of them all.
        """
        addresses, owner = self.copies.of_cells(addresses)
        pulses = pulses[owner]
        limit = self.engine.config.registers.limit
        counts = np.abs(pulses)
        commands = -(-counts // limit)
        which = np.repeat(np.arange(len(counts)), commands)
        part = np.arange(len(which)) - np.repeat(np.cumsum(commands) - commands, commands)
        given = np.minimum(counts[which] - part * limit, limit)
        offsets, cells, lengths, order = group_by_tile(
            addresses[which], given.astype(np.uint8), self.engine.tiles, self.engine.config.array.cells
        )
        polarities = np.where(pulses[which] > 0, SET, RESET).astype(np.uint8)[order]
        self._account("write", self.engine.pulse(PulseList(offsets, cells, polarities, lengths)))
        return len(which), int(counts.sum())

    def set_ramps(self, ramps: WriteRegisters | None) -> None:
        """Let pulses follow other ramps from now on; None: those of the configuration."""
        activity = self.engine.set_ramps(self.engine.config.registers if ramps is None else ramps)
        if activity.cycles or activity.link_cycles:
            self._account("write", activity)

    def read_cells(self, addresses: np.ndarray) -> np.ndarray:
        """Read cells one by one (arguments as of `write_cells`); gives their codes, int32 [n]."""
        cells_per_tile = self.engine.config.array.cells
        nothing = np.zeros(len(addresses), np.uint8)
        offsets, cells, _, order = group_by_tile(addresses, nothing, self.engine.tiles, cells_per_tile)
        read, activity = self.engine.read(offsets, cells)
        self._account("write", activity)
        codes = np.empty_like(read)
        codes[order] = read
        return codes

    def _write(self, todo: WriteList) -> WriteResult:
        result = self.engine.write(todo)
        self._account("write", result.activity)
        return result

    def multiply_layer(
        self, block: TileBlock, inputs: np.ndarray, full_scale: float, layer: str = "", macs: int = 0
    ) -> MultiplyResult:
        """Multiply input codes by the conductances of a layer (`Engine.multiply`; ``macs`` as of `LayerProduct`)."""
        self.layer = layer
        if self.products is not None:
            return self.products.multiply(LayerProduct(block, inputs, full_scale, macs))
        if self.copies:
            return self.multiply_layers([LayerProduct(block, inputs, full_scale, macs)])[0]
        result = self.engine.multiply(block, inputs, full_scale)
        result.activity.macs = macs
        self._account("forward", result.activity)
        return result

    def multiply_chain(
        self, chain: Sequence[ChainedLayer], inputs: np.ndarray, layer: str = "", macs: int = 0
    ) -> list[MultiplyResult]:
        """Multiply by layers that follow one another (`Engine.multiply_chain`); accounted as products of ``layer``."""
        self.layer = layer
        results = self.engine.multiply_chain(chain, inputs)
        results[0].activity.macs = macs
        self._account("forward", results[0].activity)
        return results

    def multiply_layers(self, products: Sequence[LayerProduct]) -> list[MultiplyResult]:
        """Make several products in as few programs as their tiles permit (see `Engine.multiply_together`)."""
        shared = [self.copies.shared_out(product) for product in products]
        parts = [part for own in shared for part in own]
        made: dict[int, MultiplyResult] = {}
        for program in apart(parts):
            results = self.engine.multiply_together([parts[position] for position in program])
            results[0].activity.macs = sum(parts[position].macs for position in program)
            self._account("forward", results[0].activity)
            made |= dict(zip(program, results, strict=True))
        in_order = iter([made[position] for position in range(len(parts))])
        return [joined_products([next(in_order) for _ in own]) for own in shared]


def _merged(result: WriteResult, later: WriteResult, entries: np.ndarray) -> WriteResult:
    """Bring a result up to date with what writing some of its entries again gave."""
    result.codes[entries] = later.codes
    result.ok[entries] = later.ok
    for name in ("sets", "resets"):
        getattr(result, name)[entries] += getattr(later, name)
    # Those of both are accounted already, each as it is.
    activity = result.activity.copy()
    activity += later.activity
    return replace(result, activity=activity)
