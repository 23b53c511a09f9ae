"""What a program of multiplications does, as far as it follows from the steps that its vectors take."""

from dataclasses import dataclass

import numpy as np

from twinbar.emulator.contract.activity import Activity
from twinbar.emulator.engines.bulk.stream import ProgramCourse


@dataclass(frozen=True)
class MultipliedProgram:
    """A program whose vectors take the steps that they take: with DAC inputs, one batch goes like the next.

    Parameters
    ----------
    course : ProgramCourse
    activity : Activity
        All but the rows that are driven and the heat in their cells, which depend on the inputs.
    conversions : tuple of int64 [tiles of the layer, channels]
        Of each channel, layer by layer.
    made : tuple of int
        Conversions of all tiles, layer by layer.
    waits : tuple of tuple of int64 [batch, tiles of the part, 2]
        Those of `ProgramCourse`, by layer and by part of its plan.
    """

    course: ProgramCourse
    activity: Activity
    conversions: tuple[np.ndarray, ...]
    made: tuple[int, ...]
    waits: tuple[tuple[np.ndarray, ...], ...]
