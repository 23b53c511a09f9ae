"""Small crossbars and random operations on them, for comparing engines."""

from typing import Any

import numpy as np
from crossbar_choices import crossbar_of, shape_of

from twinbar.emulator.contract.bulk_operations import TileBlock, WriteList
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.hw.gateware.controller_config import ControllerConfig

CYCLES = {"select": 2, "settle_read": 3, "settle_drive": 4, "settle_multiply": 5, "convert": 3, "recover": 2}
"""Short, different durations, so that a confusion shows."""


def crossbar(controller: ControllerConfig, preset: str = "taox-hfox", **choices: Any) -> CrossbarConfig:
    """Build the crossbar of a controller, of fast cells; ``ramps`` gives writes that ramp both lines."""
    ramps = {
        "set_amplitude": Ramp(2600, 300, 3300),
        "reset_amplitude": Ramp(2100, 0, 2100),
        "set_gate": Ramp(3000, 300, 3500),
        "reset_gate": Ramp(3500, 200, 4000),
    }
    own = {
        **shape_of(controller),
        "command_depth": controller.command_depth,
        "levels": 5,
        "tolerance": 0.3,
        "seed": 3,
        "limit": 20,
        "attempts": 1,
    }
    registers = ramps if choices.pop("ramps", False) else {}
    return crossbar_of(preset, **CYCLES | own | registers | choices.pop("cycles", {}) | choices)


def random_writes(config: CrossbarConfig, tiles: int, rng: np.random.Generator, most: int = 5) -> WriteList:
    """Draw a write list, of another length for every tile, and for one of them not empty.

    Few cells are written, up and down again.
    """
    lengths = rng.integers(0, most + 1, tiles)
    lengths[rng.integers(tiles)] += 1
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    n = int(offsets[-1])
    cells = (rng.integers(0, 3, n) * 7 + 1).astype(np.int32)
    return WriteList(offsets, cells, rng.integers(0, len(config.levels), n).astype(np.uint8))


def random_layer(
    config: CrossbarConfig, tiles: int, rng: np.random.Generator, batch: int
) -> tuple[TileBlock, np.ndarray]:
    """Draw a layer on some of the tiles and a batch of inputs, many of which are 0, and one vector of zeros."""
    array = config.array
    first = int(rng.integers(tiles))
    left = tiles - first
    row_tiles, column_tiles = ((left, 1), (1, left))[rng.integers(2)]
    used_rows = rng.integers(1, array.rows + 1, row_tiles)
    inputs = int(used_rows.sum())
    row_input = np.full((row_tiles, array.rows), inputs, np.int64)
    starts = np.concatenate([[0], np.cumsum(used_rows)])
    for r, used in enumerate(used_rows):
        row_input[r, :used] = np.arange(starts[r], starts[r] + used)
    used_columns = 2 * rng.integers(1, array.columns // 2 + 1, column_tiles)
    codes = rng.integers(0, array.input_max + 1, (batch, inputs)) * rng.integers(0, 2, (batch, inputs))
    codes[batch // 2] = 0
    block = TileBlock(first, row_input, used_rows.astype(np.int64), used_columns.astype(np.int64), inputs)
    return block, codes.astype(np.uint8)
