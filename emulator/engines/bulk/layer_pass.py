"""What a product asks of the tiles of a layer, as the bulk kernels count it."""

from typing import NamedTuple

import numpy as np

from twinbar.emulator.contract.bulk_operations import TileBlock
from twinbar.emulator.engines.bulk.input_steps import InputSteps


class LayerPass(NamedTuple):
    """A batch of vectors that goes through the tiles of a layer.

    Parameters
    ----------
    block : TileBlock
    steps : InputSteps
    words : int64 [row tiles]
        Words of the row registers that a vector fills.
    outputs : int64 [column tiles]
    changed : bool [tiles of the layer]
        Whether the register of the ADC range is written.
    shared : bool
        Whether the column tiles of a row share their inputs.
    """

    block: TileBlock
    steps: InputSteps
    words: np.ndarray
    outputs: np.ndarray
    changed: np.ndarray
    shared: bool

    @property
    def batch(self) -> int:
        """Number of vectors."""
        return self.steps.taken.shape[1]

    @property
    def key(self) -> bytes:
        """What the course of the program depends on."""
        place = [self.block.first_tile, self.shared, self.block.cascade, *self.steps.taken.shape]
        arrays = (self.steps.taken, self.words, self.outputs, self.changed)
        return b"|".join((np.array(place).tobytes(), *(array.tobytes() for array in arrays)))
