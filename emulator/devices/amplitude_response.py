"""How a pulse's voltage scales its effect: the law of a preset's ``[amplitude]``, as a function of its parameters."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LARGEST_EXPONENT: Final = 500.0
"""Beyond it, ``exp`` leaves the range of floats."""
_LARGEST_FACTOR: Final = 1e12
"""Whoever looks for a threshold tries ones that make strong pulses absurd."""


@dataclass(frozen=True)
class AmplitudeResponse:
    """Factor of the mean step by voltage: ``expm1((V - threshold) / scale)``, and 1 at the nominal voltage.

    Parameters
    ----------
    nominal_v, threshold_v, scale_v : float
        The threshold is below the nominal voltage.
    """

    nominal_v: float
    threshold_v: float
    scale_v: float

    def factor(self, voltage_v: Array) -> Array:
        """Return the factors of voltages; 0 below the threshold."""
        over = np.maximum(voltage_v - self.threshold_v, 0) / self.scale_v
        top = min((self.nominal_v - self.threshold_v) / self.scale_v, _LARGEST_EXPONENT)
        with np.errstate(over="ignore"):
            return np.minimum(np.expm1(np.minimum(over, _LARGEST_EXPONENT)) / np.expm1(top), _LARGEST_FACTOR)
