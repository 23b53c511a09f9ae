"""What the digital functions between two layers make of sums: bias, scale, shift, ReLU (docs/controller.md)."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from twinbar.emulator.contract.activation_codes import requantize
from twinbar.hw.protocol import registers
from twinbar.hw.protocol.sizes import SCALE_BITS, SHIFT_BITS, SUM_BITS

BIAS_MAX: Final = (1 << (SUM_BITS - 1)) - 1
"""Largest bias, and largest sum, in units of the sum."""
SCALE_MAX: Final = (1 << (SCALE_BITS - 1)) - 1
SHIFT_MAX: Final = (1 << SHIFT_BITS) - 1


@dataclass(frozen=True, eq=False)
class DigitalFunctions:
    """Digital functions of a layer, whose activations have no codes below zero.

    Parameters
    ----------
    scale, bias : int64 [outputs]
    shift : int
    relu : bool
    input_max : int
        Largest input code of the next layer.
    """

    scale: npt.NDArray[np.int64]
    bias: npt.NDArray[np.int64]
    shift: int
    relu: bool
    input_max: int

    def codes(self, sums: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Turn sums, int [batch, outputs], into input codes."""
        codes = np.empty(sums.shape, np.uint8)
        requantize(sums, self.scale, self.bias, self.shift, self.input_max, -BIAS_MAX - 1, BIAS_MAX, codes)
        return codes

    def words(self) -> npt.NDArray[np.int64]:
        """Return what the table of scales holds (int64 [outputs])."""
        return np.asarray(registers.SCALES.word.pack(scale=self.scale, bias=self.bias), np.int64)
