"""What is measured: fixed workloads, made from a seed, so that two machines measure the same."""

from typing import Final

import numpy as np

from twinbar.emulator.configuration import CrossbarConfig, Geometry, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engine import WriteList
from twinbar.emulator.fast.engine import FastEngine
from twinbar.host.data.dataset import Dataset
from twinbar.host.nn.convert import MakeEngine

TILES: Final = 16
REFERENCE_CYCLES: Final = {
    "select": 1,
    "settle_read": 16,
    "settle_drive": 16,
    "settle_multiply": 16,
    "convert": 16,
    "samples": 1,
    "recover": 4,
}
"""Durations of benchmarks/reference.toml; at its 100 MHz the TaOx/HfOx pulse takes 5 cycles."""
INK: Final = 0.19
"""Part of the pixels of an MNIST image that are not background."""


def reference_crossbar(seed: int = 0) -> CrossbarConfig:
    """Build the reference configuration: 128x128 cells of TaOx/HfOx, 16 levels, one 8-bit ADC channel, 100 MHz."""
    return build_config(
        load_preset("taox-hfox"),
        Geometry(),
        levels=16,
        tolerance=0.5,
        seed=seed,
        clock_hz=100e6,
        cycles=dict(REFERENCE_CYCLES),
    )


class OneLevelMoves:
    """Closed-loop writes that move every cell of some tiles by one level up or down.

    Parameters
    ----------
    tiles : int
    seed : int
    make_engine : callable
    """

    def __init__(self, tiles: int = TILES, seed: int = 0, make_engine: MakeEngine = FastEngine) -> None:
        config = reference_crossbar(seed)
        self.cells = tiles * config.geometry.cells
        self.engine = make_engine(config, tiles, np.full(tiles, config.geometry.columns))
        self._rng = np.random.default_rng(seed)
        self._levels = self._rng.integers(0, 16, self.cells).astype(np.uint8)
        self._offsets = np.arange(tiles + 1, dtype=np.int64) * config.geometry.cells
        self._places = np.tile(np.arange(config.geometry.cells, dtype=np.int32), tiles)
        self.engine.write(self._list())

    def next_list(self, cells: int | None = None) -> WriteList:
        """Give the next list, of all cells or of the first ``cells`` of one tile; levels at the ends move inwards."""
        up = self._rng.random(self.cells) < 0.5
        moved = np.where(up, self._levels.astype(np.int16) + 1, self._levels.astype(np.int16) - 1)
        moved = np.where(moved < 0, 1, np.where(moved > 15, 14, moved))
        if cells is not None:
            moved[cells:] = self._levels[cells:]
        self._levels = moved.astype(np.uint8)
        whole = self._list()
        if cells is None:
            return whole
        return WriteList(np.array([0, cells], np.int64), whole.cells[:cells], whole.levels[:cells])

    def _list(self) -> WriteList:
        return WriteList(self._offsets, self._places, self._levels)


def synthetic_images(count: int, seed: int = 0) -> Dataset:
    """Make images of MNIST's size and share of ink, with random labels: speed does not depend on what is learnt."""
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 256, (count, 28, 28), dtype=np.uint8)
    images[rng.random(images.shape) >= INK] = 0
    labels = rng.integers(0, 10, count)
    return Dataset("synthetic", images, labels, images[:100], labels[:100], 10)
