"""The basic closed-loop update: every cell is driven to its level at every step.

This is the yardstick of the field: program-and-verify of every weight after every iteration (for instance
``bp_update_pulse`` of the STELLAR code, Zhang et al., Science 2023). With levels as the targets it is the policy
`closed-loop`; with targets as fine as the level table allows it is `closed-loop-analog`.
"""

from typing import ClassVar

import numpy as np

from twinbar.host.update.kernels import decide_all
from twinbar.host.update.policy import Decision, Targets, UpdatePolicy, room_for
from twinbar.host.update.programmed import ProgrammedLayer


class ClosedLoop(UpdatePolicy):
    """Write every cell of every layer at every step; a cell already in its window costs one read."""

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


class ClosedLoopAnalog(ClosedLoop):
    """Write every cell of every layer to its analog value at every step."""

    # 256 targets are as fine as the level table allows; the window is a quarter of a level where a level's is half.
    targets: ClassVar[Targets] = Targets(levels=256, tolerance=0.5)
