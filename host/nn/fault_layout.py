"""Lay weights around faulty cells: inputs take those rows of their tiles in which their weights lose least.

Inputs and rows are matched as in L. Chen et al., Accelerator-friendly neural-network training: learning variations and
defects in RRAM crossbar, DATE (2017), by the Hungarian method; rows that no input needs are spare ones.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from twinbar.emulator.crossbar.fault_map import Faults
from twinbar.emulator.devices.layout import FAULT_NON_RESPONDING, FAULT_STUCK_HIGH, FAULT_STUCK_LOW
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.nn.mapping import LayerMap
from twinbar.hw.extras import need

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CellLevels:
    """Levels that cells have which cannot be written.

    Parameters
    ----------
    top : float
        The highest one, of a cell that is stuck high; one that is stuck low has 0.
    formed : float
        Of a cell that does not respond: as it was formed.
    """

    top: float
    formed: float


def around_faults(place: LayerMap, faults: Faults, levels: Floats, fixed: CellLevels, array: ArrayConfig) -> LayerMap:
    """Return a layer whose inputs lie on other rows of its tiles: those where faulty cells change weights least.

    Parameters
    ----------
    place : LayerMap
        A layer without groups, on tiles of its own.
    faults : uint8 [tiles, rows * columns]
        ``FAULT_*`` of all cells.
    levels : float [outputs, inputs]
        Weights, in levels of a cell: a pair holds the difference of its cells.
    fixed : CellLevels
    array : ArrayConfig

    Raises
    ------
    ToolMissingError
        If SciPy is not installed.
    """
    (block,) = place.blocks
    lost = np.zeros((place.inputs, *block.tiles.row_input.shape))
    for copied in place.placed:
        for number, tiles in enumerate(copied.numbers):
            lost[:, number] += _losses(place, faults[tiles], tiles - tiles[0], levels, fixed, array)
    rows = _cheapest(lost.reshape(place.inputs, -1))
    tile, row = np.divmod(rows, array.rows)
    row_input = np.full_like(block.tiles.row_input, place.inputs)
    row_input[tile, row] = np.arange(place.inputs)
    used = np.zeros(len(row_input), np.int64)
    np.maximum.at(used, tile, row + 1)
    # A tile that has no input left would have no word of them either.
    laid = replace(block.tiles, row_input=row_input, used_rows=np.maximum(used, 1))
    return replace(
        place,
        blocks=(replace(block, tiles=laid),),
        input_address=laid.numbers[tile, 0] * array.cells + row * array.columns,
    )


def _losses(
    place: LayerMap, faults: Faults, apart: npt.NDArray[np.int64], levels: Floats, fixed: CellLevels, array: ArrayConfig
) -> Floats:
    """Return the squares of what all weights of an input lose on each row of a row tile, float [inputs, rows].

    ``faults`` are those of its column tiles, which lie so many tiles ``apart`` from the first.
    """
    lost = np.zeros((levels.shape[1], array.rows))
    tile, column = place.output_address // array.cells, place.output_address % array.columns
    for distance, own in zip(apart, faults.reshape(len(apart), array.rows, array.columns), strict=True):
        here = np.flatnonzero(tile == distance)
        pairs = own[:, column[here, None] + np.arange(2)]  # [rows, outputs, 2]
        row, output = np.nonzero(pairs.any(axis=2))
        (plus, minus) = (_reach(pairs[row, output, side], fixed) for side in (0, 1))
        wanted = levels[here[output]]  # [faulty pairs, inputs]
        low, high = (plus[0] - minus[1])[:, None], (plus[1] - minus[0])[:, None]
        error = np.maximum(low - wanted, 0) + np.maximum(wanted - high, 0)
        np.add.at(lost.T, row, error**2)
    return lost


def _reach(faults: Faults, fixed: CellLevels) -> tuple[Floats, Floats]:
    """Return the least and the greatest level that cells can have."""
    low, high = np.zeros(len(faults)), np.full(len(faults), fixed.top)
    stuck = {FAULT_STUCK_LOW: 0.0, FAULT_STUCK_HIGH: fixed.top, FAULT_NON_RESPONDING: fixed.formed}
    for fault, level in stuck.items():
        low[faults == fault] = high[faults == fault] = level
    return low, high


def _cheapest(lost: Floats) -> npt.NDArray[np.int64]:
    """Return the place of each input, so that all together lose least; inputs stay in order where nothing is lost."""
    need("scipy", "wires", "array.known_faults, which matches inputs and rows,")
    from scipy.optimize import linear_sum_assignment

    # Of places that cost the same, the nearest to the usual one.
    distance = np.abs(np.arange(lost.shape[0])[:, None] - np.arange(lost.shape[1]))
    return np.asarray(linear_sum_assignment(lost + distance * (1e-9 / lost.size))[1], np.int64)
