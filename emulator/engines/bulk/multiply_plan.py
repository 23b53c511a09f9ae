"""What all multiplications of a layer have in common, worked out once."""

from dataclasses import dataclass

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.hw.gateware.controller_config import ControllerConfig


@dataclass(frozen=True)
class PlanPart:
    """Tiles of a layer that are numbered row by row, as kernels take them.

    Parameters
    ----------
    block : TileBlock
    outputs : int64 [column tiles]
        Outputs of each tile of a row.
    tiles : slice
        Their place among the tiles of the layer.
    """

    block: TileBlock
    outputs: np.ndarray
    tiles: slice


@dataclass(frozen=True)
class MultiplyPlan:
    """How a layer is multiplied.

    Parameters
    ----------
    block : TileBlock
        The layer.
    outputs : int64 [column tiles]
        Outputs of each tile of a row.
    widest : int
        Outputs of the widest tile.
    words : int64 [row tiles]
        Words of the row registers that a vector fills.
    shared : bool
        Whether the column tiles of a row share their inputs.
    lanes : int
        Outputs in a response beat.
    parts : tuple of PlanPart
        The whole layer, or each of its columns of tiles.
    key : tuple
        All of the layer that the course of a program depends on.
    """

    block: TileBlock
    outputs: np.ndarray
    widest: int
    words: np.ndarray
    shared: bool
    lanes: int
    parts: tuple[PlanPart, ...]
    key: tuple[object, ...]

    @classmethod
    def of(
        cls,
        block: TileBlock,
        controller: ControllerConfig,
        *,
        pairs: bool,
        shared: bool,
        fed: bool = False,
        answered: bool = True,
    ) -> "MultiplyPlan":
        """Plan a layer.

        Parameters
        ----------
        block : TileBlock
        controller : ControllerConfig
        pairs : bool
            Whether pairs of columns are subtracted.
        shared : bool
        fed : bool
            Whether transfers bring its inputs, instead of LOADs.
        answered : bool
            Whether its sums go to the host; else one beat says that they are all kept.
        """
        outputs = block.used_columns // 2 if pairs else np.ascontiguousarray(block.used_columns)
        words = -(-block.used_rows // controller.rows_per_word)
        if fed:
            words = np.zeros_like(words)
        lanes = controller.outputs_per_beat if answered else max(int(outputs.max()), 1)
        key = block.first_tile, block.by_column, block.cascade, shared, lanes, words.tobytes(), outputs.tobytes()
        return cls(block, outputs, int(outputs.max()), words, shared, lanes, _parts(block, outputs), key)


def _parts(block: TileBlock, outputs: np.ndarray) -> tuple[PlanPart, ...]:
    columns = block.columns() if block.by_column else [block]
    each = len(outputs) // len(columns)
    first = block.first_tile
    return tuple(
        PlanPart(part, outputs[n * each : (n + 1) * each], slice(part.tiles.start - first, part.tiles.stop - first))
        for n, part in enumerate(columns)
    )
