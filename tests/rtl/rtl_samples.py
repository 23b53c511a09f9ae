"""Small crossbars and random programs for the tests of the rtl engine."""

from typing import Any

import numpy as np

from twinbar.emulator.configuration import CrossbarConfig, Geometry, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engine import TileBlock, WriteList
from twinbar.emulator.registers import WriteRegisters

CYCLES = {
    "select": 1,
    "settle_read": 2,
    "settle_drive": 3,
    "settle_multiply": 2,
    "convert": 2,
    "samples": 1,
    "recover": 1,
}


def crossbar(
    preset: str = "taox-hfox",
    *,
    discard: int = 0,
    limit: int | None = None,
    clock_hz: float = 100e6,
    cycles: dict[str, int] | None = None,
    **geometry: Any,
) -> CrossbarConfig:
    """Build the configuration of a small crossbar."""
    shape = {"rows": 6, "columns": 8, "dac_inputs": False, "subtract_pairs": False, **geometry}

    def registers(cells: Any) -> WriteRegisters:
        return WriteRegisters.from_drive(cells.drive, limit=limit or cells.drive.pulse_limit, discard=discard)

    return build_config(
        load_preset(preset),
        Geometry(**shape),
        levels=16,
        tolerance=0.3,
        seed=11,
        clock_hz=clock_hz,
        cycles={**CYCLES, **(cycles or {})},
        make_registers=registers,
    )


def random_writes(config: CrossbarConfig, tiles: int, rng: np.random.Generator, most: int = 12) -> WriteList:
    """Draw a write list, of another length for every tile."""
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, most + 1, tiles))]).astype(np.int64)
    offsets[-1] += 1
    n = int(offsets[-1])
    cells = rng.integers(0, config.geometry.cells, n).astype(np.int32)
    return WriteList(offsets, cells, rng.integers(0, len(config.levels), n).astype(np.uint8))


def random_block(config: CrossbarConfig, tiles: int, rng: np.random.Generator) -> TileBlock:
    """Draw a layer on the tiles: one row of column tiles, or one column of row tiles."""
    g = config.geometry
    row_tiles, column_tiles = (tiles, 1) if rng.integers(2) else (1, tiles)
    used_rows = rng.integers(1, g.rows + 1, row_tiles)
    inputs = int(used_rows.sum())
    row_input = np.full((row_tiles, g.rows), inputs, np.int64)
    first = 0
    for r, used in enumerate(used_rows):
        row_input[r, :used] = np.arange(first, first + used)
        first += used
    used_columns = 2 * rng.integers(1, g.columns // 2 + 1, column_tiles)
    return TileBlock(0, row_input, used_rows.astype(np.int64), used_columns.astype(np.int64), inputs)


def random_inputs(config: CrossbarConfig, block: TileBlock, rng: np.random.Generator, batch: int) -> np.ndarray:
    """Draw input vectors; one of them is all zeros, and many inputs are."""
    inputs = rng.integers(0, config.geometry.input_max + 1, (batch, block.inputs)) * rng.integers(
        0, 2, (batch, block.inputs)
    )
    inputs[batch // 2] = 0
    return inputs.astype(np.uint8)
