"""Measured readings beside what a fitted model predicts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Residuals:
    """Readings beside what the model predicts from those before them, in fractions of the window.

    Parameters
    ----------
    pulse : (n,) int array
        Pulses of the train before the reading.
    position : (n,) array
        Predicted.
    error, sigma : (n,) array
        Reading minus prediction, and the standard deviation expected of it.
    step : (n,) array
        Mean step that the model predicts since the reading before.
    """

    pulse: NDArray[np.int64]
    position: Array
    error: Array
    sigma: Array
    step: Array
