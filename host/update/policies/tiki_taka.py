"""Tiki-Taka: the gradient goes to an array A, from which one input after the other is read and added to the weights, C.

T. Gokmen, W. Haensch, Algorithm for training neural networks on resistive device arrays, Front. Neurosci. 14, 103
(2020): the first version, in which what is read from A is at once pulsed into C, by stochastic pulses; the forward pass
sees C alone (its ``gamma`` is 0).
"""

from typing import Final

import numpy as np

from twinbar.host.update.random_numbers import stochastic
from twinbar.host.update.two_arrays import TwoArrays, TwoArraysSettings


class TikiTaka(TwoArrays[TwoArraysSettings]):
    """Pulse into C what is read from A."""

    settings_model = TwoArraysSettings

    def transferred(self, name: str, inputs: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Take all of it (see `TwoArrays.transferred`)."""
        return levels

    def pulses_of(self, pulses: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Round stochastically (see `TwoArrays.pulses_of`)."""
        return stochastic(pulses, drawn)


POLICY: Final = TikiTaka
