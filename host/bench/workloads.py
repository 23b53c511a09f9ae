"""What is measured: fixed workloads, made from a seed, so that two machines measure the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from twinbar.emulator.contract.bulk_operations import MakeEngine, WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.engines.bulk.engine import FastEngine
from twinbar.host.data.dataset import Dataset
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar

TILES: Final = 16
REFERENCE: Final = Path(__file__).parent / "reference.toml"
"""The reference configuration; benchmarks/reference.toml is the same file."""
INK: Final = 0.19
"""Part of the pixels of an MNIST image that are not background."""


def reference_crossbar(seed: int = 0, changes: Mapping[str, Any] | None = None) -> CrossbarConfig:
    """Build the crossbar of the reference configuration, with other settings where they are given."""
    return build_crossbar(ExperimentConfig.from_toml(REFERENCE).merge({"engine.seed": seed, **(changes or {})}))


class OneLevelMoves:
    """Closed-loop writes that move every cell of some tiles by one level up or down.

    Parameters
    ----------
    tiles : int
    seed : int
    make_engine : callable
    first_cells : int, optional
        Cells of every tile that are programmed first; all by default.
    changes : mapping of str to value, optional
        Settings other than those of the reference configuration.
    """

    def __init__(
        self,
        tiles: int = TILES,
        seed: int = 0,
        make_engine: MakeEngine = FastEngine,
        first_cells: int | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        config = reference_crossbar(seed, changes)
        self._tiles = tiles
        self.cells = tiles * config.array.cells
        self.engine = make_engine(config, tiles, np.full(tiles, config.array.columns))
        self._rng = np.random.default_rng(seed)
        self._levels = self._rng.integers(0, 16, self.cells).astype(np.uint8)
        self._offsets = np.arange(tiles + 1, dtype=np.int64) * config.array.cells
        self._places = np.tile(np.arange(config.array.cells, dtype=np.int32), tiles)
        self.engine.write(self._list(first_cells))

    def next_list(self, cells: int | None = None) -> WriteList:
        """Return the next list, of all cells or of the first ``cells`` of every tile."""
        moved = moved_by_one(self._rng, self._levels, 16)
        if cells is not None:
            moved.reshape(self._tiles, -1)[:, cells:] = self._levels.reshape(self._tiles, -1)[:, cells:]
        self._levels = moved
        return self._list(cells)

    def _list(self, cells: int | None = None) -> WriteList:
        if cells is None:
            return WriteList(self._offsets, self._places, self._levels)
        places, levels = (
            np.ascontiguousarray(each.reshape(self._tiles, -1)[:, :cells]).reshape(-1)
            for each in (self._places, self._levels)
        )
        return WriteList(np.arange(self._tiles + 1, dtype=np.int64) * cells, places, levels)


def moved_by_one(rng: np.random.Generator, levels: np.ndarray, count: int) -> np.ndarray:
    """Move each of some levels (integers below ``count``) up or down by one; those at the ends move inwards."""
    before = levels.astype(np.int16)
    moved = np.where(rng.random(levels.shape) < 0.5, before + 1, before - 1)
    return np.where(moved < 0, 1, np.where(moved >= count, count - 2, moved)).astype(levels.dtype)


def synthetic_images(count: int, seed: int = 0) -> Dataset:
    """Make images of MNIST's size and share of ink, with random labels: speed does not depend on what is learnt."""
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 256, (count, 28, 28), dtype=np.uint8)
    images[rng.random(images.shape) >= INK] = 0
    labels = rng.integers(0, 10, count)
    return Dataset("synthetic", images, labels, images[:100], labels[:100], 10)
