"""The basic closed-loop update: every cell is driven to its level at every step.

This is the yardstick of the field: program-and-verify of every weight after every iteration (for instance
``bp_update_pulse`` of the STELLAR code, Zhang et al., Science 2023). With levels as the targets it is the policy
`closed-loop`; with targets as fine as the level table allows it is `closed-loop-analog`.
"""

import numpy as np

from twinbar.host.update.kernels import decide_all
from twinbar.host.update.policy import Decision, room_for
from twinbar.host.update.programmed import ProgrammedLayer


class ClosedLoop:
    """Write every cell of every layer at every step; a cell already in its window costs one read."""

    keeps_read_back = False

    def decide(self, weights: np.ndarray, cells: ProgrammedLayer, progress: float) -> Decision:
        """List all cells (see `UpdatePolicy.decide`)."""
        addresses, levels, origins = room_for(weights.size)
        n, changed = decide_all(
            weights,
            cells.weight_per_level,
            cells.levels,
            cells.plus,
            cells.minus,
            cells.map.input_address,
            cells.map.output_address,
            addresses,
            levels,
            origins,
        )
        return Decision(addresses[:n], levels[:n], origins[:n], changed)
