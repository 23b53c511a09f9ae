"""Writes every cell of a layer to the level nearest to the twin."""

from typing import TYPE_CHECKING

import numpy as np

from twinbar.host.update.decision import Decision, room_for

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


def every_cell(weights: np.ndarray, cells: "ProgrammedLayer") -> Decision:
    """List all cells, and bound the twin to what pairs can hold (parameters as of `UpdatePolicy.decide`)."""
    from twinbar.host.update.kernels import decide_all

    addresses, levels, origins = room_for(weights.size)
    n, changed = decide_all(
        weights,
        cells.weight_per_level,
        cells.positions,
        cells.plus,
        cells.minus,
        cells.map.input_address,
        cells.map.output_address,
        addresses,
        levels,
        origins,
    )
    return Decision(addresses[:n], levels[:n], origins[:n], changed)
