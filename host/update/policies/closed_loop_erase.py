"""The closed-loop update that erases first: every cell is brought to the lowest level, then programmed to its own.

Arrays without gradual RESET, and storage that is written as a whole, know no other update. It is the most expensive
reading of "basic closed-loop update" (Tan et al., Cogn. Neurodyn. 2024, whose full text does not say which one it was).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from twinbar.host.update.every_cell import every_cell
from twinbar.host.update.policies.closed_loop import ClosedLoop

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate


class ClosedLoopErase(ClosedLoop):
    """Erase every cell of every layer at every step, and write it to its level; both are closed loops."""

    def carry_out(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Write all cells to level 0, in one program, and then to their levels, in another one."""
        wanted = {layer.name: self.decide(layer.weights, layer.cells, progress) for layer in layers}
        for layer in layers:
            layer.cells.plus.fill(0)
            layer.cells.minus.fill(0)
        access.write(
            {
                name: replace(decision, levels=np.zeros_like(decision.levels), weight_updates=0)
                for name, decision in wanted.items()
            }
        )
        # A cell that could not be erased is noted at another level: what is asked for is listed again.
        access.write(
            {
                layer.name: replace(
                    every_cell(layer.weights, layer.cells), weight_updates=wanted[layer.name].weight_updates
                )
                for layer in layers
            }
        )


POLICY: Final = ClosedLoopErase
"""Every cell erased and written again at every step."""
