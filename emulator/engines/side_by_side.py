"""Several controllers side by side: one crossbar of more tiles than a controller addresses.

Every controller runs its part of a program at the same time as the others. A program lasts as long as its slowest part;
the tiles of the others are idle meanwhile.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.contract.bulk_operations import (
    ChainedLayer,
    Engine,
    LayerProduct,
    MakeEngine,
    MultiplyResult,
    PulseList,
    TileBlock,
    WriteList,
    WriteResult,
)
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.sizes import MAX_TILES
from twinbar.hw.timing import Phase

_GOLDEN: Final = 0x9E3779B97F4A7C15
_TILE: Final = 2**32
"""Factors of the tile in the key of a cell (`twinbar.emulator.devices.physics.cell_key`)."""


def side_by_side(make: MakeEngine, most: int = MAX_TILES) -> MakeEngine:
    """Return what makes an engine of any number of tiles: several controllers where one does not suffice.

    Parameters
    ----------
    make : callable
        Makes the engine of one controller.
    most : int
        Tiles of a controller.
    """

    def made(
        config: CrossbarConfig, tiles: int, mapped_columns: np.ndarray, *, layers: Sequence[TileBlock] = ()
    ) -> Engine:
        if tiles <= most:
            return make(config, tiles, mapped_columns, layers=layers)
        return SideBySide(make, config, mapped_columns, most, layers=layers)

    return made


class _LayerPart(NamedTuple):
    """Tiles of a layer that lie in one controller: their places in its grid, and their block there."""

    controller: int
    rows: slice
    columns: slice
    block: TileBlock


class SideBySide:
    """An engine of several controllers (see `Engine`).

    Parameters
    ----------
    make : callable
        Makes the engine of one controller.
    config : CrossbarConfig
    mapped_columns : int64 [tiles]
    most : int
        Tiles of a controller; the last one may have fewer.
    layers : sequence of TileBlock
        Layers whose column tiles share their inputs, where controllers can do that.

    Notes
    -----
    A cascade is cut where a controller ends: the sums of its parts are added here.
    """

    def __init__(
        self,
        make: MakeEngine,
        config: CrossbarConfig,
        mapped_columns: np.ndarray,
        most: int,
        *,
        layers: Sequence[TileBlock] = (),
    ) -> None:
        self.config = config
        self.tiles = len(mapped_columns)
        self._starts = list(range(0, self.tiles, most))
        parts = [part for block in layers for part in self._rectangles(block)]
        self._engines = []
        for number, start in enumerate(self._starts):
            columns = mapped_columns[start : start + most]
            own = [part.block for part in parts if part.controller == number]
            self._engines.append(make(_for_controller(config, start, len(columns)), len(columns), columns, layers=own))
        self.calibration = self._together(dict(enumerate(engine.calibration for engine in self._engines)))
        """What calibrating the converters of all controllers took."""

    @property
    def controllers(self) -> int:
        """Number of controllers."""
        return len(self._engines)

    def write(self, todo: WriteList) -> WriteResult:
        """Write cells to levels, each controller its own (see `Engine.write`)."""
        results = {}
        for number, (engine, (begin, offsets)) in enumerate(zip(self._engines, self._parts(todo.offsets), strict=True)):
            part = slice(begin, begin + int(offsets[-1]))
            if part.stop > part.start:
                results[number] = engine.write(
                    WriteList(
                        offsets,
                        todo.cells[part],
                        todo.levels[part],
                        None if todo.held is None else todo.held[part],
                        todo.initial,
                    )
                )
        found = list(results.values())
        return WriteResult(
            _joined([one.codes for one in found], np.int32),
            _joined([one.sets for one in found], np.uint16),
            _joined([one.resets for one in found], np.uint16),
            _joined([one.ok for one in found], np.bool_),
            self._together({number: one.activity for number, one in results.items()}),
        )

    def pulse(self, todo: PulseList) -> Activity:
        """Give pulses, each controller its own (see `Engine.pulse`)."""
        activities = {}
        for number, (engine, (begin, offsets)) in enumerate(zip(self._engines, self._parts(todo.offsets), strict=True)):
            part = slice(begin, begin + int(offsets[-1]))
            if part.stop > part.start:
                own = PulseList(offsets, todo.cells[part], todo.polarities[part], todo.counts[part])
                activities[number] = engine.pulse(own)
        return self._together(activities)

    def set_ramps(self, ramps: WriteRegisters) -> Activity:
        """Bring other ramps into all controllers (see `Engine.set_ramps`)."""
        return self._together({number: engine.set_ramps(ramps) for number, engine in enumerate(self._engines)})

    def read(self, offsets: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, Activity]:
        """Read single cells, each controller its own (see `Engine.read`)."""
        codes, activities = [], {}
        for number, (engine, (begin, own)) in enumerate(zip(self._engines, self._parts(offsets), strict=True)):
            if own[-1]:
                read, activities[number] = engine.read(own, cells[begin : begin + int(own[-1])])
                codes.append(read)
        return _joined(codes, np.int32), self._together(activities)

    def multiply(self, block: TileBlock, inputs: np.ndarray, full_scale: float) -> MultiplyResult:
        """Multiply by a layer whose tiles may belong to several controllers (see `Engine.multiply`)."""
        return self.multiply_together([LayerProduct(block, inputs, full_scale)])[0]

    def multiply_together(self, products: Sequence[LayerProduct]) -> list[MultiplyResult]:
        """Multiply by several layers whose tiles may belong to several controllers (see `Engine.multiply_together`).

        Of a layer, parts in one controller are programs one after the other: they may share inputs.
        """
        found: list[list[tuple[_LayerPart, MultiplyResult]]] = [[] for _ in products]
        activities: dict[int, Activity] = {}
        parts = [list(self._rectangles(product.block)) for product in products]
        for number, engine in enumerate(self._engines):
            queues = [[part for part in own if part.controller == number] for own in parts]
            while any(queues):
                turn = [(place, own.pop(0)) for place, own in enumerate(queues) if own]
                asked = [LayerProduct(part.block, products[p].inputs, products[p].full_scale) for p, part in turn]
                results = engine.multiply_together(asked)
                activity = activities.setdefault(number, Activity())
                activity += results[0].activity
                for (place, part), result in zip(turn, results, strict=True):
                    found[place].append((part, result))
        activity = self._together(activities)
        joined = []
        for product, own in zip(products, found, strict=True):
            joined.append(self._put_together(product, own, activity))
            activity = Activity()
        return joined

    def multiply_chain(self, chain: Sequence[ChainedLayer], inputs: np.ndarray) -> list[MultiplyResult]:
        """Multiply by layers that follow one another in one controller (see `Engine.multiply_chain`).

        Raises
        ------
        ConfigError
            If they do not lie in one controller.
        """
        bounds = [*self._starts, self.tiles]
        first = min(layer.block.tiles.start for layer in chain)
        last = max(layer.block.tiles.stop for layer in chain)
        for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
            if start <= first and last <= stop:
                own = [
                    replace(layer, block=replace(layer.block, first_tile=layer.block.first_tile - start))
                    for layer in chain
                ]
                results = self._engines[number].multiply_chain(own, inputs)
                return [replace(results[0], activity=self._together({number: results[0].activity})), *results[1:]]
        raise ConfigError(
            f"the layers of a chain take the tiles {first} to {last - 1}, which lie in several controllers; a chain "
            "takes the tiles of one"
        )

    def _put_together(
        self, product: LayerProduct, parts: Sequence[tuple[_LayerPart, MultiplyResult]], activity: Activity
    ) -> MultiplyResult:
        """Make one result of those of a layer's parts."""
        block = product.block
        most = int(block.used_columns.max()) // (2 if self.config.array.pairs == "subtract" else 1)
        codes = np.zeros((*block.shape, len(product.inputs), most), np.int64 if block.cascade else np.int32)
        for part, result in parts:
            rows = slice(part.rows.start, part.rows.start + len(result.codes))
            codes[rows, part.columns, :, : result.codes.shape[-1]] = result.codes
        if block.cascade:
            # Sums of a part lie where its first row tile is.
            codes = codes.sum(axis=0, keepdims=True)
        made = [result for _, result in parts if result.conversions]
        return MultiplyResult(
            codes,
            min((result.lowest for result in made), default=0),
            max((result.highest for result in made), default=0),
            sum(result.clipped for _, result in parts),
            sum(result.conversions for _, result in parts),
            activity,
        )

    def set_tick(self, tick: int) -> None:
        """Set the tick of all controllers (see `Engine.set_tick`)."""
        for engine in self._engines:
            engine.set_tick(tick)

    def conductances_s(self) -> np.ndarray:
        """Return the conductances of all cells (see `Engine.conductances_s`)."""
        return np.concatenate([engine.conductances_s() for engine in self._engines])

    def pulse_counts(self) -> np.ndarray:
        """Return the pulses of all cells (see `Engine.pulse_counts`)."""
        return np.concatenate([engine.pulse_counts() for engine in self._engines])

    def state_dict(self) -> dict[str, Any]:
        """Return the states of all controllers."""
        return {"controllers": [engine.state_dict() for engine in self._engines]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave.

        Raises
        ------
        ConfigError
            If it is of another number of controllers.
        """
        saved = state.get("controllers", [state])
        if len(saved) != len(self._engines):
            raise ConfigError(f"the checkpoint is of {len(saved)} controllers; this crossbar has {len(self._engines)}")
        for engine, own in zip(self._engines, saved, strict=True):
            engine.load_state_dict(own)

    def _parts(self, offsets: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Cut offsets of all tiles: the first entry of each controller, and its own offsets."""
        for start, engine in zip(self._starts, self._engines, strict=True):
            own = offsets[start : start + engine.tiles + 1]
            yield int(own[0]), own - own[0]

    def _rectangles(self, block: TileBlock) -> Iterator[_LayerPart]:
        """Cut a layer's grid of tiles into rectangles that lie in one controller each, of consecutive tiles."""
        long = block.shape[0] if block.by_column else block.shape[1]
        bounds = [*self._starts, self.tiles]
        for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
            first = max(start - block.first_tile, 0)
            last = min(stop, block.tiles.stop) - block.first_tile
            while first < last:
                line, place = divmod(first, long)
                count, along = 1, min(long, place + last - first) - place
                if not place and last - first >= long:
                    count, along = (last - first) // long, long
                lines, places = slice(line, line + count), slice(place, place + along)
                across, down = (places, lines) if block.by_column else (lines, places)
                yield _LayerPart(number, across, down, _cut(block, across, down, block.first_tile + first - start))
                first += count * along

    def _together(self, activities: dict[int, Activity]) -> Activity:
        """Add up what controllers did at the same time; the others are idle until the last one has ended."""
        total = Activity()
        if not activities:
            return total
        lasts = max(one.cycles + one.link_cycles for one in activities.values())
        for number, engine in enumerate(self._engines):
            one = activities.get(number, Activity()).copy()
            one.phases[Phase.IDLE] += engine.tiles * (lasts - one.cycles - one.link_cycles)
            total += one
        total.cycles = max(one.cycles for one in activities.values())
        total.link_cycles = lasts - total.cycles
        return total


def _cut(block: TileBlock, rows: slice, columns: slice, first_tile: int) -> TileBlock:
    """Return a rectangle of a layer's grid as a block that begins at a tile of its controller."""
    return replace(
        block,
        first_tile=first_tile,
        row_input=block.row_input[rows],
        used_rows=block.used_rows[rows],
        used_columns=block.used_columns[columns],
    )


def _joined(parts: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _for_controller(config: CrossbarConfig, start: int, tiles: int) -> CrossbarConfig:
    """Return the configuration of a controller: its cells are those that one controller of all tiles would have.

    The key of a cell is made of ``seed + tile * 2**32 * _GOLDEN``, so that another first tile is another seed. Keys of
    ADC channels are made otherwise: channels are others than in one large controller, and as independent.
    """
    scalars = config.cells.scalars.copy()
    seed = (int(scalars[0].seed) + start * _TILE * _GOLDEN) % 2**64
    scalars[0].seed = np.uint64(seed).view(np.int64)
    faults = None if config.faults is None else config.faults.part(start, tiles)
    return replace(config, cells=replace(config.cells, scalars=scalars), faults=faults)
